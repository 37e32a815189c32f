"""Weights from addresses: they arrive, and none of them runs code."""
import hashlib
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import mmengine
import pytest
import timm.models._builder
import torch
import torchvision.models._api
from crafted_pickles import PickledCall
from hub_server import Hub
from local_server import serve
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, checkpoint, load_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint_with_prefix
from safetensors.torch import save_file
from torch import nn

import claip_emo_mm  # noqa: F401 - patches MMAction2
from claip_emo_mm.compat.downloads import cached_file
from claip_emo_mm.errors import InputError

WEIGHT = torch.arange(6.).reshape(2, 3)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A folder, its address on this machine, and an empty cache."""
    folder = tmp_path / 'served'
    folder.mkdir()
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path / 'hub'))
    with serve(folder) as address:
        yield SimpleNamespace(folder=folder, address=address, cache=tmp_path / 'hub')


def load(address: str) -> dict:
    return CheckpointLoader.load_checkpoint(address, map_location='cpu', logger='silent')


WAYS: dict[str, Callable[[str], object]] = {
    'CheckpointLoader': load,
    'load_checkpoint': lambda address: load_checkpoint(nn.Linear(3, 2), address),
    'with a prefix': lambda address: _load_checkpoint_with_prefix('layer', address),
    'load_from_http': checkpoint.load_from_http,
    'torch.hub': torch.hub.load_state_dict_from_url,
    'torch.hub as timm knows it': timm.models._builder.load_state_dict_from_url,
    'torch.hub as torchvision knows it': lambda address: torchvision.models._api.load_state_dict_from_url(
        address, weights_only=False),
    'mmengine': mmengine.utils.dl_utils.load_url,
    'model_zoo': torch.utils.model_zoo.load_url,
}


def shorthand(monkeypatch: pytest.MonkeyPatch, prefix: str, function: str) -> Callable[[str], object]:
    def by_name(address: str) -> object:
        monkeypatch.setattr(checkpoint, function, lambda: dict(evil=address))
        return load(f'{prefix}evil')

    return by_name


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch, served: SimpleNamespace, hub: Hub, tmp_path: Path,
         ) -> dict[str, Callable[[str], object]]:
    """All ways to an address; those of object stores read the served file."""
    found = dict(WAYS)
    for prefix, function in (('torchvision://', 'get_torchvision_models'), ('modelzoo://', 'get_torchvision_models'),
                             ('open-mmlab://', 'get_external_models'), ('openmmlab://', 'get_external_models'),
                             ('mmcls://', 'get_mmcls_models')):
        found[prefix] = shorthand(monkeypatch, prefix, function)
    monkeypatch.setenv('MMENGINE_HOME', str(served.folder))
    by_name = shorthand(monkeypatch, 'openmmlab://', 'get_external_models')
    found['openmmlab:// in the home folder'] = lambda address: by_name(address.rpartition('/')[2])

    def path(address: str) -> Path:
        return served.folder / address.rpartition('/')[2]

    store = SimpleNamespace(get=lambda address: path(address).read_bytes())
    monkeypatch.setattr('claip_emo_mm.compat.safe_load.get_file_backend', lambda *_, **__: store)
    found['s3://'] = lambda address: load(f's3://bucket/{path(address).name}')
    found['petrel://'] = lambda address: load(f'cluster:petrel://bucket/{path(address).name}')
    pavi = ModuleType('pavi')
    pavi.modelcloud = SimpleNamespace(get=lambda name: SimpleNamespace(
        name=name, download=lambda to: Path(to).write_bytes((served.folder / name).read_bytes())))
    monkeypatch.setitem(sys.modules, 'pavi', pavi)
    def read_hub(address: str) -> dict:
        hub.repositories['ann/toy'] = {path(address).name: path(address).read_bytes()}
        return load(f'hf://ann/toy/{path(address).name}')
    found['hf://'] = read_hub
    found['pavi://'] = lambda address: load(f'pavi://{path(address).name}')
    return found


def test_nothing_from_an_address_runs(ways: dict[str, Callable], served: SimpleNamespace, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(CheckpointLoader._schemes) == {
        '', 'http://', 'https://', 'modelzoo://', 'torchvision://', 'open-mmlab://', 'openmmlab://', 'mmcls://',
        'hf://', 'pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://', *({'huggingface://', 'mmdet://'} & set(
            CheckpointLoader._schemes))}
    marker = tmp_path / 'marker'
    call = PickledCall(os.mkdir, str(marker))
    torch.save(dict(state_dict=call), served.folder / 'zip.pth')
    torch.save(dict(state_dict=call), served.folder / 'old.pth', _use_new_zipfile_serialization=False)
    (served.folder / 'plain.pkl').write_bytes(pickle.dumps(call))
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    for way, read in ways.items():
        for name in ('zip.pth', 'old.pth', 'plain.pkl'):
            with pytest.raises(InputError) as error:
                read(f'{served.address}/{name}')
            assert '\n' not in str(error.value), way
            assert name in str(error.value), way
            assert not marker.exists(), way
    torch.load(served.folder / 'zip.pth', weights_only=False)  # only to show that this file really runs code
    assert marker.exists()


def test_weights_arrive_in_every_way(ways: dict[str, Callable], served: SimpleNamespace) -> None:
    state = {'layer.weight': WEIGHT, 'backbone.weight': WEIGHT}
    for way, read in ways.items():
        torch.save(dict(state_dict=state, log=HistoryBuffer([3.], [1])), served.folder / 'good.pth')
        if way == 'load_checkpoint':
            continue
        found = read(f'{served.address}/good.pth')
        weights = found.get('state_dict', found)
        name = 'weight' if way in ('with a prefix', 'mmcls://') else 'layer.weight'
        assert torch.equal(weights[name], WEIGHT), way
        if way not in ('with a prefix', 'mmcls://'):
            assert type(found['log']) is HistoryBuffer, way
    save_file({'layer.weight': WEIGHT}, served.folder / 'good.safetensors')
    assert torch.equal(load(f'{served.address}/good.safetensors')['state_dict']['layer.weight'], WEIGHT)


def test_a_file_is_downloaded_once_and_never_taken_for_another(served: SimpleNamespace) -> None:
    for folder, value in (('a', 1.), ('b', 2.)):
        (served.folder / folder).mkdir()
        torch.save(dict(x=torch.tensor(value)), served.folder / folder / 'epoch_1.pth')
    assert [load(f'{served.address}/{folder}/epoch_1.pth')['x'].item() for folder in 'ab'] == [1, 2]
    (served.folder / 'a' / 'epoch_1.pth').unlink()
    assert load(f'{served.address}/a/epoch_1.pth')['x'].item() == 1
    assert len(list(served.cache.rglob('*epoch_1.pth'))) == 2 and not list(served.cache.rglob('*.part'))


def test_names_with_a_hash_and_those_of_publishers_stay_in_the_cache(served: SimpleNamespace) -> None:
    folder = served.cache / 'checkpoints'
    for address in ('https://download.pytorch.org/models/vgg.pth', 'https://download.openmmlab.com/a/b/vit.pth',
                    'http://evil.org/resnet-0123abcd.pth'):
        assert cached_file(address) == folder / address.rpartition('/')[2]
    assert cached_file('http://evil.org/vit.pth').parent == folder
    assert cached_file('http://evil.org/vit.pth') != folder / 'vit.pth'
    torch.save(dict(x=WEIGHT), served.folder / 'a.pth')
    digest = hashlib.sha256((served.folder / 'a.pth').read_bytes()).hexdigest()[:8]
    for name in (f'good-{digest}.pth', 'bad-00000000.pth'):
        (served.folder / name).write_bytes((served.folder / 'a.pth').read_bytes())
    assert torch.equal(load(f'{served.address}/good-{digest}.pth')['x'], WEIGHT)
    with pytest.raises(InputError, match=rf'gave a file with the SHA-256 {digest}.*its name promises 00000000'):
        load(f'{served.address}/bad-00000000.pth')
    assert not list(served.cache.rglob('*bad*'))


def test_what_cannot_be_had_is_one_line(served: SimpleNamespace) -> None:
    (served.folder / 'cut.pth').write_bytes(bytes(1000))
    (served.folder / 'text.pth').write_text('<html>404</html>')
    closed = 'http://127.0.0.1:9/a.pth'  # nobody listens there
    for address, message in (
            (f'{served.address}/gone.pth', 'cannot be downloaded (the server says 404 File not found)'),
            (f'{served.address}/cut.pth', 'cannot be downloaded ('), (closed, 'Connection refused'),
            ('http://no.such.name.invalid/a.pth', 'cannot be downloaded ('), ('http://[', 'cannot be downloaded ('),
            ('http://a b/c.pth', 'cannot be downloaded ('), (f'{served.address}/{"x" * 300}.pth', 'says 404'),
            (f'{served.address}/text.pth', "begin with b'<html>404"),
            ('torchvision://gone', 'there are no weights of this name'),
            ('openmmlab://gone', 'there are no weights of this name'), ('mmcls://gone', 'no weights of this name'),
            ('s3://bucket/gone.pth', 'cannot be fetched'), ('pavi://gone', 'cannot be fetched')):
        with pytest.raises(InputError, match=re.escape(message)) as error:
            load(address)
        assert str(error.value).startswith(address) and '\n' not in str(error.value)
    with pytest.raises(InputError, match=r'127\.0\.0\.1:9/a\.pth: its weights cannot be had .*refused'):
        torch.hub.load_state_dict_from_url(closed)
    assert not [path for path in served.cache.rglob('*') if path.is_file() and 'text' not in path.name]
