"""HTSAT, the audio encoder of CLAP."""
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.models.layers.cpu_ops import is_recorded
from claip_emo_mm.models.layers.swin import SwinStage

PATCH_SIZE = 4  # of every HTSAT


@dataclass(frozen=True)
class HTSATArch:
    """Sizes of an HTSAT (arXiv 2202.00874). The input spectrogram has ``spec_size`` ** 2 / ``mel_bins`` frames."""

    embed_dims: int  # of the first stage; each further stage doubles it
    depths: Sequence[int]  # blocks of each stage
    num_heads: Sequence[int]  # of each stage
    mel_bins: int = 64
    spec_size: int = 256  # side of the square that the spectrogram is folded into
    window_size: int = 8  # side of an attention window, in patches
    fusion: bool = False  # the feature fusion (aff_2d) of CLAP's fusion checkpoints, unused by our spectrograms
    num_classes: int = 527  # of the encoder's own tagging head, which is unused, too

    def __post_init__(self) -> None:
        check_whole('CLAPAudioBackbone', **{f'arch.{key}': value for key, value in asdict(self).items()
                                            if key != 'fusion'})

    @property
    def num_frames(self) -> int:
        return self.spec_size ** 2 // self.mel_bins

    @property
    def out_channels(self) -> int:
        return self.embed_dims * 2 ** (len(self.depths) - 1)


NAMED_ARCHS = {
    'HTSAT-tiny': HTSATArch(96, (2, 2, 6, 2), (4, 8, 16, 32)),
    'HTSAT-base': HTSATArch(128, (2, 2, 12, 2), (4, 8, 16, 32)),
}
NAMED_ARCHS |= {f'{name}-fusion': replace(arch, fusion=True) for name, arch in NAMED_ARCHS.items()}


def find_arch(arch: str | dict) -> HTSATArch:
    """Return the sizes for a name in ``NAMED_ARCHS`` or for a dict of the fields of ``HTSATArch``."""
    if isinstance(arch, dict):
        return HTSATArch(**arch)
    if arch not in NAMED_ARCHS:
        raise InputError(f"CLAPAudioBackbone: arch='{arch}' is not known. Expected one of {', '.join(NAMED_ARCHS)}, or "
                         'a dict of the fields of HTSATArch.')
    return NAMED_ARCHS[arch]


class _StripeDropper(nn.Module):
    """Sets random stripes along a dimension of each input (A, 1, M, F) to 0, each narrower than `width`, in place."""

    def __init__(self, dim: int, width: int, num_stripes: int) -> None:
        super().__init__()
        self.dim, self.width, self.num_stripes = dim, width, num_stripes

    def forward(self, x: Tensor) -> Tensor:
        if not self.width:
            return x
        if is_recorded():
            return self._mask_at_once(x)
        for number in range(len(x)):
            for _ in range(self.num_stripes):
                width = int(torch.randint(self.width, (1,)))
                start = int(torch.randint(x.shape[self.dim] - width, (1,)))
                x[number].narrow(self.dim - 1, start, width).zero_()
        return x

    def _mask_at_once(self, x: Tensor) -> Tensor:
        """The same from other random numbers, on the device: a compiler's graph would end at each number above."""
        length, shape = x.shape[self.dim], (x.shape[0], self.num_stripes, 1)
        width = torch.randint(self.width, shape, device=x.device)
        start = (torch.rand(shape, device=x.device) * (length - width)).long()
        places = torch.arange(length, device=x.device)
        hidden = ((start <= places) & (places < start + width)).any(1)  # (A, length)
        return x.masked_fill(hidden.view(x.shape[0], *(length if dim == self.dim else 1 for dim in (1, 2, 3))), 0)


class SpecAugment(nn.Sequential):
    """Masks stripes of time and of frequency of each spectrogram (arXiv 1904.08779); the defaults are HTSAT's own.

    Args:
        time_drop_width: Frames that a stripe of time has fewer than; 0 masks none.
        time_stripes_num: Stripes of time.
        freq_drop_width: Mel bins that a stripe of frequency has fewer than; 0 masks none.
        freq_stripes_num: Stripes of frequency.
    """

    def __init__(self, time_drop_width: int = 64, time_stripes_num: int = 2, freq_drop_width: int = 8,
                 freq_stripes_num: int = 2) -> None:
        check_whole('spec_augment', least=0, time_drop_width=time_drop_width, time_stripes_num=time_stripes_num,
                    freq_drop_width=freq_drop_width, freq_stripes_num=freq_stripes_num)
        super().__init__(_StripeDropper(2, time_drop_width, time_stripes_num),
                         _StripeDropper(3, freq_drop_width, freq_stripes_num))


class _UnusedFusion(nn.Module):
    """Parameters of the feature fusion (aff_2d) of CLAP's fusion checkpoints, so that these load strictly."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 4

        def layers(*first: nn.Module) -> nn.Sequential:
            return nn.Sequential(*first, nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(),
                                 nn.Conv2d(inner, channels, 1), nn.BatchNorm2d(channels))

        self.local_att = layers()
        self.global_att = layers(nn.AdaptiveAvgPool2d(1))


class PatchEmbed(nn.Module):
    """Patches of the folded spectrogram to tokens."""

    def __init__(self, channels: int, fusion: bool) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, channels, PATCH_SIZE, PATCH_SIZE)
        self.norm = nn.LayerNorm(channels)
        if fusion:
            self.mel_conv2d = nn.Conv2d(1, channels, (PATCH_SIZE, 3 * PATCH_SIZE), (PATCH_SIZE, 3 * PATCH_SIZE))
            self.fusion_model = _UnusedFusion(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (A, 1, S, S) to (A, N, C)."""
        return self.norm(self.proj(x).flatten(2).transpose(1, 2))


class HTSATEncoder(nn.Module):
    """Modules of HTSAT (arXiv 2202.00874), named as laion_clap publishes them, without its spectrogram extractor.

    `tscam_conv` and `head`, its tagging head, and the feature fusion are not used.
    """

    def __init__(self, arch: HTSATArch, drop_path_rate: float) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(arch.mel_bins)
        self.spec_augmenter = SpecAugment()
        self.patch_embed = PatchEmbed(arch.embed_dims, arch.fusion)
        # grows linearly from 0 at the first block
        drop_probs = iter(torch.linspace(0, drop_path_rate, sum(arch.depths)).tolist())
        side = arch.spec_size // PATCH_SIZE
        last = len(arch.depths) - 1
        self.layers = nn.ModuleList(
            SwinStage(arch.embed_dims * 2 ** stage, (side // 2 ** stage,) * 2, heads, arch.window_size,
                      [next(drop_probs) for _ in range(depth)], merge=stage < last)
            for stage, (depth, heads) in enumerate(zip(arch.depths, arch.num_heads, strict=True)))
        self.norm = nn.LayerNorm(arch.out_channels)
        frequencies = side // 2 ** last // (arch.spec_size // arch.mel_bins)
        self.tscam_conv = nn.Conv2d(arch.out_channels, arch.num_classes, (frequencies, 3), padding=(0, 1))
        self.head = nn.Linear(arch.num_classes, arch.num_classes)

    def sample_weights(self) -> None:
        """Initialize every parameter as HTSAT does, on the CPU where it has no memory yet."""
        self._apply(lambda value: torch.empty_like(value, device='cpu') if value.is_meta else value)  # not the buffers
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif hasattr(module, 'reset_parameters'):
                module.reset_parameters()
            elif hasattr(module, 'relative_position_bias_table'):
                nn.init.trunc_normal_(module.relative_position_bias_table, std=.02)


def build_empty_encoder(arch: HTSATArch, drop_path_rate: float) -> HTSATEncoder:
    """Build an ``HTSATEncoder`` whose parameters lie on the meta device; its buffers (indices, masks) are real."""
    from accelerate import init_empty_weights
    with init_empty_weights(include_buffers=False):
        return HTSATEncoder(arch, drop_path_rate)
