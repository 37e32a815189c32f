"""Settings of model and front end in the metadata of a checkpoint, and their comparison."""
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import Registry

from claip_emo_mm.engine.config_checks import accepted_options, inner_datasets, type_name
from claip_emo_mm.models.layers.lora import LoRAConfig

Differences = dict[str, tuple[str, str]]  # name of a setting -> its values in the checkpoint and here

# Options of models that only training, initialization, test-time averaging, chunking or speed depend on; of prompts
# LanguageHead compares the hashes.
_FREE_MODEL_KEYS = ('_scope_', 'adapter_scale', 'attn_drop_rate', 'average_clips', 'checkpoint_blocks',
                    'data_preprocessor', 'drop_path_rate', 'drop_rate', 'dropout', 'dropout_ratio', 'first_block',
                    'frozen', 'frozen_stages', 'init_cfg', 'init_std', 'label_smooth_eps', 'loss_cls',
                    'frame_chunk_size', 'audio_chunk_size', 'int8', 'merged_tokens', 'precision',
                    'modality', 'modality_dropout', 'multi_class', 'norm_eval', 'partial_bn',
                    'pretrained', 'prompts', 'audio_prompts', 'audio_pretrained', 'audio_tokenizer', 'pretrained2d',
                    'pretrained_cfg_overlay', 'spec_augment', 'test_cfg', 'topk', 'torchvision_pretrain', 'train_cfg',
                    'with_cp', 'zero_init_residual')
# Options of transforms that do not change what the model reads of a view.
_FREE_KEYS = ('type', '_scope_', 'num_clips', 'test_mode', 'on_missing', 'meta_keys', 'non_blocking', 'exact',
              'blending', 'frame_tolerance')


def model_settings(model: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a model that has been built, defaults included: name, such as ``visual_neck.num_heads`` -> value.

    The data preprocessor does not count; of adapters only alpha does: the other options show in their shapes.
    """
    return dict(_flat(model, ''))


def component_settings(component: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Options of a component without others in it, defaults included, as they come back from a file."""
    options = {**_defaults(component['type'], registry), **component, 'type': type_name(component['type'])}
    return {key: _plain(value) for key, value in options.items() if key != '_scope_'}


def front_end_settings(cfg: Config) -> dict[str, dict[str, Any]]:
    """Settings of the test pipeline's transforms and of the data preprocessor: type -> option -> value, with defaults.

    Without a test data set the validation data set is used. Corruptions and components without options do not count.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while 'pipeline' not in dataset and (inner := inner_datasets(dataset)):  # wrapped in another data set
        dataset = inner[0]
    components = [(transform, TRANSFORMS) for transform in dataset.get('pipeline', ())]
    if cfg.get('model') and cfg.model.get('data_preprocessor'):
        components.append((cfg.model.data_preprocessor, MODELS))
    settings: dict[str, dict[str, Any]] = {}
    for component, registry in components:
        name, built = type_name(component['type']), _registered(component['type'], registry)
        options = {key: _plain(value) for key, value in {**_defaults(component['type'], registry), **component}.items()
                   if key not in _FREE_KEYS}
        if options and not getattr(built, 'is_corruption', False):
            number = sum(key.partition(' ')[0] == name for key in settings) + 1
            settings[name if number == 1 else f'{name} {number}'] = options
    return settings


def different_settings(loaded: Mapping[str, Any], here: Mapping[str, Any]) -> Differences:
    """Compare classes, model and front end, as far as both state them; an option that one side lacks is different."""
    found: Differences = {}
    if loaded['classes'] and here['classes']:
        found = _differing(*(dict(classes=', '.join(side['classes'])) for side in (loaded, here)), 'cls_head.')
    if loaded['model'] and here['model']:
        found |= _differing(loaded['model'], here['model'], '')
    before, now = loaded['front_end'], here['front_end']
    if before and now:
        both = [name for name in before if name in now]
        alone = [{name: options for name, options in side.items() if name not in both} for side in (before, now)]
        found |= _differing(*alone, 'front_end.')
        for name in both:
            found |= _differing(before[name], now[name], f'front_end.{name}.')
    return found


def _differing(before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Differences:
    absent = object()
    pairs = {option: (before.get(option, absent), now.get(option, absent)) for option in dict.fromkeys([*before, *now])}
    return {f'{path}{option}': tuple('none' if value is absent else str(value) for value in pair)
            for option, pair in pairs.items() if pair[0] != pair[1]}


def _flat(component: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    yield f'{path or "model."}type', type_name(component['type'])
    for key, value in {**_defaults(component['type'], MODELS), **component}.items():
        if key in _FREE_MODEL_KEYS or key == 'type' or value is None:  # None: a component that is not there
            continue
        if key == 'lora':
            yield f'{path}lora.alpha', asdict(LoRAConfig(**value))['alpha']
        elif isinstance(value, Mapping) and 'type' in value:
            yield from _flat(value, f'{path}{key}.')
        else:
            yield f'{path or "model."}{key}', _plain(value)


def _defaults(kind: str | type, registry: Registry) -> dict[str, Any]:
    """Options with a default of a registered component; none of unknown ones."""
    options = accepted_options(_registered(kind, registry))
    return {name: option.default for name, option in options.items() if option.default is not option.empty}


def _registered(kind: str | type, registry: Registry) -> Any:
    """What a type builds; None of unknown names and of timm's networks, whose prefix is no scope of a registry."""
    if not isinstance(kind, str):
        return kind
    return None if kind.startswith('timm.') else registry.get(kind)


def _plain(value: Any) -> Any:
    """A value as it comes back from a file: lists for tuples, texts for objects."""
    return json.loads(json.dumps(value, default=str))
