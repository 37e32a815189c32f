"""CLAP's audio encoder."""
import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.htsat import SpecAugment, build_empty_encoder, find_arch
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.models.weights.formats import AUDIO_FORMATS, CLAP_HEADS
from claip_emo_mm.models.weights.load import load_pretrained


@MODELS.register_module()
class CLAPAudioBackbone(BaseModule):
    """HTSAT of LAION CLAP: mel spectrograms to latent maps.

    In training, the batch norm over the mel bins follows the data and stochastic depth and SpecAugment are active, also
    where the encoder is frozen, as in the reference implementation of arXiv 2509.14527. No clip is marked "longer", so
    the feature fusion of the fusion checkpoints is not used.

    Args:
        arch: ``'HTSAT-tiny'`` or ``'HTSAT-base'``, with ``-fusion`` behind it for the fusion checkpoints, or a dict of
            the fields of ``HTSATArch``.
        pretrained: File of CLAP weights; ``'toy'`` for the toy weights of the package; None for random weights.
        lora: Fields of ``LoRAConfig``; None for no adapters.
        frozen: Whether the encoder's own weights are frozen.
        drop_path_rate: Stochastic depth of the last block.
        spec_augment: Stripes that are masked in training: True for HTSAT's own (2 of up to 64 frames and 2 of up
            to 8 mel bins), False for none, or a dict of the arguments of ``SpecAugment``.
        checkpoint_blocks: Recompute each block in the backward pass instead of keeping its activations.
        init_cfg: mmengine's initialization.
    """

    def __init__(self, arch: str | dict = 'HTSAT-tiny-fusion', pretrained: str | None = None,
                 lora: dict | None = None, frozen: bool = True, drop_path_rate: float = 0.1,
                 spec_augment: dict | bool = True, checkpoint_blocks: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.arch = find_arch(arch)
        self.out_channels = self.arch.out_channels
        self.checkpoint_blocks = checkpoint_blocks
        self.weights_from = pretrained  # checkpoints leave out frozen weights that can be loaded from there again
        self.unread_weights = tuple(f'tower.{start}' for start in CLAP_HEADS)
        self.tower = build_empty_encoder(self.arch, drop_path_rate)  # weights are made once, below
        if isinstance(spec_augment, dict):
            self.tower.spec_augmenter = SpecAugment(**spec_augment)
        elif not spec_augment:
            self.tower.spec_augmenter = nn.Identity()
        if pretrained is None:
            self.tower.sample_weights()
        else:
            load_pretrained(self.tower, pretrained, AUDIO_FORMATS)
        self.tower.requires_grad_(not frozen)
        # What the latent map does not depend on would never get a gradient.
        unused = [self.tower.tscam_conv, self.tower.head]
        if self.arch.fusion:
            unused += [self.tower.patch_embed.mel_conv2d, self.tower.patch_embed.fusion_model]
        for module in unused:
            module.requires_grad_(False)
        if lora is not None:
            blocks = [f'layers.{stage}.blocks.{block}' for stage, depth in enumerate(self.arch.depths)
                      for block in range(depth)]
            add_adapters(self.tower, LoRAConfig(**lora), blocks)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (1, M, F) of the spectrograms that the encoder takes."""
        return 1, self.arch.num_frames, self.arch.mel_bins

    def forward(self, mel: Tensor) -> Tensor:
        """Encode log-mel spectrograms (A, 1, M, F) to latent maps (A, D, F', M'); InputError for another size.

        HTSAT-tiny makes (A, 768, 2, 32) of 1024 x 64 spectrograms.
        """
        if tuple(mel.shape[1:]) != self.input_shape:
            raise InputError(f'CLAPAudioBackbone: spectrograms of shape {tuple(mel.shape[1:])} arrived, but this '
                             f'encoder takes {self.input_shape} (channel, frames, mel bins). Set num_frames='
                             f'{self.arch.num_frames} and num_mel_bins={self.arch.mel_bins} in LogMel.')
        encoder = self.tower
        x = encoder.bn0(mel.transpose(1, 3)).transpose(1, 3)  # the norm's channels are the mel bins
        if self.training:
            x = encoder.spec_augmenter(x)
        x = encoder.patch_embed(self._fold(x))  # (A, N, C)
        for stage in encoder.layers:
            for block in stage.blocks:
                if self.checkpoint_blocks and self.training and torch.is_grad_enabled():
                    x = checkpoint(block, x, use_reentrant=False)
                else:
                    x = block(x)
            if stage.downsample is not None:
                x = stage.downsample(x)
        return self._unfold(encoder.norm(x))

    def _fold(self, x: Tensor) -> Tensor:
        """Stack time segments along frequency: (A, 1, M, F) to (A, 1, S, S)."""
        segments = self.arch.spec_size // self.arch.mel_bins
        return x.transpose(2, 3).unflatten(3, (segments, -1)).transpose(2, 3).flatten(2, 3)

    def _unfold(self, x: Tensor) -> Tensor:
        """Put the time segments behind each other again: (A, N, D) to (A, D, F', M')."""
        segments = self.arch.spec_size // self.arch.mel_bins
        side = int(x.shape[1] ** 0.5)
        x = x.transpose(1, 2).unflatten(2, (segments, side // segments, side))  # (A, D, segments, F', M' / segments)
        return x.transpose(2, 3).flatten(3)
