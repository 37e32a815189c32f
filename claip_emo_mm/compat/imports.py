"""Makes MMAction2 importable: required packages, missing modules and warnings."""
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import NoReturn

import mmaction
from mmaction.utils import dependency

_PACKAGE = 'mmaction.models.localizers.drn'


class DRN:
    """Stands for mmaction2's localizer of this name, which the installed mmaction2 does not contain."""

    def __init__(self, *args: object, **kwargs: object) -> NoReturn:
        raise ImportError(f'DRN is missing in the mmaction2 that is installed ({_mmaction_folder()}): its distribution '
                          'lacks the folder models/localizers/drn. Install mmaction2 from a clone of its repository '
                          'to use DRN.')


def repair_localizers() -> None:
    """Make `import mmaction.models` possible.

    The distribution of mmaction2 1.2.0 lacks `models/localizers/drn/`. Shows as `No module named
    'mmaction.models.localizers.drn'`. Two empty modules, put where Python looks first, take its place; the class in
    them raises when somebody builds it. Where the folder exists, nothing is done: the path is looked at, since
    `find_spec` would import the packages above it. Can go when a distribution contains the folder.
    """
    if (_mmaction_folder() / 'models' / 'localizers' / 'drn').is_dir() or _PACKAGE in sys.modules:
        return
    for name in (_PACKAGE, f'{_PACKAGE}.drn'):
        module = module_from_spec(ModuleSpec(name, loader=None, is_package=name == _PACKAGE))
        module.DRN = DRN
        sys.modules[name] = module


def _mmaction_folder() -> Path:
    return Path(mmaction.__file__).parent


# mmaction/models/multimodal/vindlu/modeling_bert.py imports these from transformers.modeling_utils.
_NEEDED = ('apply_chunking_to_forward', 'find_pruneable_heads_and_indices', 'prune_linear_layer')


def repair_multimodal() -> None:
    """Make `import mmaction.models` possible beside a current transformers.

    mmaction2's VindLU models import functions that transformers no longer has. Shows as `cannot import name
    'apply_chunking_to_forward' from 'transformers.modeling_utils'`. With `WITH_MULTIMODAL = False` MMAction2 registers
    its own placeholders for these models, as it does where transformers is missing. Where transformers has what is
    needed, nothing is done. Can go when mmaction2's models import from where transformers has these functions today.
    """
    if dependency.WITH_MULTIMODAL and not _has_needed_functions():
        dependency.WITH_MULTIMODAL = False


def _has_needed_functions() -> bool:
    """Whether transformers.modeling_utils names what MMAction2 imports: its text is read, an import takes seconds."""
    spec = find_spec('transformers')
    if spec is None or not spec.submodule_search_locations:
        return False
    source = Path(next(iter(spec.submodule_search_locations)), 'modeling_utils.py')
    if not source.is_file():
        return False
    text = source.read_text(encoding='utf-8')
    return all(name in text for name in _NEEDED)
