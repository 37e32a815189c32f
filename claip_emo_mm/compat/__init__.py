"""What has to be repaired, in memory, before MMAction2 1.2.0 and MMEngine 0.10.7 run on today's PyTorch.

`repair()` is called by `import claip_emo_mm`. One module per subject; each function says what it repairs, how the
breakage shows, and when it can go. Nothing is written to disk, and no repair acts where MMAction2 works by itself.
"""
from functools import cache

from claip_emo_mm.compat.requirements import check_requirements, quiet_mmcv_lite

__all__ = ['repair']


@cache
def repair() -> None:
    """Apply every repair, once per process; later calls do nothing.

    Raises:
        InputError: a package that MMAction2 needs is missing or has a version that it refuses.
    """
    quiet_mmcv_lite()
    check_requirements()
    # These import mmengine and mmaction, so only after the check.
    from claip_emo_mm.compat import averaging, checkpoint_io, distributed, fsdp, imports, metric_rules, safe_load
    imports.repair_localizers()
    imports.repair_multimodal()
    safe_load.repair_loading()
    safe_load.repair_remote_loading()
    checkpoint_io.repair_writing()
    checkpoint_io.repair_log_files()
    checkpoint_io.repair_removal()
    checkpoint_io.repair_removal_elsewhere()
    metric_rules.add_metric_rules()
    distributed.repair_launch()
    distributed.repair_data_parallel()
    distributed.repair_batch_norm()
    fsdp.repair_fsdp_device()
    fsdp.repair_fsdp_resume()
    fsdp.repair_fsdp_batch_norm()
    fsdp.repair_flexible_runner()
    distributed.repair_worker_queues()
    averaging.repair_averaging()
    averaging.repair_averaged_loading()
