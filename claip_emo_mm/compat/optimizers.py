"""Patch of MMEngine's list of optimizers."""
import sys
from importlib import import_module
from importlib.util import find_spec

from torch.optim import Optimizer


def patch_adafactor() -> None:
    """Register transformers' Adafactor without importing it, which MMEngine 0.10.7 does whenever it is imported.

    Shows as seconds: transformers imports peft where that is installed, and both import most of PyTorch and of each
    other. Can go when MMEngine imports optimizers where they are built.
    """
    if 'mmengine.optim' in sys.modules or 'transformers' in sys.modules or find_spec('transformers') is None:
        return
    sys.modules['transformers'] = None  # an ImportError, as where it is not installed
    try:
        registry = import_module('mmengine.optim').OPTIMIZERS
    finally:
        del sys.modules['transformers']
    if 'Adafactor' not in registry:
        registry.register_module(name='Adafactor', module=adafactor)


def adafactor(*args: object, **kwargs: object) -> Optimizer:
    """Build `transformers.Adafactor`."""
    from transformers import Adafactor
    return Adafactor(*args, **kwargs)
