import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from crafted_pickles import PickledCall
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone
from claip_emo_mm.models.weights.formats import VISUAL_FORMATS
from claip_emo_mm.models.weights.load import load_pretrained, load_strictly
from claip_emo_mm.models.weights.save import write_encoder

ARCH = dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8)


@pytest.fixture
def written(tmp_path: Path) -> tuple[CLIPVisualBackbone, Path]:
    torch.manual_seed(0)
    backbone = CLIPVisualBackbone(ARCH)
    write_encoder(backbone.tower, tmp_path / 'encoder.safetensors', 'clip', note='for a test')
    return backbone, tmp_path / 'encoder.safetensors'


def test_written_encoders_have_the_published_keys(written: tuple[CLIPVisualBackbone, Path]) -> None:
    keys = safetensors.torch.load_file(written[1]).keys()
    assert 'visual.transformer.resblocks.1.attn.in_proj_weight' in keys
    assert 'visual.class_embedding' in keys
    assert not [key for key in keys if 'q_proj' in key]
    assert not list(written[1].parent.glob('*.part'))


def test_written_encoders_are_for_everybody_whom_the_umask_lets(written: tuple[CLIPVisualBackbone, Path],
                                                              tmp_path: Path) -> None:
    before = written[1].stat().st_mode & 0o777
    umask = os.umask(0o027)
    try:
        for name in ('encoder.safetensors', 'new.safetensors', 'new.pth'):
            write_encoder(written[0].tower, tmp_path / name, 'clip', note='for a test')
            assert (tmp_path / name).stat().st_mode & 0o777 == (before if name.startswith('encoder') else 0o640)
    finally:
        os.umask(umask)


def test_a_full_disk_is_told(written: tuple[CLIPVisualBackbone, Path], tmp_path: Path) -> None:
    for name in ('full.safetensors', 'full.pth'):
        (tmp_path / name).symlink_to('/dev/full')
        with pytest.raises(InputError, match=rf'{name}: cannot be written \(No space left on device\)'):
            write_encoder(written[0].tower, tmp_path / name, 'clip', note='for a test')


@pytest.mark.parametrize('saved_as', ['safetensors', 'torch', 'state_dict', 'half'])
def test_what_was_written_is_read(written: tuple[CLIPVisualBackbone, Path], tmp_path: Path, saved_as: str) -> None:
    backbone, path = written
    state = safetensors.torch.load_file(path)
    if saved_as != 'safetensors':
        path = tmp_path / 'encoder.pt'
        state = {key: value.half() for key, value in state.items()} if saved_as == 'half' else state
        torch.save(dict(epoch=3, state_dict=state) if saved_as == 'state_dict' else state, path)
    frames = torch.randn(2, 3, 10, 10)
    read = CLIPVisualBackbone(ARCH, pretrained=str(path))
    torch.testing.assert_close(read(frames), backbone(frames), atol=2e-2 if saved_as == 'half' else 0, rtol=0)
    assert all(parameter.dtype == torch.float32 for parameter in read.parameters())


def test_keys_that_do_not_fit_are_listed() -> None:
    module = nn.Sequential(*[nn.Linear(2, 2) for _ in range(7)])
    state = module.state_dict()
    del state['0.bias']
    state['1.weight'] = torch.zeros(3, 2)
    state |= {f'extra.{number}': torch.zeros(1) for number in range(12)}
    with pytest.raises(InputError) as error:
        load_strictly(module, state, 'some.pt')
    text = str(error.value)
    assert 'some.pt' in text and '1 missing: 0.bias' in text and '12 unexpected: extra.0' in text
    assert '1.weight (3, 2), expected (2, 2)' in text
    assert 'extra.9, ...' in text and 'extra.10' not in text


def test_another_size_is_refused(written: tuple[CLIPVisualBackbone, Path]) -> None:
    with pytest.raises(InputError, match=r'positional_embedding \(5, 16\), expected \(17, 16\)'):
        CLIPVisualBackbone(dict(ARCH, image_size=20), pretrained=str(written[1]))


def test_files_that_are_no_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                               written: tuple[CLIPVisualBackbone, Path]) -> None:
    monkeypatch.chdir(tmp_path)
    files = {'text.pt': b'not weights', 'empty.safetensors': b'', 'cut.safetensors': written[1].read_bytes()[:-100]}
    for name, content in files.items():
        Path(name).write_bytes(content)
    torch.save(dict(state_dict=PickledCall(Path.touch, Path('code_has_run'))), 'code.pt')
    for name in (*files, 'code.pt'):
        reason = 'holds pathlib.*Path.* can run code' if name == 'code.pt' else 'cannot be read as a checkpoint'
        with pytest.raises(InputError, match=f'{name}: {reason}'):
            load_pretrained(nn.Linear(1, 1), name, VISUAL_FORMATS)
    assert not Path('code_has_run').exists()
    with pytest.raises(InputError, match='gone.pt: there is no such file of weights'):
        load_pretrained(nn.Linear(1, 1), 'gone.pt', VISUAL_FORMATS)
    torch.save({'encoder.weight': torch.zeros(1)}, 'other.pt')
    with pytest.raises(InputError, match='has none of these formats.*open_clip.*the first are encoder.weight'):
        load_pretrained(nn.Linear(1, 1), 'other.pt', VISUAL_FORMATS)
