"""`import mmaction.models` in a fresh Python: broken without the package, working with it, in any order.

And what is not imported unasked: the other components of a registry, and wandb by timm.
"""
import importlib
import sys
from pathlib import Path

import mmaction
import pytest
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import Registry

import claip_emo_mm
from claip_emo_mm.compat import imports

BY_HAND = """
import sys, types
for name in ('mmaction.models.localizers.drn', 'mmaction.models.localizers.drn.drn'):
    sys.modules[name] = types.ModuleType(name)
sys.modules[name].DRN = by_hand = type('DRN', (), {})
import mmaction.utils.dependency
"""

WITHOUT_THE_PACKAGE = f"""
try:
    import mmaction.models
except ImportError as error:
    print(error)
{BY_HAND}
import mmaction.models
"""

IMPORTED_ALREADY = f"""{BY_HAND}
mmaction.utils.dependency.WITH_MULTIMODAL = False
import mmaction.models
import claip_emo_mm
assert mmaction.models.DRN is by_hand
print('UNHARMED')
"""

AFTER_A_FAILED_IMPORT = """
import mmaction
try:
    import mmaction.models
except ImportError:
    pass
import claip_emo_mm.compat
import mmaction.models
from mmaction.registry import MODELS
assert MODELS.get('Recognizer3D') is mmaction.models.Recognizer3D
try:
    mmaction.models.DRN(vocab_size=1301)
except ImportError as error:
    print('DRN:', error)
"""


@pytest.fixture(scope='module')
def incomplete_mmaction() -> None:
    if (Path(mmaction.__file__).parent / 'models' / 'localizers' / 'drn').is_dir():
        pytest.skip('this mmaction2 is complete')


def test_mmaction_is_broken_without_the_package(fresh_python, incomplete_mmaction):
    result = fresh_python('-c', WITHOUT_THE_PACKAGE)
    assert "No module named 'mmaction.models.localizers.drn'" in result.stdout
    if not imports._has_needed_functions():
        assert "cannot import name 'apply_chunking_to_forward'" in result.stderr


def test_package_does_no_harm_where_mmaction_is_imported_already(fresh_python, incomplete_mmaction):
    result = fresh_python('-c', IMPORTED_ALREADY)
    assert 'UNHARMED' in result.stdout, result.stderr


def test_package_works_after_mmaction_failed(fresh_python, incomplete_mmaction):
    result = fresh_python('-c', AFTER_A_FAILED_IMPORT)
    assert 'DRN: DRN is missing in the mmaction2 that is installed' in result.stdout, result.stderr


def test_patches_are_applied_once():
    first = MMDistributedDataParallel.__init__
    claip_emo_mm.compat.apply_patches()
    assert MMDistributedDataParallel.__init__ is first
    assert not hasattr(first.__wrapped__, '__wrapped__')


def test_the_import_says_nothing(fresh_python):
    result = fresh_python('-c', 'import claip_emo_mm')
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '')


def test_a_registry_imports_its_others_only_for_what_it_does_not_hold(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'other_parts.py').write_text('import parts\nparts.PARTS.register_module("other", module=dict)\n')
    parts = Registry('part', scope='parts', locations=['other_parts'])
    parts.register_module('own', module=list)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, 'parts', type(sys)('parts'))
    sys.modules['parts'].PARTS = parts
    assert parts.get('own') is list and 'other_parts' not in sys.modules
    assert parts.get('other') is dict
    monkeypatch.delitem(sys.modules, 'other_parts')


def test_timm_does_without_wandb_and_others_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'wandb').mkdir()
    (tmp_path / 'wandb' / '__init__.py').write_text('IS_OURS = True')
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('wandb', 'timm.utils.summary'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.import_module('timm.utils.summary')
    assert 'wandb' not in sys.modules
    assert importlib.import_module('wandb').IS_OURS
    monkeypatch.delitem(sys.modules, 'wandb')
