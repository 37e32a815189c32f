"""CLAIP-Emo for MMAction2: emotion recognition in videos from face and voice.

``import claip_emo_mm`` makes MMAction2 importable on today's stack and registers every component in its registries.
"""
import atexit
import gc

import claip_emo_cli

from .version import __version__

_collected = gc.isenabled()
gc.disable()  # what is imported is no garbage, and looking for some took a quarter of the time
try:
    if claip_emo_cli.needs_models:  # not in a tool that reads tables alone, which waits for no import of PyTorch
        from . import compat

        compat.apply_patches()

        from . import datasets, engine, evaluation, models  # MMAction2 must be patched first
        from .engine.checkpoints import build_recognizer, load_weights
        from .evaluation import metric  # noqa: F401 - registered; `evaluation` imports it when it is asked for

        compat.patch_recognizer_apis(load_weights, build_recognizer)
finally:
    gc.freeze()  # nor is it later: MMEngine collects garbage for every data set
    atexit.register(gc.unfreeze)  # else Triton's bindings report what was frozen as leaks
    if _collected:
        gc.enable()

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models']
