"""Patches that make `import mmaction.models` possible, and leave out imports that nobody asked for."""
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import NoReturn

import mmaction
from mmaction.utils import dependency
from mmengine.registry import Registry

from claip_emo_mm.compat import replace_method

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


def patch_registry() -> None:
    """Let registries give a component that they hold without first importing all of their others.

    MMEngine 0.10.7 imports a registry's locations whatever is asked of it: the first transform of a pipeline brings all
    of MMAction2's, with scipy.stats. Shows as half a second before an inference. Can go when `get` looks first.
    """
    @replace_method(Registry, 'get')
    def get(original: Callable[..., type | None], self: Registry, key: str) -> type | None:
        return (self.module_dict.get(key) if isinstance(key, str) else None) or original(self, key)


class _NotForTimm(MetaPathFinder):
    """Refuses to import wandb while timm imports its summary, and only then."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == 'wandb' and getattr(getattr(sys.modules.get('timm.utils.summary'), '__spec__', None),
                                       '_initializing', False):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


def patch_timm_summary() -> None:
    """Let timm do without wandb, which only its own training script would log to.

    timm 1.0 imports it where it is installed. Shows as a second before an inference. MMEngine's WandbVisBackend imports
    it as before. Can go when timm imports it where it is used.
    """
    if not any(isinstance(finder, _NotForTimm) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NotForTimm())
