"""Patches that make `import mmaction.models` possible."""
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import NoReturn

import mmaction
from mmaction.utils import dependency

_DRN_PACKAGE = 'mmaction.models.localizers.drn'
# mmaction/models/multimodal/vindlu/modeling_bert.py imports these from transformers.modeling_utils.
_NEEDED = ('apply_chunking_to_forward', 'find_pruneable_heads_and_indices', 'prune_linear_layer')


class DRN:
    """Stub of MMAction2's localizer of this name, which the installed MMAction2 does not contain."""

    def __init__(self, *args: object, **kwargs: object) -> NoReturn:
        raise ImportError(f'DRN is missing in the mmaction2 that is installed ({_mmaction_folder()}): its distribution '
                          'lacks the folder models/localizers/drn. Install mmaction2 from a clone of its repository.')


def patch_localizers() -> None:
    """Put a stub in place of `models/localizers/drn/`, which the distribution of MMAction2 1.2.0 lacks.

    Shows as `No module named 'mmaction.models.localizers.drn'`. The folder itself is looked for, since `find_spec`
    would import the packages above it. Can go when a distribution contains the folder.
    """
    if (_mmaction_folder() / 'models' / 'localizers' / 'drn').is_dir() or _DRN_PACKAGE in sys.modules:
        return
    for name in (_DRN_PACKAGE, f'{_DRN_PACKAGE}.drn'):
        module = module_from_spec(ModuleSpec(name, loader=None, is_package=name == _DRN_PACKAGE))
        module.DRN = DRN
        sys.modules[name] = module


def _mmaction_folder() -> Path:
    return Path(mmaction.__file__).parent


def patch_multimodal() -> None:
    """Let MMAction2 skip its VindLU models where transformers lacks functions that they import.

    Shows as `cannot import name 'apply_chunking_to_forward' from 'transformers.modeling_utils'`. MMAction2 then
    registers its own placeholders, as without transformers. Can go when its models find these functions.
    """
    if dependency.WITH_MULTIMODAL and not _has_needed_functions():
        dependency.WITH_MULTIMODAL = False


def _has_needed_functions() -> bool:
    """Whether the source of transformers.modeling_utils, whose import takes seconds, names what MMAction2 imports."""
    spec = find_spec('transformers')
    if spec is None or not spec.submodule_search_locations:
        return False
    source = Path(next(iter(spec.submodule_search_locations)), 'modeling_utils.py')
    text = source.read_text(encoding='utf-8') if source.is_file() else ''
    return all(name in text for name in _NEEDED)
