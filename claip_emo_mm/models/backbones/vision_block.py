"""One block of the visual tower."""
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn

from claip_emo_mm.models.attention import SeparateProjectionAttention
from claip_emo_mm.models.backbones.vision_mlp import VisionMLP
from claip_emo_mm.models.matrix_product import cast_for_products


class VisionBlock(nn.Module):
    """Pre-norm Transformer block of open_clip, with projections that adapters can reach one by one.

    Args:
        block: open_clip's, whose layers and their names are taken over, but for the attention.
        quick_gelu: Whether its activation is OpenAI's QuickGELU.
    """

    def __init__(self, block: ResidualAttentionBlock, quick_gelu: bool = False) -> None:
        super().__init__()
        self.ln_1 = block.ln_1
        self.attn = SeparateProjectionAttention(block.attn.embed_dim, block.attn.num_heads)
        self.ls_1 = block.ls_1
        self.ln_2 = block.ln_2
        self.mlp = VisionMLP(block.mlp) if quick_gelu else block.mlp
        self.ls_2 = block.ls_2

    def forward(self, x: Tensor, class_token_only: bool = False) -> Tensor:
        """(U, N, D) to (U, N, D), or to (U, 1, D) for the class token alone."""
        normed = cast_for_products(self.ln_1(x))
        if class_token_only:
            x = x[:, :1]
        x = x + self.ls_1(self.attn(normed[:, :x.shape[1]], normed, normed)[0])
        return x + self.ls_2(self.mlp(self.ln_2(x)))
