"""Which weights the config of a file may have loaded: published ones, by their names, and no place that it chooses."""
import re
from collections.abc import Iterator, Mapping
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
_ENCODERS = ('CLIPVisualBackbone', 'CLAPAudioBackbone')
_SHORTHANDS = ('torchvision://', 'modelzoo://', 'open-mmlab://', 'openmmlab://', 'mmcls://')  # of fixed lists
_STORES = ('io_backend', 'backend_args', 'file_client_args')
_PLACE = re.compile(r'[/\\]|^[A-Za-z][\w+.-]*:|\.(pth|pt|bin|ckpt|safetensors|pkl|pickle|npz?|onnx|h5|zip|tar|py|json'
                    r'|ya?ml)$', re.IGNORECASE)
_LAION_FOLDER = 'weights'


class RefusedPlace(Exception):
    """A config names a place that may not be opened; the message is what was found."""


def checked_place(key: str, value: Any, part: Mapping[str, Any]) -> Any:
    """Look at an option of a part.

    Args:
        key: its name.
        value: a text, a number or None, or what else the option has.
        part: the dict in which it stands.
    Returns: the value; of a file of LAION's in some folder the one in `weights/`, which people fill by hand.
    Raises:
        RefusedPlace: it names a place, or may do so, which is no publisher's.
    """
    if key in _STORES:
        store = value.get('backend') if isinstance(value, Mapping) else value
        if store not in ('disk', 'local', None) or value and isinstance(value, Mapping) and set(value) != {'backend'}:
            raise RefusedPlace(repr(value))
        return value
    if value is None or isinstance(value, bool):
        return value
    if key in _SOURCES:
        if isinstance(value, str) and key == 'pretrained' and _last(part.get('type')) in _ENCODERS:
            return _encoder_source(value, part.get('arch'))
        if isinstance(value, str) and (is_published(value) or _is_uniformers(key, value, part)):
            return value
        if isinstance(value, str) or key.startswith('pretrained'):
            raise RefusedPlace(repr(value))
    if isinstance(value, str) and _PLACE.search(value):
        raise RefusedPlace(repr(value))
    return value


def is_published(address: str) -> bool:
    """Whether an address is one of OpenMMLab's or PyTorch's own files, or stands in a list that comes with
    MMAction2.
    """
    if address.startswith(_SHORTHANDS):
        return bool(re.fullmatch(r'[\w./-]+', address.partition('://')[2])) and '..' not in address
    try:
        parts = urlsplit(address)
        return parts.scheme == 'https' and parts.netloc in PUBLISHERS
    except ValueError:
        return False


def sources(part: Any, path: str) -> Iterator[tuple[str, str]]:
    """Where a part of a model's config takes weights from: dotted path -> file, address or name."""
    items = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list | tuple) else ()
    for key, value in items:
        if key in ('pretrained', 'checkpoint') and isinstance(value, str):
            yield f'{path}.{key}', value
        else:
            yield from sources(value, f'{path}.{key}')


def _encoder_source(value: str, arch: Any) -> str:
    name = PurePath(value.replace('\\', '/')).name
    if name in LAION_FILES:
        return f'{_LAION_FOLDER}/{name}'
    if value == 'toy' or re.fullmatch(r'[\w-]+', value) and isinstance(arch, str) and published.get_pretrained_cfg(
            arch, value):
        return value
    raise RefusedPlace(repr(value))


def _is_uniformers(key: str, value: str, part: Mapping[str, Any]) -> bool:
    """Whether it is one of the names, such as ViT-B/16, that MMAction2's UniFormerV2 has an address of its own for."""
    return (_last(part.get('type')) == 'UniFormerV2' and key == 'pretrained' and part.get('clip_pretrained', True)
            and value in uniformerv2._MODELS)


def _last(kind: Any) -> str:
    return kind.rpartition('.')[2] if isinstance(kind, str) else ''
