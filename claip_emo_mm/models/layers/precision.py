"""Evaluation in a lower precision than the weights'."""
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.cpu_ops import has_bfloat16

_TYPES = dict(bf16=torch.bfloat16, fp16=torch.float16)
PRECISIONS = ('fp32', *_TYPES)


def lower_precision(precision: str, inputs: Mapping[str, Tensor]) -> AbstractContextManager:
    """Autocast to the precision on the inputs' device, for which InputError says if it cannot; nothing for ``'fp32'``.
    """
    if precision == 'fp32':
        return nullcontext()
    device = next(iter(inputs.values())).device
    if torch.jit.is_tracing() or torch.compiler.is_exporting():
        raise InputError(f"AudioVisualRecognizer: precision='{precision}' is for tests with PyTorch. Leave it out of "
                         'an export.')
    if device.type == 'cpu' and (precision == 'fp16' or not has_bfloat16()):
        where = 'GPUs' if precision == 'fp16' else 'CPUs with AVX512-BF16, which this one lacks'
        raise InputError(f"AudioVisualRecognizer: precision='{precision}' is for {where}. Leave it out.")
    return torch.autocast(device.type, _TYPES[precision])
