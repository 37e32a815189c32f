"""CLIP's vision transformer."""
import difflib
from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.models.layers.cpu_ops import QuickGELU, cast_for_products, chunked_mlp
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.models.layers.split_attention import SplitMultiheadAttention
from claip_emo_mm.models.weights.formats import VISUAL_FORMATS
from claip_emo_mm.models.weights.load import load_pretrained

if TYPE_CHECKING:
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer


class VisionMLP(nn.Sequential):
    """Linear layer, QuickGELU, linear layer; takes over the layers ``c_fc`` and ``c_proj`` of open_clip's MLP."""

    def __init__(self, mlp: nn.Sequential) -> None:
        super().__init__(OrderedDict(c_fc=mlp.c_fc, gelu=QuickGELU(), c_proj=mlp.c_proj))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        output = None if torch.is_grad_enabled() or self.training else chunked_mlp(x, self.c_fc, self.c_proj)
        return super().forward(x) if output is None else output


class VisionBlock(nn.Module):
    """Pre-norm Transformer block of open_clip with separate attention projections; its other layers are taken over."""

    def __init__(self, block: 'ResidualAttentionBlock', quick_gelu: bool = False) -> None:
        super().__init__()
        self.ln_1 = block.ln_1
        self.attn = SplitMultiheadAttention(block.attn)
        self.ls_1 = block.ls_1
        self.ln_2 = block.ln_2
        self.mlp = VisionMLP(block.mlp) if quick_gelu else block.mlp
        self.ls_2 = block.ls_2

    def forward(self, x: Tensor, class_token_only: bool = False) -> Tensor:
        """(U, N, D) to (U, N, D), or to (U, 1, D) for the class token alone."""
        normed = cast_for_products(self.ln_1(x))
        if class_token_only:
            x = x[:, :1]
        x = x + self.ls_1(self.attn(normed[:, :x.shape[1]], normed, normed, need_weights=False)[0])
        return x + self.ls_2(self.mlp(self.ln_2(x)))


@MODELS.register_module()
class CLIPVisualBackbone(BaseModule):
    """Vision Transformer of open_clip: each frame's class token after the last layer norm, not projected.

    Args:
        arch: Name of an open_clip model with a ViT (``'ViT-B-16-quickgelu'``), or a dict of the fields of open_clip's
            ``CLIPVisionCfg`` (and ``quick_gelu``).
        pretrained: File of CLIP weights; with a named ``arch`` also a tag of open_clip's weights (``'openai'``), which
            are downloaded; ``'toy'`` for the toy weights of the package; None for random weights.
        lora: Fields of ``LoRAConfig``; None for no adapters.
        frozen: Whether the encoder's own weights are frozen.
        checkpoint_blocks: Recompute each block in the backward pass instead of keeping its activations.
        first_block: Number of the block, from 0, that reads the input in place of the patches: tokens (U, N, D), as
            `embed` gives them. What lies below is dropped.
        init_cfg: mmengine's initialization.
    """

    def __init__(self, arch: str | dict, pretrained: str | None = None, lora: dict | None = None, frozen: bool = True,
                 checkpoint_blocks: bool = False, first_block: int = 0, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        check_whole(self, least=0, first_block=first_block)
        self.checkpoint_blocks = checkpoint_blocks
        self.first_block = first_block
        self.weights_from = pretrained  # checkpoints leave out frozen weights that can be loaded from there again
        with torch.device('meta'):  # weights are made once: loaded from the file, or sampled below
            self.tower = build_vision_transformer(arch)
        self.out_channels = self.tower.ln_post.normalized_shape[0]
        if pretrained is None:
            self._sample_weights()
        else:
            load_pretrained(self.tower, pretrained, VISUAL_FORMATS, arch)
        self.tower.requires_grad_(not frozen)
        if lora is not None:
            add_adapters(self.tower, LoRAConfig(**lora), [
                f'transformer.resblocks.{number}' for number in range(len(self.tower.transformer.resblocks))])
        if first_block:
            self._drop_below()

    def _drop_below(self) -> None:
        """Drop the patch embedding and the blocks below `first_block`; the others keep their names."""
        blocks = self.tower.transformer.resblocks
        if self.first_block >= len(blocks):
            raise InputError(f'CLIPVisualBackbone: first_block is {self.first_block}, but this encoder has the blocks '
                             f'0 to {len(blocks) - 1}.')
        for number in range(self.first_block):
            blocks[number] = nn.Identity()
        self.tower.conv1, self.tower.ln_pre = nn.Identity(), nn.Identity()
        del self.tower.class_embedding, self.tower.positional_embedding

    def _sample_weights(self) -> None:
        """Initialize the layers as torch does, class token and positions as open_clip does."""
        self.tower.to_empty(device='cpu')
        for module in reversed(list(self.tower.modules())):  # an attention after its projections
            if hasattr(module, 'reset_parameters'):
                module.reset_parameters()
            if hasattr(module, 'gamma'):  # layer scale
                nn.init.ones_(module.gamma)
        for parameter in (self.tower.class_embedding, self.tower.positional_embedding):
            nn.init.normal_(parameter, std=self.out_channels ** -0.5)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode normalized frames (U, 3, H, W) to features (U, D); InputError for another size.

        With `first_block`, the input are tokens (U, N, D) in place of frames.
        """
        x = frames if self.first_block else self.embed(frames)  # (U, N, D)
        *blocks, last = list(self.tower.transformer.resblocks)[self.first_block:]
        for block in blocks:
            x = self._run(block, x)
        return self.tower.ln_post(self._run(last, x, class_token_only=True))[:, 0]  # nothing reads the other tokens

    def embed(self, frames: Tensor, num_blocks: int = 0) -> Tensor:
        """Encode normalized frames (U, 3, H, W) to the tokens (U, N, D) that leave the first blocks."""
        encoder = self.tower
        if frames.ndim != 4:
            raise InputError(f'CLIPVisualBackbone: an input of shape {tuple(frames.shape)} arrived, but this encoder '
                             "reads single frames, (U, 3, H, W). Use it in AudioVisualRecognizer, or in MMAction2's "
                             "Recognizer2D with format_shape='NCHW'.")
        if tuple(frames.shape[1:]) != (3, *encoder.image_size):
            raise InputError(f'CLIPVisualBackbone: frames of shape {tuple(frames.shape[1:])} arrived, but this encoder '
                             f'takes {(3, *encoder.image_size)}. Set size={encoder.image_size[0]} in ResizeFrames.')
        x = encoder._embeds(frames)
        for block in list(encoder.transformer.resblocks)[:num_blocks]:
            x = self._run(block, x)
        return x

    def _run(self, block: VisionBlock, x: Tensor, class_token_only: bool = False) -> Tensor:
        if self.checkpoint_blocks and self.training and torch.is_grad_enabled():
            return checkpoint(block, x, class_token_only, use_reentrant=False)
        return block(x, class_token_only)


def build_vision_transformer(arch: str | dict) -> 'VisionTransformer':
    """Build open_clip's vision encoder with separate attention projections and without its final projection."""
    import open_clip  # with all of timm
    from open_clip.model import CLIPVisionCfg, _build_vision_tower
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
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
        check_whole('CLIPVisualBackbone', **{f'arch.{key}': settings.get(key) for key in (
            'image_size', 'patch_size', 'width', 'layers', 'head_width')})
    encoder = _build_vision_tower(1, CLIPVisionCfg(**settings), quick_gelu)
    if not (isinstance(encoder, VisionTransformer) and encoder.attn_pool is None and encoder.pool_type == 'tok'
            and all(isinstance(block, ResidualAttentionBlock) for block in encoder.transformer.resblocks)):
        raise InputError(f'CLIPVisualBackbone: the vision encoder of {arch} is not a plain ViT with a class token. '
                         'Choose one that is, such as ViT-B-16-quickgelu.')
    encoder.proj = None
    encoder.transformer.resblocks = nn.ModuleList(VisionBlock(block, quick_gelu)
                                                  for block in encoder.transformer.resblocks)
    return encoder
