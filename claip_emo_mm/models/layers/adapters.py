"""LoRA adapters through peft, placed by the names of the layers that they adapt."""
import re
from collections.abc import Sequence

from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.lora import LoRAConfig, LoRAConv2d, LoRAConv3d, LoRALinear
from claip_emo_mm.models.layers.split_attention import split_attention, split_layers


def add_adapters(encoder: nn.Module, config: LoRAConfig, block_names: Sequence[str]) -> list[str]:
    """Put trainable adapters into a network, in place, and return the names of the adapted layers.

    `block_names` are the network's blocks, from input to output, that ``lora.blocks`` counts.
    """
    splittable = split_layers(encoder)
    split_attention(encoder, config.targets)
    layers = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d)]
    matches = {target: [name for name in layers if f'.{name}'.endswith(f'.{target}')] for target in config.targets}
    names = [name for name in layers if any(name in found for found in matches.values())]
    unmatched = sorted(target for target, found in matches.items() if not found)
    said = f'lora.targets={list(config.targets)}'
    if unmatched or not config.targets:
        known = ', '.join(sorted({name.rpartition('.')[2] for name in layers} | splittable))
        raise InputError(f'{said}: no layer is called {", ".join(unmatched) or "so"}. This encoder has {known}.')
    for name in names:
        if isinstance(encoder.get_submodule(name.rpartition('.')[0]), nn.MultiheadAttention):
            raise InputError(f'{said}: {name} belongs to an nn.MultiheadAttention, which never calls it: an adapter '
                             f'there would be without effect. Take {name.rpartition(".")[2]} out of the targets.')
    if config.blocks is not None:
        beyond = sorted(set(config.blocks) - set(range(len(block_names))))
        if beyond:
            raise InputError(f'lora.blocks={list(config.blocks)}: there is no block {beyond[0]}. '
                             f'This encoder has the blocks 0 to {len(block_names) - 1}.')
        chosen = tuple(f'{block_names[number]}.' for number in config.blocks)
        names = [name for name in names if name.startswith(chosen)]
        if not names:
            raise InputError(f'{said} match no layer in lora.blocks={list(config.blocks)}.')
    for name in names:
        groups = getattr(encoder.get_submodule(name), 'groups', 1)
        if config.rank % groups:
            raise InputError(f'lora.rank={config.rank}: {name} is a convolution in {groups} groups, of which the '
                             'rank must be a multiple. Choose such a rank, or take the layer out of lora.targets.')
    trainable = {name: parameter.requires_grad for name, parameter in encoder.named_parameters()}
    # A pattern: given a list, peft would also take every layer whose name ends in one of the names.
    peft_config = LoraConfig(r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, bias='none',
                             target_modules='|'.join(map(re.escape, names)))
    peft_config._register_custom_module({nn.Linear: LoRALinear, nn.Conv2d: LoRAConv2d, nn.Conv3d: LoRAConv3d})
    inject_adapter_in_model(peft_config, encoder)
    for name, parameter in encoder.named_parameters():  # peft freezes whatever is not an adapter
        parameter.requires_grad_(trainable.get(name.replace('.base_layer.', '.'), True))
    return names
