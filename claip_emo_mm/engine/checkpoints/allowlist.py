"""What the config inside a checkpoint may name: registered components, and published weights by their names."""
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import mmengine.registry
from mmaction.models.backbones import uniformerv2
from mmaction.registry import MODELS
from mmengine.registry import Registry

from claip_emo_mm.compat.downloads import PUBLISHERS
from claip_emo_mm.engine.config_checks import type_name
from claip_emo_mm.models.weights.resolve import LAION_FILES

SCOPES = ('mmaction', 'mmengine', 'mmpretrain')

# Modules of packages that are registered without the user's import, whose components read no files and call no
# functions by name, other than by options that `checked_place` checks. MMPretrain's multimodal networks, its wrappers
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

# Options that name weights or their place, in our networks and those of MMAction2, MMPretrain and timm.
_SOURCES = ('pretrained', 'checkpoint', 'checkpoint_path', 'load_from', 'pretrained_cfg', 'pretrained_cfg_overlay',
            'pretrained_path', 'pretrained_model_name_or_path', 'name_or_path', 'tokenizer_path', 'cache_dir', 'file',
            'hf_hub_id', 'url', 'channel_map')
_SHORTHANDS = ('torchvision://', 'modelzoo://', 'open-mmlab://', 'openmmlab://', 'mmcls://')  # of fixed lists
_STORAGE = ('io_backend', 'backend_args', 'file_client_args')
_PLACE = re.compile(r'[/\\]|^[A-Za-z][\w+.-]*:|\.(pth|pt|bin|ckpt|safetensors|pkl|pickle|npz?|onnx|h5|zip|tar|py|json'
                    r'|ya?ml)$', re.IGNORECASE)


def registered_name(name: str, registry: Registry) -> str | None:
    """Name by which an allowed `type` is built, resolved without importing what it names; None for any other."""
    if is_published_network(name) or name in _NOT_BUILT:
        return name if registry is MODELS else None
    scope, _, plain = name.rpartition('.')
    if name in registry.module_dict:
        return name if _is_allowed(registry.module_dict[name]) else None
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
    for root in vars(mmengine.registry).values():
        for registry in (root, *root.children.values()) if isinstance(root, Registry) else ():
            if registry is root or registry.scope in SCOPES:
                with suppress(ImportError):  # MMAction2 names a module that it does not have
                    registry.import_from_location()
                if any(_dotted(component) == name for component in registry.module_dict.values()):
                    return True
    return False


def is_published_network(name: str) -> bool:
    """Whether it is a network of timm or torchvision, written as MMAction2 writes them: timm.resnet18."""
    origin, _, network = name.partition('.')
    if origin == 'timm':
        import timm
        return bool(re.fullmatch(r'\w+(\.\w+)?', network)) and timm.is_model(network)
    if origin == 'torchvision':
        from torchvision import models
        return network in models.list_models(module=models)
    return False


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


def _is_allowed(component: Any) -> bool:
    """Whether a checkpoint may build it: what the user imported, and of the packages in `_MODULES` those modules."""
    package, _, module = getattr(component, '__module__', '').partition('.')
    return package not in _MODULES or not f'{package}.{module}'.startswith(_EXCLUDED) and any(
        f'{module}.'.startswith(f'{allowed}.') for allowed in _MODULES[package])


def _dotted(component: Any) -> str:
    return f'{getattr(component, "__module__", "")}.{getattr(component, "__qualname__", "")}'


class RefusedPlace(Exception):
    """A config names a place that may not be opened; the message is its value."""


def checked_place(key: str, value: Any, options: Mapping[str, Any]) -> Any:
    """Check an option of a component; a file of LAION's in any folder becomes the one in `weights/`."""
    if key in _STORAGE:
        backend = value.get('backend') if isinstance(value, Mapping) else value
        if backend not in ('disk', 'local', None) or value and isinstance(value, Mapping) and set(value) != {'backend'}:
            raise RefusedPlace(repr(value))
        return value
    if value is None or isinstance(value, bool):
        return value
    kind = type_name(options.get('type'))
    if key in _SOURCES:
        if isinstance(value, str) and key == 'pretrained' and kind in ('CLIPVisualBackbone', 'CLAPAudioBackbone'):
            return _encoder_source(value, options.get('arch'))
        if isinstance(value, str) and is_published(value):
            return value
        if (kind == 'UniFormerV2' and key == 'pretrained' and options.get('clip_pretrained', True)
                and isinstance(value, str) and value in uniformerv2._MODELS):  # names such as ViT-B/16
            return value
    refused = key in _SOURCES and (isinstance(value, str) or key.startswith('pretrained'))
    if refused or isinstance(value, str) and _PLACE.search(value):
        raise RefusedPlace(repr(value))
    return value


def is_published(address: str) -> bool:
    """Whether a URL is one of OpenMMLab's or PyTorch's own files, or in a list that comes with MMAction2."""
    if address.startswith(_SHORTHANDS):
        return bool(re.fullmatch(r'[\w./-]+', address.partition('://')[2])) and '..' not in address
    try:
        parts = urlsplit(address)
        return parts.scheme == 'https' and parts.netloc in PUBLISHERS
    except ValueError:
        return False


def _encoder_source(value: str, arch: Any) -> str:
    name = PurePath(value.replace('\\', '/')).name
    if name in LAION_FILES:
        return f'weights/{name}'
    if value == 'toy':
        return value
    if re.fullmatch(r'[\w-]+', value) and isinstance(arch, str):
        from open_clip import pretrained as published  # with all of timm
        if published.get_pretrained_cfg(arch, value):
            return value
    raise RefusedPlace(repr(value))
