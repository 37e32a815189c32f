"""What has to be repaired, in memory, before mmaction2 1.2.0 and mmengine 0.10.7 run on today's PyTorch.

`repair()` is called by `import claip_emo_mm`. One file per subject; each function says what it repairs, how the
breakage shows, and when it can go. Nothing is written to disk, and no repair acts where the host works by itself.
"""
from functools import cache

from claip_emo_mm.host.requirements import check_requirements
from claip_emo_mm.host.warnings import quiet_mmcv_lite

__all__ = ['repair']


@cache
def repair() -> None:
    """Apply every repair, once per process; later calls do nothing.

    Raises:
        InputError: a package that the host needs is missing or has a version that the host refuses.
    """
    quiet_mmcv_lite()
    check_requirements()
    # These import mmengine and mmaction, so only after the check.
    from claip_emo_mm.host import (
        averaging,
        batch_norm,
        distributed,
        figure_rules,
        fsdp,
        late_removal,
        localizers,
        log_files,
        multimodal,
        remote_loading,
        safe_loading,
        whole_files,
        worker_queues,
    )
    localizers.repair_localizers()
    multimodal.repair_multimodal()
    safe_loading.repair_loading()
    remote_loading.repair_remote_loading()
    whole_files.repair_writing()
    log_files.repair_log_files()
    late_removal.repair_removal()
    late_removal.repair_removal_elsewhere()
    figure_rules.add_figure_rules()
    distributed.repair_launch()
    distributed.repair_data_parallel()
    batch_norm.repair_batch_norm()
    fsdp.repair_fsdp_device()
    fsdp.repair_fsdp_resume()
    fsdp.repair_fsdp_batch_norm()
    fsdp.repair_flexible_runner()
    worker_queues.repair_worker_queues()
    averaging.repair_averaging()
    averaging.repair_averaged_loading()
