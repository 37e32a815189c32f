"""Audio backbone: the audio tower of CLAP, with adapters."""
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.adapters import LoRASettings, add_adapters
from claip_emo_mm.models.backbones.htsat import build_empty_tower, find_arch, make_spec_augmenter
from claip_emo_mm.models.backbones.swin_block import run_swin_block
from claip_emo_mm.models.pretrained import AUDIO_FORMS, CLAP_HEADS, load_pretrained


@MODELS.register_module()
class CLAPAudioBackbone(BaseModule):
    """HTSAT of LAION CLAP: mel spectrograms to latent maps.

    While training, the batch norm over the mel bins follows the data and stochastic depth and SpecAugment are active,
    also where the tower is frozen, as in the reference implementation of arXiv 2509.14527. No clip is ever marked
    "longer", so the feature fusion of the fusion checkpoints is not entered.

    Args:
        arch: ``'HTSAT-tiny'`` or ``'HTSAT-base'``, with ``-fusion`` behind it for the fusion checkpoints, or a dict of
            the fields of ``HTSATArch``.
        pretrained: File of CLAP weights, or ``'toy'`` for the weights of the toy tower that come with the package;
            None leaves the tower random.
        lora: Fields of ``LoRASettings``; None for no adapters.
        frozen: Whether the tower's own weights stay as they are.
        drop_path_rate: Stochastic depth of the last block.
        spec_augment: Stripes that are blanked while training: True for HTSAT's own (2 of up to 64 frames and 2 of up
            to 8 mel bins), False for none, or a dict of the arguments of torchlibrosa's ``SpecAugmentation``.
        checkpoint_blocks: Recompute each block in the backward pass instead of keeping its activations.
        init_cfg: mmengine's initialisation.
    """

    def __init__(self, arch: str | dict = 'HTSAT-tiny-fusion', pretrained: str | None = None,
                 lora: dict | None = None, frozen: bool = True, drop_path_rate: float = 0.1,
                 spec_augment: dict | bool = True, checkpoint_blocks: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.arch = find_arch(arch)
        self.out_channels = self.arch.out_channels
        self.checkpoint_blocks = checkpoint_blocks
        self.weights_from = pretrained  # frozen weights that can be had again from there, checkpoints leave out
        self.unread_weights = tuple(f'tower.{start}' for start in CLAP_HEADS)
        self.tower = build_empty_tower(self.arch, drop_path_rate)  # weights are made once: drawn, or from the file
        if isinstance(spec_augment, dict):
            self.tower.spec_augmenter = make_spec_augmenter(**spec_augment)
        elif not spec_augment:
            self.tower.spec_augmenter = nn.Identity()
        if pretrained is None:
            self.tower.draw_weights()
        else:
            load_pretrained(self.tower, pretrained, AUDIO_FORMS)
        self.tower.requires_grad_(not frozen)
        self._freeze_unused()
        if lora is not None:
            add_adapters(self.tower, LoRASettings(**lora), [
                f'layers.{stage}.blocks.{block}'
                for stage, depth in enumerate(self.arch.depths) for block in range(depth)])

    def _freeze_unused(self) -> None:
        """Take from training what the latent map does not depend on: it would never get a gradient."""
        patch_embed = self.tower.patch_embed
        unused = [self.tower.tscam_conv, self.tower.head]
        if self.arch.fusion:
            unused += [patch_embed.mel_conv2d, patch_embed.fusion_model]
        for module in unused:
            module.requires_grad_(False)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (1, M, F) of the spectrograms that the tower takes."""
        return 1, self.arch.num_frames, self.arch.mel_bins

    def forward(self, mel: Tensor) -> Tensor:
        """Encode spectrograms.

        Args:
            mel: (A, 1, M, F) log-mel spectrograms.
        Returns: (A, D, F', M') latent maps; (A, 768, 2, 32) for HTSAT-tiny and 1024 x 64 spectrograms.
        Raises:
            InputError: The spectrograms do not have the tower's size.
        """
        expected = self.input_shape
        if tuple(mel.shape[1:]) != expected:
            raise InputError(f'CLAPAudioBackbone: spectrograms of shape {tuple(mel.shape[1:])} arrived, but this tower '
                             f'takes {expected} (channel, frames, mel bins). Set num_frames={expected[1]} and '
                             f'num_mel_bins={expected[2]} in LogMel.')
        tower = self.tower
        x = tower.bn0(mel.transpose(1, 3)).transpose(1, 3)  # the norm's channels are the mel bins
        if self.training:
            x = tower.spec_augmenter(x)
        x = tower.patch_embed(self._fold(x), longer_idx=[])  # (A, N, C)
        for stage in tower.layers:
            for block in stage.blocks:
                if self.checkpoint_blocks and self.training and torch.is_grad_enabled():
                    x = checkpoint(run_swin_block, block, x, use_reentrant=False)
                else:
                    x = run_swin_block(block, x)
            if stage.downsample is not None:
                x = stage.downsample(x)
        return self._unfold(tower.norm(x))

    def _fold(self, x: Tensor) -> Tensor:
        """Put the pieces of time below each other: (A, 1, M, F) to (A, 1, S, S)."""
        pieces = self.arch.spec_size // self.arch.mel_bins
        return x.transpose(2, 3).unflatten(3, (pieces, -1)).transpose(2, 3).flatten(2, 3)

    def _unfold(self, x: Tensor) -> Tensor:
        """Put the pieces of time behind each other again: (A, N, D) to (A, D, F', M')."""
        pieces = self.arch.spec_size // self.arch.mel_bins
        side = int(x.shape[1] ** 0.5)
        x = x.transpose(1, 2).unflatten(2, (pieces, side // pieces, side))  # (A, D, pieces, F', M' / pieces)
        return x.transpose(2, 3).flatten(3)
