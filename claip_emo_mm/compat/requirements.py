"""Packages that MMAction2 needs, and its warnings."""
import warnings
from importlib import import_module
from importlib.util import find_spec

from claip_emo_mm.errors import InputError

_INSTALL = {
    'torch': 'torch',
    'mmengine': 'mmengine==0.10.7',
    'mmcv': 'mmcv-lite==2.1.0',
    'mmaction': 'mmaction2==1.2.0',
    'importlib_metadata': 'importlib_metadata',
}
_MMCV_CHOICE = ('Install one of the two, not both: pip install mmcv-lite==2.1.0 (a wheel, enough for this project), or '
                'the full mmcv 2.1.0, whose source distribution needs setuptools<81 to build')


def check_requirements() -> None:
    """Say in one message which package to install, where MMAction2 would fail with a bare ImportError or assert.

    - `importlib_metadata`: mmaction2 1.2.0 imports it and does not declare it. Shows as `No module named
      'importlib_metadata'`. Can go when mmaction2 uses the standard library's `importlib.metadata`.
    - mmcv: mmaction2 1.2.0 takes mmcv or mmcv-lite, >= 2.0.0rc4 and < 2.2.0, and depends on neither, so a plain
      `pip install mmcv` brings a version that it refuses with an AssertionError. The bounds are MMAction2's own: it is
      asked, not copied. Can go when mmaction2 declares the dependency.

    Raises:
        InputError: not an ImportError, because mmengine's `custom_imports` replaces the message of that one.
    """
    for name, requirement in _INSTALL.items():
        if find_spec(name) is None:
            remedy = _MMCV_CHOICE if name == 'mmcv' else f'Install it: pip install {requirement}'
            raise InputError(f'the Python package {name} is not installed; mmaction2 needs it. {remedy}.')
    try:
        import_module('mmaction')
    except AssertionError as error:
        mmcv = import_module('mmcv')
        raise InputError(f'mmaction2 refuses a package that it finds here: {error} (mmcv {mmcv.__version__} comes from '
                         f'{mmcv.__file__}). {_MMCV_CHOICE}, and mmengine==0.10.7.') from error


def quiet_mmcv_lite() -> None:
    """Do not let every start of every process begin with a warning that mmcv-lite is not mmcv.

    mmcv-lite lacks compiled operators by design; nothing here needs them. Shows as `Fail to import
    MultiScaleDeformableAttention ... You should install mmcv rather than mmcv-lite`. Can go when mmcv-lite stops
    warning of it at import.
    """
    warnings.filterwarnings('ignore', r'Fail to import ``MultiScaleDeformableAttention``', UserWarning)
