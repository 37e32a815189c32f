"""Registered components that the config inside a checkpoint may name."""
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

# Modules of packages that are registered without the user's import, whose components read no files and call no
# functions by name, other than by options that `weight_sources` checks. MMPretrain's multimodal networks, its wrappers
# of Hugging Face (`trust_remote_code`) and of timm, and MMAction2's wrappers of augmentation libraries are excluded.
_MODULES = {
    'claip_emo_mm': ('models', 'datasets.transforms'),
    'mmaction': ('models.backbones', 'models.common', 'models.data_preprocessors', 'models.heads', 'models.losses',
                 'models.necks', 'models.recognizers', 'models.utils', 'datasets.transforms'),
    'mmcv': ('cnn.bricks', 'transforms'),
    'mmengine': ('model', 'utils.dl_utils'),
    'mmpretrain': ('models.backbones', 'models.heads', 'models.losses', 'models.necks', 'models.utils'),
    'mmdet': (), 'mmpose': (), 'timm': (), 'torchvision': (), 'transformers': (), 'torch': ('nn.modules',),
}
_EXCLUDED = ('mmaction.datasets.transforms.wrappers', 'mmpretrain.models.backbones.timm_backbone',
             'mmpretrain.models.utils.huggingface')
_NOT_BUILT = ('AvgConsensus', 'resnet3d')  # types that MMAction2's heads and SlowFast compare, and never build


def registered_name(name: str, registry: Registry) -> str | None:
    """Name by which an allowed `type` is built, resolved without importing what it names; None for any other."""
    if is_published_network(name) or name in _NOT_BUILT:
        return name if registry is MODELS else None
    scope, _, plain = name.rpartition('.')
    for each in _chain(registry, name):
        if plain in each.module_dict and scope in ('', each.scope):
            return name if _is_allowed(each.module_dict[plain]) else None
    for each in _chain(registry, name):
        for known, component in each.module_dict.items():
            if _dotted(component) == name:
                known = known if each.scope != 'mmpretrain' else f'mmpretrain.{known}'
                return known if _is_allowed(component) else None
    return None


def is_known(name: str) -> bool:
    """Whether a `type` that is not built is harmless: a plain name, or the dotted name of a registered class."""
    scope, _, plain = name.rpartition('.')
    if not scope or scope in (*SCOPES, 'mmcv') or is_published_network(name):
        return bool(re.fullmatch(r'[\w-]+', plain)) or is_published_network(name)
    return any(_dotted(component) == name for registry in _all_registries()
               for component in registry.module_dict.values())


def is_published_network(name: str) -> bool:
    """Whether it is a network of timm or torchvision, written as MMAction2 writes them: timm.resnet18."""
    origin, _, network = name.partition('.')
    if origin == 'timm':
        return bool(re.fullmatch(r'\w+(\.\w+)?', network)) and timm.is_model(network)
    return origin == 'torchvision' and network in torchvision.models.list_models(module=torchvision.models)


def _chain(registry: Registry, name: str) -> Iterator[Registry]:
    """A registry and its parents, fully imported; with MMPretrain's where the name asks for it."""
    each: Registry | None = registry
    while each is not None:
        each.import_from_location()
        yield each
        each = each.parent
    if registry is MODELS:
        if name.startswith('mmpretrain.'):
            with suppress(ImportError):  # building says that it is needed
                import mmpretrain.models  # noqa: F401 - registers them
        yield from (child for child in mmengine.registry.MODELS.children.values() if child.scope == 'mmpretrain')


def _all_registries() -> Iterator[Registry]:
    for root in vars(mmengine.registry).values():
        if isinstance(root, Registry):
            for each in (root, *(child for child in root.children.values() if child.scope in SCOPES)):
                with suppress(ImportError):  # MMAction2 names a module that it does not have
                    each.import_from_location()
                yield each


def _is_allowed(component: Any) -> bool:
    """Whether a checkpoint may build it: what the user imported, and of the packages in `_MODULES` those modules."""
    package, _, module = getattr(component, '__module__', '').partition('.')
    return package not in _MODULES or not f'{package}.{module}'.startswith(_EXCLUDED) and any(
        f'{module}.'.startswith(f'{allowed}.') for allowed in _MODULES[package])


def _dotted(component: Any) -> str:
    return f'{getattr(component, "__module__", "")}.{getattr(component, "__qualname__", "")}'
