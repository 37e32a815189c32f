"""Settings of model and front end that a checkpoint states."""
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import Registry

from claip_emo_mm.datasets.transforms import corruptions
from claip_emo_mm.engine.config_checks import inner_datasets
from claip_emo_mm.models.layers.lora_config import LoRAConfig


def default_options(kind: str | type, registry: Registry) -> dict[str, Any]:
    """Return the options of a registered component that have a default; none where the registry does not know it."""
    if isinstance(kind, str) and kind.startswith('timm.'):  # no scope of a registry
        return {}
    built = registry.get(kind) if isinstance(kind, str) else kind
    parameters = inspect.signature(built).parameters.values() if callable(built) else ()
    return {option.name: option.default for option in parameters if option.default is not option.empty}


def type_name(kind: str | type) -> str:
    """Return the name of a part's type without the scope or module in front of it."""
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__


def plain(value: Any) -> Any:
    """Return a value with tuples as lists, as they come back from a file."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


Values = dict[str, tuple[str, str]]
_ABSENT = object()


def different_settings(facts: Mapping[str, Any], here: Mapping[str, Any]) -> Values:
    """Compare the classes, the model's parts and the front end.

    An option that only one side has counts as different: a checkpoint that was written before the option existed does
    not say what it was trained with. What a checkpoint says nothing at all of is not compared.

    Args:
        facts: of the checkpoint, as ``read_metadata`` gives them.
        here: of the present run.
    Returns: name of a setting -> its values in the checkpoint and here.
    """
    found: Values = {}
    if facts['classes'] and here['classes']:
        classes = [dict(classes=', '.join(said['classes'])) for said in (facts, here)]
        found = _differing(*classes, 'cls_head.')
    if facts['model'] and here['model']:
        found |= _differing(facts['model'], here['model'], '')
    theirs, ours = facts['front_end'], here['front_end']
    if theirs and ours:
        both = [part for part in theirs if part in ours]
        alone = [{part: options for part, options in said.items() if part not in both} for said in (theirs, ours)]
        found |= _differing(*alone, 'front_end.')
        for part in both:
            found |= _differing(theirs[part], ours[part], f'front_end.{part}.')
    return found


def _differing(theirs: Mapping[str, Any], ours: Mapping[str, Any], path: str) -> Values:
    values = {option: (theirs.get(option, _ABSENT), ours.get(option, _ABSENT))
              for option in dict.fromkeys([*theirs, *ours])}
    return {f'{path}{option}': tuple('none' if value is _ABSENT else str(value) for value in pair)
            for option, pair in values.items() if pair[0] != pair[1]}


# What is done in training alone, how weights begin, how a test is made, and how much is computed at once.
_FREE_MODEL_KEYS = ('_scope_', 'attn_drop_rate', 'average_clips', 'checkpoint_blocks', 'data_preprocessor',
                    'drop_path_rate', 'drop_rate', 'dropout', 'dropout_ratio', 'frozen', 'frozen_stages', 'init_cfg',
                    'init_std', 'label_smooth_eps', 'loss_cls', 'frame_chunk_size', 'audio_chunk_size',
                    'modality', 'modality_dropout', 'multi_class', 'norm_eval', 'partial_bn', 'pretrained',
                    'pretrained2d', 'pretrained_cfg_overlay', 'spec_augment', 'test_cfg', 'topk',
                    'torchvision_pretrain', 'train_cfg', 'with_cp', 'zero_init_residual')


def model_settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a model and of every part in it, defaults included; of adapters their scale, the rest being shapes.

    The data preprocessor belongs to the front end.

    Args:
        model: config of a model that has been built: the types in it are known.
    Returns: name, such as ``visual_neck.num_heads`` -> plain value.
    """
    return dict(_flat(model, ''))


def _flat(part: Mapping[str, Any], path: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [(f'{path}type' if path else 'model.type', type_name(part['type']))]
    for key, value in {**default_options(part['type'], MODELS), **part}.items():
        if key in _FREE_MODEL_KEYS or key == 'type' or value is None:  # a part that is not there
            continue
        if key == 'lora':
            found.append((f'{path}lora.alpha', asdict(LoRAConfig(**value))['alpha']))
        elif isinstance(value, Mapping) and 'type' in value:
            found += _flat(value, f'{path}{key}.')
        else:
            found.append((f'{path or "model."}{key}', plain(value)))
    return found


# How much of a clip is looked at and how it is done, not what the model reads.
_FREE_KEYS = ('type', '_scope_', 'num_clips', 'test_mode', 'on_missing', 'meta_keys', 'non_blocking', 'exact',
              'blending')


def front_end_settings(cfg: Config) -> dict[str, dict[str, Any]]:
    """Settings of the test pipeline's transforms and of the data preprocessor, defaults included.

    Args:
        cfg: config of a run; without a test data set, its validation data set speaks for it.
    Returns: type of the part -> option -> value; parts without options are left out, and transforms that corrupt clips
        for a test.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while 'pipeline' not in dataset and (inner := inner_datasets(dataset)):  # wrapped in another data set
        dataset = inner[0]
    parts = [_part(transform, TRANSFORMS) for transform in dataset.get('pipeline', ())]
    if cfg.get('model') and cfg.model.get('data_preprocessor'):
        parts.append(_part(cfg.model.data_preprocessor, MODELS))
    settings: dict[str, dict[str, Any]] = {}
    for name, options in parts:
        if options and name not in corruptions.__all__:
            settings[next(free for free in _numbered(name) if free not in settings)] = options
    return settings


def _part(part: dict, registry: Registry) -> tuple[str, dict[str, Any]]:
    options = {**default_options(part['type'], registry), **part}
    return type_name(part['type']), {key: plain(value) for key, value in options.items() if key not in _FREE_KEYS}


def _numbered(name: str) -> Iterator[str]:
    """The name, then 'name 2', 'name 3' ... for a transform that a pipeline uses several times."""
    yield name
    number = 2
    while True:
        yield f'{name} {number}'
        number += 1
