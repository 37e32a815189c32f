"""CLAIP-Emo for MMAction2: emotion recognition in videos from face and voice.

``import claip_emo_mm`` makes MMAction2 importable on today's stack and registers every component in its registries.
"""
from . import compat

compat.apply_patches()

from . import datasets, engine, evaluation, models  # noqa: E402 - MMAction2 must be patched first
from .engine.checkpoints import build_recognizer, load_weights  # noqa: E402
from .version import __version__  # noqa: E402

compat.patch_recognizer_apis(load_weights, build_recognizer)

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
