"""Low-rank adapters (LoRA) through peft, placed by the names of the layers that they adapt."""
import re
from collections.abc import Sequence
from dataclasses import dataclass

from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.adapted_linear import AdaptedLinear
from claip_emo_mm.models.merging import AdaptedConv2d, merge_adapters, unmerge_adapters

__all__ = ['LoRASettings', 'add_adapters', 'merge_adapters', 'unmerge_adapters']


@dataclass(frozen=True)
class LoRASettings:
    """Which layers get an adapter, and which.

    Args:
        targets: Last parts of the names of the layers to adapt (``q_proj``, ...): linear layers, convolutions.
        rank: Rank r of the update.
        alpha: The update is scaled by ``alpha / rank``.
        dropout: Dropout probability in front of each adapter.
        blocks: Numbers of the blocks to adapt, counted from 0 at the input; None means all of them and the layers
            outside of blocks.
    """
    targets: Sequence[str]
    rank: int = 8
    alpha: float = 32
    dropout: float = 0.1
    blocks: Sequence[int] | None = None


def add_adapters(tower: nn.Module, settings: LoRASettings, block_names: Sequence[str]) -> list[str]:
    """Put adapters into ``tower``, in place; the new parameters are trainable, nothing else is touched.

    Args:
        tower: Network to adapt.
        settings: Which layers.
        block_names: Names of the tower's blocks inside ``tower``, from input to output.
    Returns: names of the adapted layers.
    Raises:
        InputError: A target matches no layer, or a block does not exist; the message lists what there is.
    """
    layers = {name: module for name, module in tower.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)}
    last_parts = {name: name.rpartition('.')[2] for name in layers}
    unmatched = sorted(set(settings.targets) - set(last_parts.values()))
    if unmatched or not settings.targets:
        raise InputError(f'lora.targets={list(settings.targets)}: no layer is called {", ".join(unmatched) or "so"}. '
                         f'This tower has {", ".join(sorted(set(last_parts.values())))}.')
    names = [name for name, last in last_parts.items() if last in settings.targets]
    if settings.blocks is not None:
        beyond = sorted(set(settings.blocks) - set(range(len(block_names))))
        if beyond:
            raise InputError(f'lora.blocks={list(settings.blocks)}: there is no block {beyond[0]}. '
                             f'This tower has the blocks 0 to {len(block_names) - 1}.')
        chosen = tuple(f'{block_names[number]}.' for number in settings.blocks)
        names = [name for name in names if name.startswith(chosen)]
        if not names:
            raise InputError(f'lora.targets={list(settings.targets)} match no layer in '
                             f'lora.blocks={list(settings.blocks)}.')
    # A pattern: given a list, peft would also take every layer whose name ends in one of the names.
    pattern = '|'.join(re.escape(name) for name in names)
    trainable = {name: parameter.requires_grad for name, parameter in tower.named_parameters()}
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, bias='none',
                        target_modules=pattern)
    # peft's way for layers of one's own
    config._register_custom_module({nn.Linear: AdaptedLinear, nn.Conv2d: AdaptedConv2d})
    inject_adapter_in_model(config, tower)
    for name, parameter in tower.named_parameters():  # peft freezes whatever is not an adapter
        parameter.requires_grad_(trainable.get(name.replace('.base_layer.', '.'), True))
    return names
