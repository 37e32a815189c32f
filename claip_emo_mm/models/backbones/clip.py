"""CLIP's vision transformer."""
import difflib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from claip_emo_mm.errors import InputError, check_choice, check_whole
from claip_emo_mm.models.layers.cpu_ops import (
    CPU_CHUNK,
    MLPWeights,
    QuickGELU,
    cast_for_products,
    chunked_mlp,
    is_recorded,
)
from claip_emo_mm.models.layers.int8 import check_int8
from claip_emo_mm.models.layers.kept_weights import kept_weights, replace_linears
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.models.layers.split_attention import SplitMultiheadAttention
from claip_emo_mm.models.layers.token_merging import merge_tokens, most_merged
from claip_emo_mm.models.weights.formats import VISUAL_FORMATS
from claip_emo_mm.models.weights.load import load_pretrained

if TYPE_CHECKING:
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer


class Tokens(NamedTuple):
    """Tokens of some frames."""
    x: Tensor  # (U, N, D)
    sizes: Tensor | None = None  # (U, N), of how many patches each is the average; None for one each


class VisionMLP(nn.Sequential):
    """Linear layer, QuickGELU, linear layer; takes over the layers ``c_fc`` and ``c_proj`` of open_clip's MLP."""

    _weights: MLPWeights | None = None
    _by_frame = False

    def __init__(self, mlp: nn.Sequential) -> None:
        super().__init__(OrderedDict(c_fc=mlp.c_fc, gelu=QuickGELU(), c_proj=mlp.c_proj))

    def keep(self, int8: bool) -> None:
        """Keep the weights of both layers for several calls; see `kept_weights`. These do not call the layers."""
        self._weights, self._by_frame = None if int8 else MLPWeights.of(self.c_fc, self.c_proj), int8

    def release(self) -> None:
        self._weights, self._by_frame = None, False

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to (..., D)."""
        if self._by_frame:  # the hidden layer of a frame stays in the cache
            return torch.cat([super(VisionMLP, self).forward(frame) for frame in x.split(1)])
        return super().forward(x) if self._weights is None else chunked_mlp(x, self._weights)


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

    def forward(self, x: Tensor | list[Tokens], class_token_only: bool = False, num_merged: int = 0,
                int8: bool = False) -> Tensor | list[Tokens]:
        """(U, N, D) to (U, N, D), or to (U, 1, D) for the class token alone.

        A list of chunks of frames becomes such a list: without gradients, weights are merged once for all of them; with
        `int8`, they are quantized. Of each frame, `num_merged` tokens are merged with others.
        """
        if isinstance(x, Tensor):
            return self._encode(Tokens(x), class_token_only, 0).x
        with kept_weights(self, int8):
            return [self._encode(chunk, class_token_only, num_merged) for chunk in x]

    def _encode(self, tokens: Tokens, class_token_only: bool, num_merged: int) -> Tokens:
        x, sizes = tokens
        normed = cast_for_products(self.ln_1(x))
        query = normed[:, :1] if class_token_only else normed
        if num_merged:
            sizes = x.new_ones(x.shape[:2]) if sizes is None else sizes
            update, keys = self.attn.attend_in_proportion(query, normed, sizes)
        else:
            update, _ = self.attn(query, normed, normed, need_weights=False)
        x = x[:, :query.shape[1]] + self.ls_1(update)
        if num_merged and not class_token_only:
            x, sizes = merge_tokens(x, keys, sizes, num_merged)
        return Tokens(x + self.ls_2(self.mlp(self.ln_2(x))), sizes)


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
        merged_tokens: Tokens that each block but the last merges with others of the same frame: faster, with other
            features; see `merge_tokens`. Of the 197 tokens of ViT-B/16, 8 leave 109. Not in training.
        int8: Compute the blocks' linear layers by 8-bit integers: faster, with other features; see `Int8Weight`. On
            CPUs, not in training.
        first_block: Number of the block, from 0, that reads the input in place of the patches: tokens (U, N, D), as
            `embed` gives them. What lies below is dropped.
        init_cfg: mmengine's initialization.
    """

    splits_chunks = True  # see `encode_in_chunks`

    def __init__(self, arch: str | dict, pretrained: str | None = None, lora: dict | None = None, frozen: bool = True,
                 checkpoint_blocks: bool = False, merged_tokens: int = 0, int8: bool = False, first_block: int = 0,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        check_whole(self, least=0, first_block=first_block, merged_tokens=merged_tokens)
        check_choice(self, (False, True), int8=int8)
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
        replace_linears(self.tower.transformer)
        self.int8 = int8
        self.merged_tokens = merged_tokens
        if merged_tokens > self.most_merged:
            raise InputError(f'CLIPVisualBackbone: merged_tokens is {merged_tokens}, but this encoder has tokens for '
                             f'at most {self.most_merged} in each block.')
        if first_block:
            self._drop_below()

    @property
    def most_merged(self) -> int:
        """The largest `merged_tokens` for which the encoder has tokens."""
        height, width = self.tower.grid_size
        return most_merged(height * width + 1, len(self.tower.transformer.resblocks) - 1)

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
        changed = [name for name in ('merged_tokens', 'int8') if getattr(self, name)]
        if changed and self.training:
            raise InputError(f'CLIPVisualBackbone: {" and ".join(changed)} cannot be trained with. Leave it '
                             'out to train.')
        if self.int8:
            check_int8('CLIPVisualBackbone', frames.device)
        blocks = list(self.tower.transformer.resblocks)[self.first_block:]
        if self.training:
            x = frames if self.first_block else self.embed(frames)  # (U, N, D)
            for block in blocks:
                x = self._train(block, x, class_token_only=block is blocks[-1])
            return self.tower.ln_post(x)[:, 0]
        chunks = [Tokens(chunk if self.first_block else self.embed(chunk)) for chunk in _split(frames)]
        for block in blocks:  # nothing reads the other tokens of the last one
            chunks = block(chunks, block is blocks[-1], self.merged_tokens, self.int8)
        return torch.cat([self.tower.ln_post(chunk.x)[:, 0] for chunk in chunks])

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
            x = self._train(block, x) if self.training else block([Tokens(x)])[0].x
        return x

    def _train(self, block: VisionBlock, x: Tensor, class_token_only: bool = False) -> Tensor:
        if self.checkpoint_blocks and torch.is_grad_enabled():
            return checkpoint(block, x, class_token_only, use_reentrant=False)
        return block(x, class_token_only)


def _split(frames: Tensor) -> Sequence[Tensor]:
    """Split frames into chunks that a CPU encodes fastest; gradients, recordings and GPUs take all at once."""
    if frames.device.type != 'cpu' or torch.is_grad_enabled() or is_recorded():
        return [frames]
    return frames.split(CPU_CHUNK)


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
