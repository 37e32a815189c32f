"""Every published format: converted, named in a config as it is, and damaged."""
import os
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch
from crafted_pickles import PickledCall
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLAPAudioBackbone, CLIPVisualBackbone
from claip_emo_mm.models.weights.convert import convert_weights
from claip_emo_mm.models.weights.formats import fuse_separate_projections, split_fused_projections
from claip_emo_mm.models.weights.load import read_weights

# The same norm of the encoders' last block, as everybody calls it.
NORM = ('visual.transformer.resblocks.1.ln_2.bias', 'encoder.layers.1.layer_norm2.bias',
        'layers.1.blocks.1.norm2.bias', 'layers.1.blocks.1.layernorm_after.bias')


def features_with(published: SimpleNamespace, path: Path) -> Tensor:
    backbone = (CLIPVisualBackbone if published.kind == 'clip' else CLAPAudioBackbone)(
        published.arch, pretrained=str(path)).eval()
    assert {parameter.dtype for parameter in backbone.parameters()} == {torch.float32}
    with torch.no_grad():
        return backbone.double()(published.inputs)


def rewrite(published: SimpleNamespace, state: dict[str, Tensor]) -> Path:
    """Put other tensors into a file, or beside it where it is an archive with code."""
    if published.path.suffix == '.safetensors':
        safetensors.torch.save_file(state, published.path)
    else:
        torch.save(state, published.path)
    return published.path


def test_features_are_the_publisher_s(published: SimpleNamespace, tmp_path: Path) -> None:
    target = tmp_path / 'ours.safetensors'
    assert convert_weights(published.kind, published.path, target) == published.format
    assert published.features.std() > .1
    assert published.features.dtype == torch.float64
    torch.testing.assert_close(features_with(published, target), published.features, atol=1e-10, rtol=0)
    torch.testing.assert_close(features_with(published, published.path), published.features, atol=1e-10, rtol=0)
    assert not list(tmp_path.glob('*.part'))


def test_the_log_names_the_format(published: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    monkeypatch.setattr('claip_emo_mm.models.weights.load.print_log', lambda text, logger: said.append(text))
    features_with(published, published.path)
    assert said[0] == f'Loading {published.path} ({published.format})'
    heads = [line for line in said[1:] if 'which nothing reads' in line]
    assert len(heads) == published.name.startswith('hf_clap')


def test_a_cut_file_is_refused(published: SimpleNamespace, tmp_path: Path) -> None:
    published.path.write_bytes(published.path.read_bytes()[:-300])
    with pytest.raises(InputError, match=f'{published.path.name}: cannot be read as a checkpoint.*cut'):
        convert_weights(published.kind, published.path, tmp_path / 'ours.pth')
    assert not list(tmp_path.glob('ours.pth*'))


def test_a_missing_and_a_misshapen_key_are_named(published: SimpleNamespace, tmp_path: Path) -> None:
    state = read_weights(published.path)
    norm = next(key for key in state if key.endswith(NORM) and 'text' not in key)
    complete = dict(state)
    del state[norm]
    path = rewrite(published, state)
    ours = {'clip': r'transformer\.resblocks\.1\.ln_2\.bias', 'clap': r'layers\.1\.blocks\.1\.norm2\.bias'}
    with pytest.raises(InputError, match=f'(?s)1 missing: {ours[published.kind]}'):
        convert_weights(published.kind, path, tmp_path / 'ours.safetensors')
    with pytest.raises(InputError, match=f'(?s)1 missing: {ours[published.kind]}'):
        features_with(published, path)
    rewrite(published, complete | {norm: torch.zeros(7)})
    with pytest.raises(InputError, match=rf'(?s)1 of another shape: {ours[published.kind]} \(7,\), expected \('):
        convert_weights(published.kind, path, tmp_path / 'ours.safetensors')
    assert not (tmp_path / 'ours.safetensors').exists()


def test_a_file_that_would_run_code_is_refused(published: SimpleNamespace, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message = r'(?s)holds (posix|nt|os)\.system.*can run code, so nothing of the file was loaded'
    if published.path.suffix == '.safetensors':
        message = 'cannot be read as a checkpoint'
    if published.name == 'openai_archive':
        evil = tmp_path / 'evil.pt'
        with zipfile.ZipFile(published.path) as old, zipfile.ZipFile(evil, 'w') as changed:
            for name in old.namelist():
                content = b'cos\nsystem\n(Vtouch code_has_run\ntR.' if name.endswith('/data.pkl') else old.read(name)
                changed.writestr(name, content)
    else:  # a name that ends in .safetensors, which cannot hold code, does not make the content safe
        evil = published.path
        state = {key: value.clone() for key, value in read_weights(evil).items()}  # some are mapped from the file
        torch.save(dict(state_dict=state, more=PickledCall(os.system, 'touch code_has_run')), evil)
    for load in (lambda: convert_weights(published.kind, evil, tmp_path / 'ours.pth'),
                 lambda: features_with(published, evil)):
        with pytest.raises(InputError, match=message):
            load()
    assert not Path('code_has_run').exists()


def test_a_format_of_the_other_encoder_is_refused(published: SimpleNamespace, tmp_path: Path) -> None:
    other = 'clap' if published.kind == 'clip' else 'clip'
    with pytest.raises(InputError, match='has none of these formats.*the first are .*file of the right encoder'):
        convert_weights(other, published.path, tmp_path / 'ours.pth')


def test_fusing_undoes_splitting() -> None:
    state = {'a.in_proj_weight': torch.randn(9, 3), 'a.in_proj_bias': torch.randn(9),
             'a.out_proj.weight': torch.randn(3, 3), 'ln.weight': torch.randn(3)}
    split = split_fused_projections(state)
    assert torch.equal(split['a.k_proj.weight'], state['a.in_proj_weight'][3:6])
    fused = fuse_separate_projections(split)
    assert fused.keys() == state.keys()
    assert all(torch.equal(fused[key], state[key]) for key in state)
