"""Warnings of the host that say nothing to a user of this package."""
import warnings


def quiet_mmcv_lite() -> None:
    """Do not let every start of every process begin with a warning that mmcv-lite is not mmcv.

    mmcv-lite lacks compiled operators by design; nothing here needs them. Shows as `Fail to import
    MultiScaleDeformableAttention ... You should install mmcv rather than mmcv-lite`. Can go when mmcv-lite stops
    warning of it at import.
    """
    warnings.filterwarnings('ignore', r'Fail to import ``MultiScaleDeformableAttention``', UserWarning)
