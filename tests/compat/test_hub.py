"""Files of repositories on the hub: addresses, cache, hashes, errors."""
from pathlib import Path

import pytest
from hub_server import Hub
from huggingface_hub import constants

from claip_emo_mm.compat.hub import HubFile, fetch_from_hub, hub_address, parse_hub_address
from claip_emo_mm.errors import InputError


@pytest.mark.parametrize('address, expected', [
    ('hf://ann/toy', ('ann/toy', 'main', 'model.safetensors')),
    ('hf://ann/to.y-2@v1.0', ('ann/to.y-2', 'v1.0', 'model.safetensors')),
    ('hf://ann/toy/sub/a.pth', ('ann/toy', 'main', 'sub/a.pth')),
    ('hf://ann/toy@0a1b/a.pth', ('ann/toy', '0a1b', 'a.pth'))])
def test_addresses(address: str, expected: tuple[str, str, str]) -> None:
    assert parse_hub_address(address) == HubFile(*expected)


def test_names(tmp_path: Path) -> None:
    assert hub_address('ann/toy', 'v1') == 'hf://ann/toy@v1'
    assert hub_address('hf://ann/toy') == 'hf://ann/toy'
    (tmp_path / 'a.pth').touch()
    assert hub_address(str(tmp_path / 'a.pth')) == str(tmp_path / 'a.pth')
    assert hub_address(str(tmp_path)) == str(tmp_path / 'model.safetensors')
    for wrong in ('ann', 'ann/toy@', 'http://x/ann/toy', 'hf:///toy'):
        with pytest.raises(InputError, match='is no address of the Hugging Face hub. Expected hf://user/model'):
            hub_address(wrong)


def test_a_file_is_downloaded_once_and_when_it_changes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repositories['ann/toy'] = {'model.safetensors': b'one'}
    for _ in range(2):
        assert fetch_from_hub('hf://ann/toy').read_bytes() == b'one'
    asked = [line for line in hub.asked if 'model.safetensors' in line]
    assert [line.partition(' ')[0] for line in asked] == ['HEAD', 'GET', 'HEAD']
    hub.repositories['ann/toy']['model.safetensors'] = b'two'
    assert fetch_from_hub('hf://ann/toy', cached_first=True).read_bytes() == b'one'
    assert fetch_from_hub('hf://ann/toy').read_bytes() == b'two'
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    before = len(hub.asked)
    assert fetch_from_hub('hf://ann/toy').read_bytes() == b'two'
    assert len(hub.asked) == before
    with pytest.raises(InputError, match='^hf://ann/toy/b.pth: is not in the cache, and the hub cannot be reached'):
        fetch_from_hub('hf://ann/toy/b.pth')


def test_a_damaged_download_is_not_kept(hub: Hub) -> None:
    hub.repositories['ann/toy'] = {'model.safetensors': b'one'}
    hub.stated['model.safetensors'] = 64 * 'a'
    for _ in range(2):
        with pytest.raises(InputError, match='SHA-256 7692c3ad3540bb80..., the hub states aaaaaaaaaaaaaaaa...'):
            fetch_from_hub('hf://ann/toy')
    del hub.stated['model.safetensors']
    assert fetch_from_hub('hf://ann/toy').read_bytes() == b'one'


@pytest.mark.parametrize('address, message', [
    ('hf://ann/gone', 'hf://ann/gone: there is no such repository, or you may not see it'),
    ('hf://ann/toy@v9', 'hf://ann/toy@v9: the repository has no such revision'),
    ('hf://ann/toy/x.pth', 'hf://ann/toy/x.pth: the repository has no such file')])
def test_what_is_not_there(hub: Hub, address: str, message: str) -> None:
    hub.repositories['ann/toy'] = {'model.safetensors': b'one'}
    with pytest.raises(InputError, match=message):
        fetch_from_hub(address)
