"""What a checkpoint says of itself, so that it is enough alone and cannot be loaded where it does not belong."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mmengine.config import Config
from torch import nn

from claip_emo_mm.engine.checkpoints.settings import front_end_settings, model_settings
from claip_emo_mm.engine.checkpoints.training_clips import TrainedClips
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.lora_config import LoRAConfig
from claip_emo_mm.version import FORMAT, META_KEY, READABLE, __version__

Metadata = dict[str, Any]

_BACKBONE = {'arch', 'lora', 'pretrained', 'sha256'}


def make_metadata(cfg: Config, classes: Sequence[str], model: nn.Module, hashes: Mapping[str, str],
               trained: TrainedClips | None = None) -> Metadata:
    """Gather what a checkpoint says of itself.

    Args:
        cfg: config of the run.
        classes: names of the classes in the order of their numbers; empty where the data set does not say.
        model: the model without a distributed wrapper.
        hashes: name of a backbone whose frozen weights the checkpoint leaves out -> their hash.
        trained: the clips that it was trained on, as ``trained_clips`` gives them.
    Returns: ``format``; ``version`` of this package; ``config``, json; ``classes``; ``front_end`` as
        ``front_end_settings`` gives it; ``model`` as ``model_settings`` gives it; ``backbones``: name -> ``type``,
        ``arch`` and ``lora`` (from the config), ``pretrained`` (where its weights came from) and ``sha256`` (None where
        the checkpoint holds it whole); ``trained_clips``.
    Raises:
        InputError: the config holds something that json cannot hold.
    """
    text = config_as_json(cfg)
    parts = json.loads(text).get('model') or {}
    backbones = {name: dict(_settings(parts.get(name) or {}), pretrained=_source(part), sha256=hashes.get(name))
                 for name, part in model.named_children() if hasattr(part, 'weights_from')}
    return dict(format=FORMAT, version=__version__, config=text, classes=list(classes),
                front_end=front_end_settings(cfg), model=model_settings(cfg.model), backbones=backbones,
                trained_clips=trained or {})


def read_metadata(checkpoint: Mapping[str, Any], source: str) -> Metadata | None:
    """What a loaded checkpoint says of itself, from a dict or, in safetensors files, from json.

    Args:
        checkpoint: as mmengine's loader gives it.
        source: its path, for the message.
    Returns: the facts, with ``backbones``, ``front_end``, ``model`` and ``trained_clips``, which are empty where the
        file does not know them, and ``config``, which is None there; None where there are none.
    Raises:
        InputError: the facts are damaged, or of a format that this version does not read.
    """
    facts = (checkpoint.get('meta') or {}).get(META_KEY)
    if facts is None:
        return None
    if isinstance(facts, str):
        try:
            facts = json.loads(facts)
        except (ValueError, RecursionError) as error:
            raise InputError(f'{source}: {META_KEY} in its header is not json ({error}). Copy it again.') from None
    if not isinstance(facts, dict) or facts.get('format') not in READABLE:
        found, version = (facts.get('format'), facts.get('version')) if isinstance(facts, dict) else (None, None)
        raise InputError(f'{source}: was written in format {found} by claip_emo_mm {version}; this version '
                         f'({__version__}) reads the formats {", ".join(map(str, READABLE))}. Use that version.')
    facts = dict(dict(backbones={}, front_end={}, model={}, trained_clips={}, classes=[], config=None), **facts)
    for part, is_right in (
            ('classes', _is_list_of(facts['classes'], str)), ('config', isinstance(facts['config'], str | None)),
            ('front_end', _is_dict_of(facts['front_end'], dict)), ('model', isinstance(facts['model'], dict)),
            ('trained_clips', isinstance(facts['trained_clips'], dict)),
            ('backbones', _is_dict_of(facts['backbones'], dict) and all(
                _BACKBONE <= set(backbone) and isinstance(backbone['sha256'], str | None)
                and isinstance(backbone['lora'], dict | None) for backbone in facts['backbones'].values()))):
        if not is_right:
            raise InputError(f'{source}: what it says of its {part} is damaged. Copy the file again.')
    return facts


def config_as_json(cfg: Config) -> str:
    """Text of a whole config; tuples become lists, classes their dotted names, which registries take as `type`.

    Raises:
        InputError: the config holds something else, such as a function's result.
    """
    return json.dumps(cfg.to_dict(), default=_dotted_name)


def _is_dict_of(value: Any, kind: type) -> bool:
    return isinstance(value, dict) and all(isinstance(item, kind) for item in value.values())


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, kind) for item in value)


def _settings(part: dict[str, Any]) -> dict[str, Any]:
    lora = part.get('lora') and asdict(LoRAConfig(**part['lora']))
    return dict(type=part.get('type'), arch=part.get('arch'), lora=lora)


def _source(part: nn.Module) -> str | None:
    return None if part.weights_from is None else str(part.weights_from)


def _dotted_name(value: Any) -> str:
    if isinstance(value, type):
        return f'{value.__module__}.{value.__qualname__}'
    raise InputError(f'the config holds {value!r} ({type(value).__name__}), which cannot be kept in a checkpoint. '
                     'Expected numbers, texts, lists, dicts and classes; write the name of a registered component '
                     'instead.')
