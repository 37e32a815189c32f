"""Visual backbone: the vision tower of CLIP, with adapters."""
import difflib

import open_clip
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from open_clip.model import CLIPVisionCfg, _build_vision_tower
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.adapters import LoRASettings, add_adapters
from claip_emo_mm.models.backbones.vision_block import VisionBlock
from claip_emo_mm.models.pretrained import VISUAL_FORMS, load_pretrained
from claip_emo_mm.utils import check_whole

_WHOLE = ('image_size', 'patch_size', 'width', 'layers', 'head_width')  # fields of open_clip's CLIPVisionCfg


@MODELS.register_module()
class CLIPVisualBackbone(BaseModule):
    """Vision Transformer of open_clip: each frame's class token after the last layer norm, not projected.

    Args:
        arch: Name of an open_clip model with a ViT (``'ViT-B-16-quickgelu'``), or a dict of the fields of open_clip's
            ``CLIPVisionCfg`` (and ``quick_gelu``).
        pretrained: File of CLIP weights; with a named ``arch`` also a tag of open_clip's weights (``'openai'``), which
            are downloaded; ``'toy'`` for the weights of the toy tower that come with the package. None leaves the
            tower random.
        lora: Fields of ``LoRASettings``; None for no adapters.
        frozen: Whether the tower's own weights stay as they are.
        checkpoint_blocks: Recompute each block in the backward pass instead of keeping its activations.
        init_cfg: mmengine's initialisation.
    """

    def __init__(self, arch: str | dict, pretrained: str | None = None, lora: dict | None = None, frozen: bool = True,
                 checkpoint_blocks: bool = False, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.checkpoint_blocks = checkpoint_blocks
        self.weights_from = pretrained  # frozen weights that can be had again from there, checkpoints leave out
        with torch.device('meta'):  # weights are made once: from the file, or drawn below
            self.tower = build_vision_transformer(arch)
        self.out_channels = self.tower.ln_post.normalized_shape[0]
        if pretrained is None:
            self._draw_weights()
        else:
            load_pretrained(self.tower, pretrained, VISUAL_FORMS, arch)
        self.tower.requires_grad_(not frozen)
        if lora is not None:
            add_adapters(self.tower, LoRASettings(**lora), [
                f'transformer.resblocks.{number}' for number in range(len(self.tower.transformer.resblocks))])

    def _draw_weights(self) -> None:
        """Draw random weights: torch's own for the layers, open_clip's for class token and positions."""
        self.tower.to_empty(device='cpu')
        for module in self.tower.modules():
            if hasattr(module, 'reset_parameters'):
                module.reset_parameters()
        for parameter in (self.tower.class_embedding, self.tower.positional_embedding):
            nn.init.normal_(parameter, std=self.out_channels ** -0.5)
        for module in self.tower.modules():  # layer scale, where the tower has it
            if hasattr(module, 'gamma'):
                nn.init.ones_(module.gamma)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames one by one.

        Args:
            frames: (U, 3, H, W), normalised.
        Returns: (U, D) features.
        Raises:
            InputError: The frames do not have the tower's size.
        """
        tower = self.tower
        if tuple(frames.shape[1:]) != (3, *tower.image_size):
            raise InputError(f'CLIPVisualBackbone: frames of shape {tuple(frames.shape[1:])} arrived, but this tower '
                             f'takes {(3, *tower.image_size)}. Set size={tower.image_size[0]} in ResizeFrames.')
        x = tower._embeds(frames)  # (U, N+1, D)
        *blocks, last = tower.transformer.resblocks
        for block in blocks:
            x = self._run(block, x)
        return tower.ln_post(self._run(last, x, class_token_only=True))[:, 0]

    def _run(self, block: VisionBlock, x: Tensor, class_token_only: bool = False) -> Tensor:
        """Run a block; of the last one only the class token is read, so nothing else asks or is transformed."""
        if self.checkpoint_blocks and self.training and torch.is_grad_enabled():
            return checkpoint(block, x, class_token_only, use_reentrant=False)
        return block(x, class_token_only)


def build_vision_transformer(arch: str | dict) -> VisionTransformer:
    """Build open_clip's vision tower with separate attention projections and without its final projection.

    Args:
        arch: As for ``CLIPVisualBackbone``.
    Raises:
        InputError: No such model, or one whose vision tower is not a plain ViT with a class token.
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
    tower = _build_vision_tower(1, CLIPVisionCfg(**settings), quick_gelu)
    plain = (isinstance(tower, VisionTransformer) and tower.attn_pool is None and tower.pool_type == 'tok'
             and all(isinstance(block, ResidualAttentionBlock) for block in tower.transformer.resblocks))
    if not plain:
        raise InputError(f'CLIPVisualBackbone: the vision tower of {arch} is not a plain ViT with a class token. '
                         'Choose one that is, such as ViT-B-16-quickgelu.')
    tower.proj = None
    tower.transformer.resblocks = nn.ModuleList(VisionBlock(block, quick_gelu)
                                                for block in tower.transformer.resblocks)
    return tower
