from pathlib import Path

import pytest
from hub_server import Hub
from open_clip import pretrained as published

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLAPAudioBackbone, CLIPVisualBackbone
from claip_emo_mm.models.weights import resolve


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose downloads fail, with an empty cache; returns the cache."""
    def fail(settings: dict) -> str:
        raise OSError('Network is unreachable')
    monkeypatch.setattr(published, 'download_pretrained', fail)
    monkeypatch.setattr(resolve, 'CLIP_CACHE', tmp_path / 'clip')
    return tmp_path / 'clip'


@pytest.mark.parametrize(('arch', 'name', 'size'), [
    ('ViT-B-32-quickgelu', 'ViT-B-32.pt', 354), ('ViT-B-16-quickgelu', 'ViT-B-16.pt', 351),
    ('ViT-L-14-quickgelu', 'ViT-L-14.pt', 933)])
def test_without_a_network_it_says_what_to_fetch(no_network: Path, arch: str, name: str, size: int) -> None:
    with pytest.raises(InputError) as error:
        CLIPVisualBackbone(arch, pretrained='openai')
    text = str(error.value)
    assert f"pretrained='openai': the weights of {arch} could not be downloaded (OSError: Network is" in text
    assert f"fetch on another machine OpenAI's file {name} ({size} MB), and put it at {no_network / name}" in text
    assert 'open_clip_model.safetensors of the repository timm/vit_' in text
    no_network.mkdir()
    (no_network / name).write_bytes(b'')
    assert resolve.find_file('openai', (), arch) == no_network / name


def test_the_network_is_asked_for_the_arch_s_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr(resolve, 'CLIP_CACHE', tmp_path)
    monkeypatch.setattr(published, 'download_pretrained', lambda settings: asked.append(settings) or 'file.bin')
    assert resolve.find_file('laion2b_s34b_b79k', (), 'ViT-B-32') == Path('file.bin')
    assert asked == [published.get_pretrained_cfg('ViT-B-32', 'laion2b_s34b_b79k')]


def test_a_tag_that_is_none_is_refused(no_network: Path) -> None:
    with pytest.raises(InputError, match="pretrained='openia': is neither a file nor a tag .* for ViT-B-32-quickgelu. "
                                         'It has openai, '):
        CLIPVisualBackbone('ViT-B-32-quickgelu', pretrained='openia')
    # An arch of one's own has no tags.
    with pytest.raises(InputError, match='openai: there is no such file of weights'):
        CLIPVisualBackbone(dict(image_size=10, patch_size=5, width=16, layers=1, head_width=8), pretrained='openai')


def test_a_file_goes_before_a_tag(no_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('openai').write_bytes(b'')
    assert resolve.find_file('openai', (), 'ViT-B-32-quickgelu') == Path('openai')


def test_laion_s_files_are_fetched_once(hub: Hub, tmp_path: Path) -> None:
    hub.repositories['lukewys/laion_clap'] = {'630k-best.pt': b'weights', '630k-fusion-best.pt': b'more'}
    for _ in range(2):
        assert resolve.find_file('weights/630k-best.pt', ()).read_bytes() == b'weights'
    assert [line.partition(' ')[0] for line in hub.asked if '630k' in line] == ['HEAD', 'GET']
    own = tmp_path / '630k-best.pt'
    own.write_bytes(b'own')
    assert resolve.find_file(own, ()) == own  # a file at its place goes first
    hub.stated['630k-fusion-best.pt'] = 64 * '0'
    with pytest.raises(InputError, match='gave a file with the SHA-256 .*, the hub states 0000000000000000'):
        resolve.find_file('weights/630k-fusion-best.pt', ())


def test_laion_s_files_are_told_where_to_get() -> None:
    with pytest.raises(InputError, match="fusion-best.pt: there is no such file of weights. It is LAION's, for "
                                         'HTSAT-tiny-fusion, and cannot be downloaded: .* fetch .* from the repository '
                                         'lukewys/laion_clap'):
        CLAPAudioBackbone('HTSAT-tiny-fusion', pretrained='nowhere/630k-audioset-fusion-best.pt')
