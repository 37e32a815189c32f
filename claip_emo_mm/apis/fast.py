"""Options of a model that are faster and change its scores, all at once."""
from typing import Any

import torch
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualRecognizer, CLIPVisualBackbone
from claip_emo_mm.models.layers.cpu_ops import has_bfloat16
from claip_emo_mm.models.layers.int8 import has_int8

TOLERANCE = 1.  # of 255


def speed_up(model: nn.Module) -> dict[str, Any]:
    """Turn on, in place, the options that are best for the device that the model is on.

    On a CPU: ``frame_tolerance`` of 1, half of the ``merged_tokens`` that the encoder has, and bfloat16 where the CPU
    has it, else ``int8`` where PyTorch has oneDNN: on several cores 8-bit products are slower than bfloat16. On a GPU:
    bfloat16, on older ones float16. What the model's config turns on already stays as it is.

    Returns: the keys of the config that were turned on, with their values, such as ``{'precision': 'bf16'}``.
    Raises:
        InputError: the model is no `AudioVisualRecognizer`.
    """
    if not isinstance(model, AudioVisualRecognizer):
        raise InputError(f'fast: is for an AudioVisualRecognizer, but the model is a {type(model).__name__}. Leave it '
                         'out.')
    device = next(model.parameters()).device
    if device.type == 'cpu':
        wanted: dict[str, Any] = {'data_preprocessor.frame_tolerance': TOLERANCE}
        if has_bfloat16():
            wanted['precision'] = 'bf16'
        if isinstance(model.visual_backbone, CLIPVisualBackbone):
            wanted['visual_backbone.merged_tokens'] = model.visual_backbone.most_merged // 2
            if has_int8() and not has_bfloat16():
                wanted['visual_backbone.int8'] = True
    else:
        is_new = device.type != 'cuda' or torch.cuda.is_bf16_supported(including_emulation=False)
        wanted = {'precision': 'bf16' if is_new else 'fp16'}
    taken = {}
    for key, value in sorted(wanted.items()):
        path, _, name = key.rpartition('.')
        component = model.get_submodule(path)
        if getattr(component, name, None) in (0, 'fp32'):  # False, too; a component of one's own may lack it
            setattr(component, name, value)
            taken[key] = value
    return taken
