"""In-memory patches that let MMAction2 1.2.0 and MMEngine 0.10.7 run on current PyTorch.

Each patch says what breaks, how it shows and when it can go. None acts where MMAction2 works by itself.
"""
import pkgutil
import warnings
from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from claip_emo_mm.errors import InputError

__all__ = ['apply_patches', 'check_requirements', 'replace_method']

_INSTALL = dict(torch='torch', mmengine='mmengine==0.10.7', mmcv='mmcv-lite==2.1.0', mmaction='mmaction2==1.2.0',
                importlib_metadata='importlib_metadata')
_MMCV_CHOICE = ('Install one of the two, not both: pip install mmcv-lite==2.1.0 (a wheel, enough for this project), or '
                'the full mmcv 2.1.0, whose source distribution needs setuptools<81 to build')


@cache
def apply_patches() -> None:
    """Apply every patch, once per process; refuses a missing package, or a version that MMAction2 refuses."""
    # mmcv-lite warns in every process that it lacks compiled operators, which nothing here needs: `Fail to import
    # MultiScaleDeformableAttention ... You should install mmcv rather than mmcv-lite`. Can go when it does not.
    warnings.filterwarnings('ignore', r'Fail to import ``MultiScaleDeformableAttention``', UserWarning)
    patch_find_loader()
    check_requirements()
    # These import mmengine and mmaction, so only after the check.
    from claip_emo_mm.compat import checkpoint_io, distributed, fsdp, hooks, imports, safe_load
    for patch in (
            imports.patch_localizers, imports.patch_multimodal, safe_load.patch_loading,
            checkpoint_io.patch_writing, checkpoint_io.patch_log_files, checkpoint_io.patch_rotation,
            checkpoint_io.patch_rotation_on_resume,
            hooks.patch_metric_rules, hooks.patch_averaging, hooks.patch_averaged_loading,
            distributed.patch_launch, distributed.patch_data_parallel, distributed.patch_batch_norm,
            distributed.patch_worker_queues,
            fsdp.patch_device, fsdp.patch_resume, fsdp.patch_batch_norm, fsdp.patch_flexible_runner):
        patch()


def replace_method(owner: Any, name: str) -> Callable[[Callable], None]:
    """Decorator of what replaces a method, or a module's function; it gets the original as its first argument."""
    original = getattr(owner, name)

    def replace(replacement: Callable) -> None:
        @wraps(original)
        def call(*args: object, **kwargs: object) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(owner, name, call)

    return replace


def patch_find_loader() -> None:
    """Give `pkgutil` the function `find_loader` again, which MMEngine 0.10.7 and mmcv 2.1.0 call.

    Python 3.14 removed it; shows as `module 'pkgutil' has no attribute 'find_loader'`. Can go when neither calls it.
    """
    if not hasattr(pkgutil, 'find_loader'):
        pkgutil.find_loader = _find_loader


def _find_loader(name: str) -> object | None:
    spec = find_spec(name)
    return spec and spec.loader


def check_requirements() -> None:
    """Name the package to install, where MMAction2 1.2.0 would fail with a bare ImportError or AssertionError.

    It imports `importlib_metadata` undeclared (shows as `No module named 'importlib_metadata'`), and refuses mmcv
    outside of 2.0.0rc4 to 2.2.0, on which it does not depend: `pip install mmcv` brings another. An ImportError's
    message would be replaced by MMEngine's `custom_imports`. Can go when MMAction2 declares both.
    """
    for name, requirement in _INSTALL.items():
        if find_spec(name) is None:
            hint = _MMCV_CHOICE if name == 'mmcv' else f'Install it: pip install {requirement}'
            raise InputError(f'the Python package {name} is not installed; mmaction2 needs it. {hint}.')
    try:
        import_module('mmaction')
    except AssertionError as error:
        mmcv = import_module('mmcv')
        raise InputError(f'mmaction2 refuses a package that it finds here: {error} (mmcv {mmcv.__version__} comes from '
                         f'{mmcv.__file__}). {_MMCV_CHOICE}, and mmengine==0.10.7.') from error
