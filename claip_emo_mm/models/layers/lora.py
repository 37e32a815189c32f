"""LoRA: hyperparameters, placing through peft, merging, scaling."""
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_ratio, check_whole
from claip_emo_mm.models.layers.split_attention import split_attention, split_layers


@dataclass(frozen=True)
class LoRAConfig:
    """LoRA targets and hyperparameters.

    Args:
        targets: Last parts of the names of the layers to adapt (``q_proj``, or more of the name: ``layers.0.0``):
            linear layers, convolutions. Attention that keeps its projections in one matrix (torch's, VideoMAE's) has
            ``q_proj``, ``k_proj`` and ``v_proj``, too.
        rank: Rank r of the update.
        alpha: The update is scaled by ``alpha / rank``.
        dropout: Dropout probability in front of each adapter.
        blocks: Numbers of the blocks to adapt, counted from 0 at the input; None adapts all layers.
    """
    targets: Sequence[str]
    rank: int = 8
    alpha: float = 32
    dropout: float = 0.1
    blocks: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.targets, str):  # a sequence, too: of letters
            raise InputError(f'lora.targets is {self.targets!r}. Expected a list of names: [{self.targets!r}].')
        check_whole('lora', least=0, rank=self.rank, blocks=self.blocks and list(self.blocks))
        if self.rank < 1:
            raise InputError(f'lora.rank is {self.rank}. Expected at least 1; lora=None adapts nothing.')
        if not 0 <= self.dropout < 1:
            raise InputError(f'lora.dropout is {self.dropout}. Expected a probability from 0 to below 1.')


class ExactMerging:
    """Mixin for peft's adapted layers: unmerging restores the weight to the bit.

    ``state_dict()`` returns the original weight, which is kept; ``train()`` and ``load_state_dict()`` unmerge first.
    """

    _unmerged_weight: Tensor | None = None
    base_layer: nn.Module

    def merge(self, safe_merge: bool = False, adapter_names: Sequence[str] | None = None) -> None:
        """Merge the adapters into the weight, as peft does; weights that are not finite are always refused."""
        unmerged = self.base_layer.weight.data
        super().merge(True, adapter_names)  # into a copy
        if self.merged and self._unmerged_weight is None:
            self._unmerged_weight = unmerged

    def unmerge(self) -> None:
        super().unmerge()
        if self._unmerged_weight is not None:
            self.base_layer.weight.data = self._unmerged_weight
            self._unmerged_weight = None

    def train(self, mode: bool = True) -> nn.Module:
        if mode and self.merged:
            self.unmerge()
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        if self._unmerged_weight is not None:
            self._unmerged_weight = fn(self._unmerged_weight)
        return super()._apply(fn, recurse)

    def state_dict(self, *args: Any, destination: dict[str, Any] | None = None, prefix: str = '',
                   keep_vars: bool = False) -> dict[str, Any]:
        state = super().state_dict(*args, destination=destination, prefix=prefix, keep_vars=keep_vars)
        if self._unmerged_weight is not None:
            state[f'{prefix}base_layer.weight'] = nn.Parameter(
                self._unmerged_weight, self.base_layer.weight.requires_grad) if keep_vars else self._unmerged_weight
        return state

    def _load_from_state_dict(self, *args: Any) -> None:
        if self.merged:
            self.unmerge()
        super()._load_from_state_dict(*args)


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
    # Here, since peft imports all of transformers: 3 of the 9 s that a tool needed to start.
    from peft import LoraConfig, inject_adapter_in_model

    from claip_emo_mm.models.layers.lora_layers import LoRAConv2d, LoRAConv3d, LoRALinear
    trainable = {name: parameter.requires_grad for name, parameter in encoder.named_parameters()}
    # A pattern: given a list, peft would also take every layer whose name ends in one of the names.
    peft_config = LoraConfig(r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, bias='none',
                             target_modules='|'.join(map(re.escape, names)))
    peft_config._register_custom_module({nn.Linear: LoRALinear, nn.Conv2d: LoRAConv2d, nn.Conv3d: LoRAConv3d})
    inject_adapter_in_model(peft_config, encoder)
    for name, parameter in encoder.named_parameters():  # peft freezes whatever is not an adapter
        parameter.requires_grad_(trainable.get(name.replace('.base_layer.', '.'), True))
    return names


def merge_adapters(model: nn.Module) -> None:
    """Merge every adapter into its layer's weight, in place; a copy is kept, which `train()` restores to the bit."""
    for layer in model.modules():
        if isinstance(layer, ExactMerging) and not layer.merged and not layer.disable_adapters:
            layer.merge()


def scale_adapters(model: nn.Module, scale: float) -> None:
    """Scale what every adapter adds to its layer, in place: 0 is the frozen model, 1 the trained one (WiSE-FT).

    Interpolates between the frozen and the trained weights (arXiv 2109.01903). The next call replaces the scale.

    Args:
        scale: from 0 to 1.
    """
    check_ratio('adapters', adapter_scale=scale)
    layers = [layer for layer in model.modules() if isinstance(layer, ExactMerging)]
    if not layers:
        raise InputError(f'adapter_scale is {scale:g}, but the model has no adapters. Leave it out.')
    for layer in layers:
        if layer.merged:
            layer.unmerge()
        layer._disable_adapters = scale == 0
        trained = layer.__dict__.setdefault('_trained_scaling', dict(layer.scaling))
        layer.scaling = {name: value * scale for name, value in trained.items()}
