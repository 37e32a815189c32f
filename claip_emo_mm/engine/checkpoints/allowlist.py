"""Which registered components the config of a file may name, and by which names."""
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import mmengine.registry
import timm
import torchvision
from mmaction.registry import MODELS
from mmengine.registry import Registry

SCOPES = ('mmaction', 'mmengine', 'mmpretrain')

# Of the packages whose parts nobody had to import, the modules that read no files and call no functions by their names,
# other than by options that `weight_places` looks at. MMPretrain's multimodal networks, its wrappers of Hugging Face
# (`trust_remote_code`) and of timm, and MMAction2's wrappers of other people's augmentations are not among them.
_MODULES = {
    'claip_emo_mm': ('models', 'datasets.transforms'),
    'mmaction': ('models.backbones', 'models.common', 'models.data_preprocessors', 'models.heads', 'models.losses',
                 'models.necks', 'models.recognizers', 'models.utils', 'datasets.transforms'),
    'mmcv': ('cnn.bricks', 'transforms'),
    'mmengine': ('model', 'utils.dl_utils'),
    'mmpretrain': ('models.backbones', 'models.heads', 'models.losses', 'models.necks', 'models.utils'),
    'mmdet': (), 'mmpose': (), 'timm': (), 'torchvision': (), 'transformers': (), 'torch': ('nn.modules',),
}
_BESIDES = ('mmaction.datasets.transforms.wrappers', 'mmpretrain.models.backbones.timm_backbone',
            'mmpretrain.models.utils.huggingface')
_NOT_BUILT = ('AvgConsensus', 'resnet3d')  # of MMAction2's heads and SlowFast, which know them by these names alone


def registered_name(name: str, registry: Registry) -> str | None:
    """Find what a `type` in the config of a file means, without importing anything that it names.

    Args:
        name: the value of `type`: the name of a registered component, alone or behind `SCOPES`; of a network of timm or
            torchvision; or the dotted name of the class of a registered component, as a config in pure Python leaves
            it.
        registry: where it will be looked for.
    Returns: the name by which it is to be built; None where it is not registered, or not among what a file may name.
    """
    if is_published_network(name) or name in _NOT_BUILT:
        return name if registry is MODELS else None
    scope, _, plain = name.rpartition('.')
    for each in _chain(registry, name):
        if plain in each.module_dict and scope in ('', each.scope):
            return name if _is_allowed(each.module_dict[plain]) else None
    for each in _chain(registry, name):
        for known, part in each.module_dict.items():
            if _dotted(part) == name:
                known = known if each.scope != 'mmpretrain' else f'mmpretrain.{known}'
                return known if _is_allowed(part) else None
    return None


def is_known(name: str) -> bool:
    """Whether a `type` that is not built needs no import of what it names: a plain name, or a registered class."""
    scope, _, plain = name.rpartition('.')
    if not scope or scope in (*SCOPES, 'mmcv') or is_published_network(name):
        return bool(re.fullmatch(r'[\w-]+', plain)) or is_published_network(name)
    return any(_dotted(part) == name for registry in _all_registries() for part in registry.module_dict.values())


def is_published_network(name: str) -> bool:
    """Whether it is a network of timm or torchvision, written as MMAction2 writes them: timm.resnet18."""
    origin, _, network = name.partition('.')
    if origin == 'timm':
        return bool(re.fullmatch(r'\w+(\.\w+)?', network)) and timm.is_model(network)
    return origin == 'torchvision' and network in torchvision.models.list_models(module=torchvision.models)


def _chain(registry: Registry, name: str) -> Iterator[Registry]:
    """A registry and its parents, with all that belongs to them; MMPretrain's where the name asks for it."""
    each: Registry | None = registry
    while each is not None:
        each.import_from_location()
        yield each
        each = each.parent
    if registry is MODELS:
        if name.startswith('mmpretrain.'):
            try:
                import mmpretrain.models  # noqa: F401 - registers them
            except ImportError:  # building says that it is needed
                return
        yield from (child for child in mmengine.registry.MODELS.children.values() if child.scope == 'mmpretrain')


def _all_registries() -> Iterator[Registry]:
    for root in vars(mmengine.registry).values():
        if isinstance(root, Registry):
            for each in (root, *(child for child in root.children.values() if child.scope in SCOPES)):
                with suppress(ImportError):  # MMAction2 names a module that it does not have
                    each.import_from_location()
                yield each


def _is_allowed(part: Any) -> bool:
    """Whether a file may have it built: what somebody imported on purpose, and of MMAction2 and MMEngine what is
    harmless.
    """
    package, _, module = getattr(part, '__module__', '').partition('.')
    if package not in _MODULES:
        return True
    full = f'{package}.{module}'
    return not full.startswith(_BESIDES) and any(
        module == allowed or module.startswith(f'{allowed}.') for allowed in _MODULES[package])


def _dotted(part: Any) -> str:
    return f'{getattr(part, "__module__", "")}.{getattr(part, "__qualname__", "")}'
