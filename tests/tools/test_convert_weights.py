"""tools/convert_weights.py as a user runs it."""
import runpy
import sys
from pathlib import Path

import pytest
import torch

from claip_emo_mm.models import CLIPVisualBackbone
from claip_emo_mm.models.weights.save import write_encoder

TOOL = str(Path(__file__).parents[2] / 'tools' / 'convert_weights.py')
ARCH = dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_encoder(CLIPVisualBackbone(ARCH).tower, tmp_path / 'clip.safetensors', 'clip', note='for a test')
    return tmp_path / 'clip.safetensors'


def convert(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int | None:
    """Run the tool in this process, which saves the seconds of another start."""
    monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(TOOL, run_name='__main__')
    return exit_.value.code


def test_it_says_what_it_found_and_wrote(source: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture) -> None:
    target = source.parent / 'new' / 'ours.pth'
    assert not convert(monkeypatch, 'clip', source, target)
    out = capsys.readouterr().out
    assert f'{source}: open_clip or OpenAI CLIP\n' in out and f'{target}: 0.0 MB written' in out
    written = torch.load(target, weights_only=True)
    assert written['meta']['note'] == 'converted from clip.safetensors (open_clip or OpenAI CLIP)'
    assert 'visual.transformer.resblocks.1.attn.in_proj_weight' in written['state_dict']


def test_nothing_is_overwritten_unasked(source: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture) -> None:
    target = source.parent / 'ours.safetensors'
    target.write_bytes(b'dear to somebody')
    assert convert(monkeypatch, 'clip', source, target) == 1
    assert capsys.readouterr().err == (f'error: {target}: exists already. Choose another name, or say '
                                       '--overwrite.\n')
    assert target.read_bytes() == b'dear to somebody'
    assert not convert(monkeypatch, 'clip', source, target, '--overwrite')
    assert target.stat().st_size > 1000


@pytest.mark.parametrize(('arguments', 'message'), [
    (('clip', 'gone.pt', 'ours.pth'), 'gone.pt: there is no such file of weights'),
    (('clip', '.', 'ours.pth'), 'is a folder, expected the file of weights in it. Found there: clip.safetensors.'),
    (('clip', 'clip.safetensors', 'ours.onnx'), 'ours.onnx: the suffix says how to write the file; expected one of'),
    (('clip', 'clip.safetensors', 'clip.safetensors/ours.pth'), 'ours.pth: cannot be written'),
    (('clap', 'clip.safetensors', 'ours.pth'), 'clip.safetensors: has none of these formats'),
    (('clip', 'clip.safetensors', 'ours.pth', '--adapters-only'), '--adapters-only: a file of clip weights has no'),
])
def test_what_a_user_can_cause_is_one_message(source: Path, monkeypatch: pytest.MonkeyPatch,
                                              capsys: pytest.CaptureFixture, arguments: tuple[str, ...],
                                              message: str) -> None:
    monkeypatch.chdir(source.parent)
    assert convert(monkeypatch, *arguments) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and errors[0].startswith('error: ') and message in errors[0]
    assert sorted(path.name for path in source.parent.iterdir()) == ['clip.safetensors']
