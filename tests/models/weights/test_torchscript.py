import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.load import read_weights
from claip_emo_mm.models.weights.torchscript import is_torchscript, read_torchscript


class Layers(nn.Module):
    """Tensors of several kinds beside attributes that are none."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5))
        self.whole = nn.Parameter(torch.randn(4, 6).t()[1:4])  # not contiguous, and not from the storage's start
        self.register_buffer('counted', torch.arange(3))
        self.register_buffer('empty', torch.zeros(0, 2))
        self.heads, self.sizes, self.name = 2, [1, 2], 'a name'

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3) to (B, 5)."""
        return self.blocks(x) * len(self.sizes)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    torch.jit.script(Layers()).save(tmp_path / 'archive.pt')
    return tmp_path / 'archive.pt'


def rewrite(archive: Path, change: dict[str, bytes | None]) -> Path:
    """Copy an archive with other contents of the entries whose names end so; None leaves one out."""
    target = archive.with_name('changed.pt')
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, 'w') as copy:
        for name in source.namelist():
            content = next((value for end, value in change.items() if end in name), source.read(name))
            if content is not None:
                copy.writestr(name, content)
    return target


def test_tensors_are_those_of_torch(archive: Path) -> None:
    expected = torch.jit.load(archive).state_dict()
    found = read_torchscript(archive)
    assert sorted(found) == sorted(expected)
    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value)


def test_the_code_is_not_needed(archive: Path) -> None:
    without = rewrite(archive, {'/code/': None})
    assert len(read_torchscript(without)) == len(Layers().state_dict())
    with pytest.raises(RuntimeError):
        torch.jit.load(without)


def test_other_files_are_no_archives(tmp_path: Path, archive: Path) -> None:
    torch.save(Layers().state_dict(), tmp_path / 'state.pt')
    (tmp_path / 'text.pt').write_text('text')
    assert is_torchscript(archive)
    assert not is_torchscript(tmp_path / 'state.pt') and not is_torchscript(tmp_path / 'text.pt')


@pytest.mark.parametrize('call', [b'cposix\nsystem\n', b'cbuiltins\neval\n', b'ctorch\nload\n',
                                  b'ctorch._utils\n_rebuild\n', b'c__torch__fake\nthing\n'])
def test_nothing_is_called(archive: Path, tmp_path: Path, call: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = rewrite(archive, {'/data.pkl': call + b'(Vtouch code_has_run\ntR.'})
    name = call[1:-1].decode().replace('\n', r'\.')
    with pytest.raises(InputError, match=f'changed.pt: this TorchScript archive holds {name}, expected modules'):
        read_weights(evil)
    assert not (tmp_path / 'code_has_run').exists()


@pytest.mark.parametrize(('change', 'reason'), [
    ({'/data.pkl': b'\x80\x02}'}, 'EOFError'), ({'/data/0': None}, 'KeyError'), ({'/data/0': b'1234'}, 'ValueError')])
def test_damaged_archives_are_refused(archive: Path, change: dict[str, bytes | None], reason: str) -> None:
    with pytest.raises(InputError, match=rf'changed.pt: cannot be read as a TorchScript archive \({reason}'):
        read_weights(rewrite(archive, change))
