"""Weights that the config inside a checkpoint may load: published ones by their names, and no other place."""
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from mmaction.models.backbones import uniformerv2
from open_clip import pretrained as published

from claip_emo_mm.compat.downloads import PUBLISHERS
from claip_emo_mm.models.weights.resolve import LAION_FILES

# Options that name weights or their place, in our networks and those of MMAction2, MMPretrain and timm.
_SOURCES = ('pretrained', 'checkpoint', 'checkpoint_path', 'load_from', 'pretrained_cfg', 'pretrained_cfg_overlay',
            'pretrained_path', 'pretrained_model_name_or_path', 'name_or_path', 'tokenizer_path', 'cache_dir', 'file',
            'hf_hub_id', 'url', 'channel_map')
_SHORTHANDS = ('torchvision://', 'modelzoo://', 'open-mmlab://', 'openmmlab://', 'mmcls://')  # of fixed lists
_STORAGE = ('io_backend', 'backend_args', 'file_client_args')
_PLACE = re.compile(r'[/\\]|^[A-Za-z][\w+.-]*:|\.(pth|pt|bin|ckpt|safetensors|pkl|pickle|npz?|onnx|h5|zip|tar|py|json'
                    r'|ya?ml)$', re.IGNORECASE)


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
    kind = options.get('type')
    kind = kind.rpartition('.')[2] if isinstance(kind, str) else ''
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
    if value == 'toy' or re.fullmatch(r'[\w-]+', value) and isinstance(arch, str) and published.get_pretrained_cfg(
            arch, value):
        return value
    raise RefusedPlace(repr(value))
