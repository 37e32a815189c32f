"""The options of a model's parts that change what it computes, and need not show in the shapes of its weights."""
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mmaction.registry import MODELS

from claip_emo_mm.engine.checkpoints.options import default_options, plain, type_name
from claip_emo_mm.models.adapters import LoRASettings

# What is done in training alone, how weights begin, how a test is made, and how much is computed at once.
_FREE = ('_scope_', 'attn_drop_rate', 'average_clips', 'checkpoint_blocks', 'data_preprocessor', 'drop_path_rate',
         'drop_rate', 'dropout', 'dropout_ratio', 'frozen', 'frozen_stages', 'init_cfg', 'init_std', 'label_smooth_eps',
         'loss_cls', 'max_frames_per_pass', 'max_sounds_per_pass', 'modality', 'modality_dropout', 'multi_class',
         'norm_eval', 'partial_bn', 'pretrained', 'pretrained2d', 'pretrained_cfg_overlay', 'spec_augment', 'test_cfg',
         'topk', 'torchvision_pretrain', 'train_cfg', 'with_cp', 'zero_init_residual')


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
        if key in _FREE or key == 'type' or value is None:  # a part that is not there
            continue
        if key == 'lora':
            found.append((f'{path}lora.alpha', asdict(LoRASettings(**value))['alpha']))
        elif isinstance(value, Mapping) and 'type' in value:
            found += _flat(value, f'{path}{key}.')
        else:
            found.append((f'{path or "model."}{key}', plain(value)))
    return found
