"""Packages that MMAction2 needs, a function of Python that it calls, and its warnings."""
import pkgutil
import warnings
from importlib import import_module
from importlib.util import find_spec

from claip_emo_mm.errors import InputError

_INSTALL = dict(torch='torch', mmengine='mmengine==0.10.7', mmcv='mmcv-lite==2.1.0', mmaction='mmaction2==1.2.0',
                importlib_metadata='importlib_metadata')
_MMCV_CHOICE = ('Install one of the two, not both: pip install mmcv-lite==2.1.0 (a wheel, enough for this project), or '
                'the full mmcv 2.1.0, whose source distribution needs setuptools<81 to build')


def patch_find_loader() -> None:
    """Give `pkgutil` the function `find_loader` again, which MMEngine 0.10.7 and mmcv 2.1.0 call.

    Python 3.14 removed it; shows as `module 'pkgutil' has no attribute 'find_loader'`. Can go when neither calls it.
    """
    if not hasattr(pkgutil, 'find_loader'):
        pkgutil.find_loader = lambda name: getattr(find_spec(name), 'loader', None)


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


def quiet_imports() -> None:
    """Silence warnings of every process about things that a user can do nothing about.

    mmcv-lite lacks compiled operators, which nothing here needs: `Fail to import MultiScaleDeformableAttention ... You
    should install mmcv rather than mmcv-lite`. MMAction2's VindLU takes layers from timm's former module: `Importing
    from timm.models.layers is deprecated`. MMAction2's inferencers build the visualizer of a config without
    a folder: `Failed to add ...VisBackend`. Can go when none of them warns.
    """
    warnings.filterwarnings('ignore', r'Fail to import ``MultiScaleDeformableAttention``', UserWarning)
    warnings.filterwarnings('ignore', r'Importing from timm\.models\.layers is deprecated', FutureWarning)
    warnings.filterwarnings('ignore', r"Failed to add <class '\S*VisBackend'>, please provide", UserWarning)
