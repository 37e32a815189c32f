import pkgutil
from importlib.util import find_spec

import pytest

from claip_emo_mm.compat import requirements
from claip_emo_mm.errors import InputError


@pytest.mark.parametrize(('name', 'remedy'), [
    ('importlib_metadata', 'pip install importlib_metadata'),
    ('mmaction', 'pip install mmaction2==1.2.0'),
    ('mmcv', 'one of the two, not both: pip install mmcv-lite==2.1.0 .* or the full mmcv 2.1.0'),
])
def test_missing_package_is_named_with_its_command(name, remedy, monkeypatch):
    monkeypatch.setattr(requirements, 'find_spec', lambda asked: None if asked == name else find_spec(asked))
    with pytest.raises(InputError, match=f'package {name} is not installed.*{remedy}'):
        requirements.check_requirements()


def test_mmcv_that_mmaction_refuses_is_named(fresh_python, tmp_path):
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv' / '__init__.py').write_text("__version__ = '2.2.0'\n")
    result = fresh_python('-c', 'import claip_emo_mm', PYTHONPATH=str(tmp_path))
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 1
    assert 'InputError: mmaction2 refuses a package that it finds here: MMCV==2.2.0' in last
    assert 'pip install mmcv-lite==2.1.0' in last


def test_find_loader_is_there_without_pythons_own(monkeypatch):
    monkeypatch.delattr(pkgutil, 'find_loader', raising=False)
    requirements.patch_find_loader()
    assert pkgutil.find_loader('json').name == 'json'
    assert pkgutil.find_loader('no_such_package') is None


def test_find_loader_of_python_stays(monkeypatch):
    monkeypatch.setattr(pkgutil, 'find_loader', print, raising=False)
    requirements.patch_find_loader()
    assert pkgutil.find_loader is print
