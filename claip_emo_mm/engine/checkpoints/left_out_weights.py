"""Which weights a checkpoint leaves out: the frozen ones that a backbone's constructor fetches again."""
import hashlib
from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase


def left_out_keys(model: nn.Module) -> dict[str, list[str]]:
    """Find what a checkpoint of the model need not hold.

    A backbone says by its attribute ``weights_from`` that its constructor takes its weights from a file or package:
    what of it is not trained can be had again from there. Statistics of its norm layers follow the data and are kept.
    A backbone without such a source (random weights), or with weights that an ``init_cfg`` replaces, is kept whole.

    Args:
        model: network whose direct children are the backbones, necks and so on.
    Returns: name of the backbone -> keys of the model's state dict.
    """
    state = model.state_dict(keep_vars=True)
    groups = {}
    for name, part in model.named_children():
        if getattr(part, 'weights_from', None) is None or any(getattr(module, 'init_cfg', None)
                                                              for module in (model, part)):
            continue
        statistics = {f'{name}.{path}.{buffer}' for path, module in part.named_modules()
                      if isinstance(module, _NormBase) for buffer in dict(module.named_buffers(recurse=False))}
        groups[name] = [key for key, value in state.items()
                        if key.startswith(f'{name}.') and not value.requires_grad and key not in statistics]
    return groups


def weight_hash(model: nn.Module, keys: Iterable[str]) -> str:
    """SHA-256 over names, types, shapes and bytes of parameters; 1.2 GB (ViT-L/14) take 1 to 4 s.

    Buffers among the keys do not count: the constructor makes them anew. An adapter around a layer leaves its name.

    Args:
        model: network.
        keys: keys of its state dict.
    Returns: 64 hexadecimal digits.
    """
    state = model.state_dict(keep_vars=True)
    named = {key.replace('.base_layer.', '.'): state[key] for key in keys if isinstance(state[key], nn.Parameter)}
    digest = hashlib.sha256()
    for key in sorted(named):
        value = named[key].detach().cpu().contiguous()
        digest.update(f'{key} {value.dtype} {tuple(value.shape)}\n'.encode())
        digest.update(value.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
