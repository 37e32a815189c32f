"""CLAIP-Emo for MMAction2: emotion recognition in videos from face and voice.

``import claip_emo_mm`` makes MMAction2 importable on today's stack and registers every component in its registries.
"""
from . import compat

compat.apply_patches()

from . import datasets, engine, evaluation, models  # noqa: E402 - MMAction2 must be patched first
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
