"""The audio tower: laion_clap's HTSAT, imported without its package and cut down to what is used."""
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

from torch import nn

from claip_emo_mm.errors import InputError


@dataclass(frozen=True)
class HTSATArch:
    """Sizes of an HTSAT (arXiv 2202.00874). The input spectrogram has ``spec_size`` ** 2 / ``mel_bins`` frames.

    Args:
        embed_dims: Width of the first stage; each further stage doubles it.
        depths: Blocks of each stage.
        num_heads: Attention heads of each stage.
        mel_bins: Mel bins F of the spectrogram.
        spec_size: Side of the square that the spectrogram is folded into.
        window_size: Side of an attention window, in patches.
        fusion: Whether it has the feature fusion (aff_2d) of CLAP's fusion checkpoints. Its parameters are kept for
            the checkpoint's sake; one-channel spectrograms do not pass through it.
        num_classes: Outputs of the tower's own tagging head, which is kept for the checkpoint's sake.
    """
    embed_dims: int
    depths: Sequence[int]
    num_heads: Sequence[int]
    mel_bins: int = 64
    spec_size: int = 256
    window_size: int = 8
    fusion: bool = False
    num_classes: int = 527

    @property
    def num_frames(self) -> int:
        """Frames M of the spectrogram."""
        return self.spec_size ** 2 // self.mel_bins

    @property
    def out_channels(self) -> int:
        """Width D of the latent map."""
        return self.embed_dims * 2 ** (len(self.depths) - 1)


NAMED_ARCHS = {
    'HTSAT-tiny': HTSATArch(96, (2, 2, 6, 2), (4, 8, 16, 32)),
    'HTSAT-base': HTSATArch(128, (2, 2, 12, 2), (4, 8, 16, 32)),
}
NAMED_ARCHS |= {f'{name}-fusion': replace(arch, fusion=True) for name, arch in NAMED_ARCHS.items()}


def find_arch(arch: str | dict) -> HTSATArch:
    """Return the sizes for a name in ``NAMED_ARCHS`` or for an own configuration."""
    if isinstance(arch, dict):
        return HTSATArch(**arch)
    if arch not in NAMED_ARCHS:
        raise InputError(f"CLAPAudioBackbone: arch='{arch}' is not known. Expected one of {', '.join(NAMED_ARCHS)}, or "
                         'a dict of the fields of HTSATArch.')
    return NAMED_ARCHS[arch]


def build_htsat(arch: HTSATArch, drop_path_rate: float) -> nn.Module:
    """Build an HTSAT with random weights and without its own spectrogram extractor.

    Args:
        arch: Sizes.
        drop_path_rate: Stochastic depth of the last block; grows linearly from 0 at the first.
    """
    unused_front_end = SimpleNamespace(mel_bins=arch.mel_bins, window_size=64, hop_size=32, sample_rate=48000, fmin=50,
                                       fmax=14000)
    htsat = _import_htsat().HTSAT_Swin_Transformer(
        spec_size=arch.spec_size, num_classes=arch.num_classes, embed_dim=arch.embed_dims, depths=list(arch.depths),
        num_heads=list(arch.num_heads), window_size=arch.window_size, drop_path_rate=drop_path_rate,
        config=unused_front_end, enable_fusion=arch.fusion, fusion_type='aff_2d' if arch.fusion else 'None')
    del htsat.spectrogram_extractor, htsat.logmel_extractor
    return htsat


def _import_htsat() -> ModuleType:
    """Import ``laion_clap.clap_module.htsat`` alone.

    ``import laion_clap`` builds three tokenizers from the hub, which hangs without a network. HTSAT needs none of it:
    for the time of its import the two packages above it stand as bare modules that only have a path.
    """
    name = 'laion_clap.clap_module.htsat'
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec('laion_clap')
    if spec is None:
        raise InputError('CLAPAudioBackbone needs the package laion_clap: pip install "laion_clap>=1.1.6".')
    folder = Path(spec.origin).parent
    parents = {'laion_clap': folder, 'laion_clap.clap_module': folder / 'clap_module'}
    bare = {parent: sys.modules.get(parent) for parent in parents}
    for parent, path in parents.items():
        if bare[parent] is None:
            sys.modules[parent] = ModuleType(parent)
            sys.modules[parent].__path__ = [str(path)]
    try:
        return importlib.import_module(name)
    finally:
        for parent, module in bare.items():
            if module is None:
                del sys.modules[parent]
