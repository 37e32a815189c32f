"""Stand-in for a folder that mmaction2's distribution lacks."""
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import NoReturn

import mmaction

_PACKAGE = 'mmaction.models.localizers.drn'


class DRN:
    """Stands for mmaction2's localizer of this name, which the installed mmaction2 does not contain."""

    def __init__(self, *args: object, **kwargs: object) -> NoReturn:
        raise ImportError(f'DRN is missing in the mmaction2 that is installed ({_host_folder()}): its distribution '
                          'lacks the folder models/localizers/drn. Install mmaction2 from a clone of its repository '
                          'to use DRN.')


def repair_localizers() -> None:
    """Make `import mmaction.models` possible.

    The distribution of mmaction2 1.2.0 lacks `models/localizers/drn/`. Shows as `No module named
    'mmaction.models.localizers.drn'`. Two empty modules, put where Python looks first, take its place; the class in
    them raises when somebody builds it. Where the folder exists, nothing is done: the path is looked at, since
    `find_spec` would import the packages above it. Can go when a distribution contains the folder.
    """
    if (_host_folder() / 'models' / 'localizers' / 'drn').is_dir() or _PACKAGE in sys.modules:
        return
    for name in (_PACKAGE, f'{_PACKAGE}.drn'):
        module = module_from_spec(ModuleSpec(name, loader=None, is_package=name == _PACKAGE))
        module.DRN = DRN
        sys.modules[name] = module


def _host_folder() -> Path:
    return Path(mmaction.__file__).parent
