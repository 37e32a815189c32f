"""CLAIP-Emo for mmaction2: the emotion of people in videos, from face and voice.

``import claip_emo_mm`` makes the host importable on today's stack and registers every part in mmaction's registries.
"""
from . import host

host.repair()

from . import datasets, engine, evaluation, models  # noqa: E402 - the host must be repaired first
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
