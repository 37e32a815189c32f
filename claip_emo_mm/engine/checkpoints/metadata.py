"""Metadata of checkpoints: config, classes, front end, backbones and training clips."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mmengine.config import Config
from torch import nn

from claip_emo_mm.engine.checkpoints.settings import front_end_settings, model_settings
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.lora import LoRAConfig
from claip_emo_mm.version import FORMAT, META_KEY, READABLE, __version__

Metadata = dict[str, Any]

_BACKBONE_KEYS = {'arch', 'lora', 'pretrained', 'sha256'}


def make_metadata(cfg: Config, classes: Sequence[str], model: nn.Module, hashes: Mapping[str, str],
                  clips: Mapping[str, str] | None = None, data: Sequence[str] = ()) -> Metadata:
    """Collect the metadata of a checkpoint.

    Args:
        cfg: config of the run.
        classes: class names in the order of their labels; empty where the data set has none.
        model: the model without a distributed wrapper.
        hashes: name of a backbone whose frozen weights the checkpoint omits -> their hash.
        clips: the training clips, as ``trained_clips`` gives them.
        data: what it was trained on, a text for each training, the last one first, as
            ``provenance.describe_datasets`` gives it.
    Returns: ``format``, ``version``, ``config`` (json), ``classes``, ``front_end``, ``model``, ``trained_clips``,
        ``data``, ``calibration`` (empty: `CalibrationHook` and tools/analysis_tools/calibrate.py fit it) and
        ``backbones``: name -> ``type``, ``arch`` and ``lora`` (from the config), ``pretrained`` (where its weights came
        from) and ``sha256`` (None where the checkpoint holds all of its weights).
    """
    text = config_as_json(cfg)
    components = json.loads(text).get('model') or {}
    backbones = {}
    for name, backbone in model.named_children():
        if hasattr(backbone, 'weights_from'):
            options, source = components.get(name) or {}, backbone.weights_from
            backbones[name] = dict(type=options.get('type'), arch=options.get('arch'),
                                   lora=options.get('lora') and asdict(LoRAConfig(**options['lora'])),
                                   pretrained=None if source is None else str(source), sha256=hashes.get(name))
    return dict(format=FORMAT, version=__version__, config=text, classes=list(classes),
                front_end=front_end_settings(cfg), model=model_settings(cfg.model), backbones=backbones,
                trained_clips=clips or {}, data=list(data), calibration={})


def read_metadata(checkpoint: Mapping[str, Any], source: str) -> Metadata | None:
    """Read the metadata of a loaded checkpoint; None where there is none.

    What converted weights do not know is empty, and their ``config`` None. `source` is the path, for messages.
    """
    metadata = (checkpoint.get('meta') or {}).get(META_KEY)
    if metadata is None:
        return None
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError) as error:
            raise InputError(f'{source}: {META_KEY} in its header is not json ({error}). Copy it again.') from None
    if not isinstance(metadata, dict) or metadata.get('format') not in READABLE:
        found, version = (metadata.get(key) if isinstance(metadata, dict) else None for key in ('format', 'version'))
        raise InputError(f'{source}: has checkpoint format {found}, of claip_emo_mm {version}; claip_emo_mm '
                         f'{__version__} expects format {", ".join(map(str, READABLE))}. Train again, or keep the '
                         'version that wrote it.')
    metadata = dict(dict(backbones={}, front_end={}, model={}, trained_clips={}, classes=[], config=None, data=[],
                         calibration={}), **metadata)
    backbones = metadata['backbones']
    valid = dict(
        classes=_is_list_of_texts(metadata['classes']), data=_is_list_of_texts(metadata['data']),
        calibration=isinstance(metadata['calibration'], dict),
        config=isinstance(metadata['config'], str | None), front_end=_is_dict_of_dicts(metadata['front_end']),
        model=isinstance(metadata['model'], dict), trained_clips=isinstance(metadata['trained_clips'], dict),
        backbones=_is_dict_of_dicts(backbones) and all(
            set(backbone) >= _BACKBONE_KEYS and isinstance(backbone['sha256'], str | None)
            and isinstance(backbone['lora'], dict | None) for backbone in backbones.values()))
    for key, is_valid in valid.items():
        if not is_valid:
            raise InputError(f'{source}: {key} in its metadata is damaged. Copy the file again.')
    return metadata


def config_as_json(cfg: Config) -> str:
    """Serialize a config; tuples become lists, classes their dotted names, which registries accept as `type`."""
    return json.dumps(cfg.to_dict(), default=_dotted_name)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)


def _is_dict_of_dicts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def _dotted_name(value: Any) -> str:
    if isinstance(value, type):
        return f'{value.__module__}.{value.__qualname__}'
    raise InputError(f'the config holds {value!r} ({type(value).__name__}), which cannot be kept in a checkpoint. '
                     'Expected numbers, texts, lists, dicts and classes; use the name of a registered component.')
