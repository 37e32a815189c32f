"""The two layers behind the attention of a block of the visual tower."""
import torch
from torch import Tensor, nn

from claip_emo_mm.models.adapted_linear import AdaptedLinear
from claip_emo_mm.models.matrix_product import is_recorded, linear
from claip_emo_mm.models.quick_gelu import SLOPE, QuickGELU

_ROWS = 1576  # tokens that are worked on together: 8 frames of ViT-B/16, whose hidden layer takes 19 MB


class VisionMLP(nn.Sequential):
    """Linear layer, QuickGELU, linear layer.

    On a CPU without gradients the tokens go through both layers in parts, adapters are multiplied out once for all
    parts, and the activation is computed within the first product: QuickGELU is SiLU(1.702 x) / 1.702, and the two
    factors go into the weights. The layers themselves are not called then, so hooks on them see nothing.

    Args:
        mlp: open_clip's, whose linear layers ``c_fc`` and ``c_proj`` are taken over with their names.
    """

    def __init__(self, mlp: nn.Sequential) -> None:
        super().__init__()
        self.c_fc = mlp.c_fc
        self.gelu = QuickGELU(inplace=True)  # nothing else reads the hidden layer
        self.c_proj = mlp.c_proj

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        if torch.is_grad_enabled() or self.training or not _in_parts(x):
            return super().forward(x)
        first, second = _own_weight(self.c_fc), _own_weight(self.c_proj)
        if first is None or second is None:
            return super().forward(x)
        first, first_bias = first.mul_(SLOPE), _bias(self.c_fc) * SLOPE
        second, second_bias = second.div_(SLOPE), _bias(self.c_proj)
        parts = [linear(linear(part, first, first_bias, silu=True), second, second_bias)
                 for part in x.flatten(0, -2).split(_ROWS)]
        return torch.cat(parts).view_as(x)


def _in_parts(x: Tensor) -> bool:
    """Whether there are several parts, of what a CPU multiplies in full precision."""
    if is_recorded():  # first, since asking for a size would bind the recorded graph to it
        return False
    return (x.device.type == 'cpu' and x.dtype == torch.float32 and x.numel() > _ROWS * x.shape[-1]
            and not torch.is_autocast_enabled('cpu'))


def _own_weight(layer: nn.Module) -> Tensor | None:
    """A copy of a layer's weight with its adapter; None for a layer of another kind."""
    if isinstance(layer, AdaptedLinear):
        return layer.multiplied_out()
    return layer.weight.clone() if type(layer) is nn.Linear else None


def _bias(layer: nn.Module) -> Tensor:
    return layer.base_layer.bias if isinstance(layer, AdaptedLinear) else layer.bias
