"""CLIP's vision transformer."""
import difflib

import open_clip
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from open_clip.model import CLIPVisionCfg, _build_vision_tower
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.models.layers.attention import SeparateProjectionAttention
from claip_emo_mm.models.layers.cpu_ops import SLOPE, QuickGELU, cast_for_products, is_recorded, linear
from claip_emo_mm.models.layers.lora import LoRALinear
from claip_emo_mm.models.layers.lora_config import LoRAConfig, add_adapters
from claip_emo_mm.models.weights.formats import VISUAL_FORMATS
from claip_emo_mm.models.weights.load import load_pretrained

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
    if isinstance(layer, LoRALinear):
        return layer.multiplied_out()
    return layer.weight.clone() if type(layer) is nn.Linear else None


def _bias(layer: nn.Module) -> Tensor:
    return layer.base_layer.bias if isinstance(layer, LoRALinear) else layer.bias


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


_WHOLE = ('image_size', 'patch_size', 'width', 'layers', 'head_width')  # fields of open_clip's CLIPVisionCfg


@MODELS.register_module()
class CLIPVisualBackbone(BaseModule):
    """Vision Transformer of open_clip: each frame's class token after the last layer norm, not projected.

    Args:
        arch: Name of an open_clip model with a ViT (``'ViT-B-16-quickgelu'``), or a dict of the fields of open_clip's
            ``CLIPVisionCfg`` (and ``quick_gelu``).
        pretrained: File of CLIP weights; with a named ``arch`` also a tag of open_clip's weights (``'openai'``), which
            are downloaded; ``'toy'`` for the weights of the toy encoder that come with the package. None leaves the
            encoder random.
        lora: Fields of ``LoRAConfig``; None for no adapters.
        frozen: Whether the encoder's own weights stay as they are.
        checkpoint_blocks: Recompute each block in the backward pass instead of keeping its activations.
        init_cfg: mmengine's initialization.
    """

    def __init__(self, arch: str | dict, pretrained: str | None = None, lora: dict | None = None, frozen: bool = True,
                 checkpoint_blocks: bool = False, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.checkpoint_blocks = checkpoint_blocks
        self.weights_from = pretrained  # frozen weights that can be had again from there, checkpoints leave out
        with torch.device('meta'):  # weights are made once: from the file, or drawn below
            self.encoder = build_vision_transformer(arch)
        self.out_channels = self.encoder.ln_post.normalized_shape[0]
        if pretrained is None:
            self._sample_weights()
        else:
            load_pretrained(self.encoder, pretrained, VISUAL_FORMATS, arch)
        self.encoder.requires_grad_(not frozen)
        if lora is not None:
            add_adapters(self.encoder, LoRAConfig(**lora), [
                f'transformer.resblocks.{number}' for number in range(len(self.encoder.transformer.resblocks))])

    def _sample_weights(self) -> None:
        """Draw random weights: torch's own for the layers, open_clip's for class token and positions."""
        self.encoder.to_empty(device='cpu')
        for module in self.encoder.modules():
            if hasattr(module, 'reset_parameters'):
                module.reset_parameters()
        for parameter in (self.encoder.class_embedding, self.encoder.positional_embedding):
            nn.init.normal_(parameter, std=self.out_channels ** -0.5)
        for module in self.encoder.modules():  # layer scale, where the encoder has it
            if hasattr(module, 'gamma'):
                nn.init.ones_(module.gamma)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames one by one.

        Args:
            frames: (U, 3, H, W), normalized.
        Returns: (U, D) features.
        Raises:
            InputError: The frames do not have the encoder's size.
        """
        encoder = self.encoder
        if tuple(frames.shape[1:]) != (3, *encoder.image_size):
            raise InputError(f'CLIPVisualBackbone: frames of shape {tuple(frames.shape[1:])} arrived, but this encoder '
                             f'takes {(3, *encoder.image_size)}. Set size={encoder.image_size[0]} in ResizeFrames.')
        x = encoder._embeds(frames)  # (U, N+1, D)
        *blocks, last = encoder.transformer.resblocks
        for block in blocks:
            x = self._run(block, x)
        return encoder.ln_post(self._run(last, x, class_token_only=True))[:, 0]

    def _run(self, block: VisionBlock, x: Tensor, class_token_only: bool = False) -> Tensor:
        """Run a block; of the last one only the class token is read, so nothing else asks or is transformed."""
        if self.checkpoint_blocks and self.training and torch.is_grad_enabled():
            return checkpoint(block, x, class_token_only, use_reentrant=False)
        return block(x, class_token_only)


def build_vision_transformer(arch: str | dict) -> VisionTransformer:
    """Build open_clip's vision encoder with separate attention projections and without its final projection.

    Args:
        arch: As for ``CLIPVisualBackbone``.
    Raises:
        InputError: No such model, or one whose vision encoder is not a plain ViT with a class token.
    """
    if isinstance(arch, str):
        config = open_clip.get_model_config(arch)
        if config is None:
            near = difflib.get_close_matches(arch, open_clip.list_models(), n=5)
            raise InputError(f"CLIPVisualBackbone: arch='{arch}' is not a model of open_clip. "
                             f'Close to it: {", ".join(near) or "none"}. open_clip.list_models() gives all.')
        settings, quick_gelu = dict(config['vision_cfg']), config.get('quick_gelu', False)
    else:
        settings = dict(arch)
        quick_gelu = settings.pop('quick_gelu', False)
        check_whole('CLIPVisualBackbone', **{f'arch.{key}': settings[key] for key in _WHOLE if key in settings})
    encoder = _build_vision_tower(1, CLIPVisionCfg(**settings), quick_gelu)
    plain = (isinstance(encoder, VisionTransformer) and encoder.attn_pool is None and encoder.pool_type == 'tok'
             and all(isinstance(block, ResidualAttentionBlock) for block in encoder.transformer.resblocks))
    if not plain:
        raise InputError(f'CLIPVisualBackbone: the vision encoder of {arch} is not a plain ViT with a class token. '
                         'Choose one that is, such as ViT-B-16-quickgelu.')
    encoder.proj = None
    encoder.transformer.resblocks = nn.ModuleList(VisionBlock(block, quick_gelu)
                                                for block in encoder.transformer.resblocks)
    return encoder
