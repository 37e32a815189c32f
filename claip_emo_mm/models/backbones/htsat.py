"""HTSAT, the audio encoder of CLAP, from laion_clap's layers."""
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType

import torch
from accelerate import init_empty_weights
from torch import nn

from claip_emo_mm.errors import InputError, check_whole

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


def make_spec_augmenter(time_drop_width: int = 64, time_stripes_num: int = 2, freq_drop_width: int = 8,
                        freq_stripes_num: int = 2) -> nn.Module:
    """Make torchlibrosa's SpecAugment; the sizes are HTSAT's own."""
    check_whole('spec_augment', least=0, time_drop_width=time_drop_width, time_stripes_num=time_stripes_num,
                freq_drop_width=freq_drop_width, freq_stripes_num=freq_stripes_num)
    return _import_htsat().SpecAugmentation(time_drop_width, time_stripes_num, freq_drop_width, freq_stripes_num)


class HTSATEncoder(nn.Module):
    """HTSAT of laion_clap's layers under its names, without its spectrogram extractor, which takes long to make."""

    def __init__(self, arch: HTSATArch, drop_path_rate: float) -> None:
        super().__init__()
        htsat = _import_htsat()
        self.bn0 = nn.BatchNorm2d(arch.mel_bins)
        self.spec_augmenter = make_spec_augmenter()
        self.patch_embed = htsat.PatchEmbed(arch.spec_size, PATCH_SIZE, 1, arch.embed_dims, nn.LayerNorm,
                                            patch_stride=PATCH_SIZE, enable_fusion=arch.fusion,
                                            fusion_type='aff_2d' if arch.fusion else 'None')
        # grows linearly from 0 at the first block
        drop_path = iter(torch.linspace(0, drop_path_rate, sum(arch.depths)).tolist())
        side = arch.spec_size // PATCH_SIZE
        last = len(arch.depths) - 1
        self.layers = nn.ModuleList(
            htsat.BasicLayer(arch.embed_dims * 2 ** stage, (side // 2 ** stage,) * 2, depth, heads, arch.window_size,
                             drop_path=[next(drop_path) for _ in range(depth)],
                             downsample=None if stage == last else htsat.PatchMerging)
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
    with init_empty_weights(include_buffers=False), warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'torch.meshgrid')  # of laion_clap's call of it
        return HTSATEncoder(arch, drop_path_rate)


def _import_htsat() -> ModuleType:
    """Import ``laion_clap.clap_module.htsat``, both of whose parent packages are empty modules meanwhile.

    ``import laion_clap`` builds three tokenizers from the hub, which hangs without a network.
    """
    name = 'laion_clap.clap_module.htsat'
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec('laion_clap')
    if spec is None:
        raise InputError('CLAPAudioBackbone needs the package laion_clap: pip install "laion_clap>=1.1.6".')
    folder = Path(spec.origin).parent
    parents = {'laion_clap': folder, 'laion_clap.clap_module': folder / 'clap_module'}
    parents = {parent: path for parent, path in parents.items() if parent not in sys.modules}
    for parent, path in parents.items():
        sys.modules[parent] = ModuleType(parent)
        sys.modules[parent].__path__ = [str(path)]
    try:
        return importlib.import_module(name)
    finally:
        for parent in parents:
            del sys.modules[parent]
