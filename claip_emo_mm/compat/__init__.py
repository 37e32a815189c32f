"""In-memory patches that let MMAction2 1.2.0 and MMEngine 0.10.7 run on current PyTorch.

Each patch says what breaks, how it shows and when it can go. None acts where MMAction2 works by itself.
"""
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from claip_emo_mm.compat.requirements import check_requirements, patch_find_loader, quiet_imports

__all__ = ['apply_patches', 'patch_recognizer_apis', 'replace_method']


@cache
def apply_patches() -> None:
    """Apply every patch, once per process; refuses a missing package, or a version that MMAction2 refuses."""
    quiet_imports()
    patch_find_loader()
    check_requirements()
    # These import mmengine and mmaction, so only after the check.
    from claip_emo_mm.compat.optimizers import patch_adafactor
    patch_adafactor()  # before the others import MMEngine's runner
    from claip_emo_mm.compat import checkpoint_io, console, distributed, fsdp, hooks, imports, safe_load
    for patch in (
            imports.patch_localizers, imports.patch_multimodal, imports.patch_registry, imports.patch_timm_summary,
            safe_load.patch_loading, console.patch_file_client,
            checkpoint_io.patch_writing, checkpoint_io.patch_log_files, checkpoint_io.patch_rotation,
            checkpoint_io.patch_rotation_on_resume,
            hooks.patch_metric_rules, hooks.patch_averaging, hooks.patch_averaged_loading,
            distributed.patch_launch, distributed.patch_data_parallel, distributed.patch_batch_norm,
            distributed.patch_worker_queues,
            fsdp.patch_device, fsdp.patch_resume, fsdp.patch_batch_norm, fsdp.patch_flexible_runner):
        patch()


def patch_recognizer_apis(*loaders: Callable) -> None:
    """Patch MMAction2's inference, which needs functions of layers above; see `recognizer_apis`."""
    from claip_emo_mm.compat import recognizer_apis
    recognizer_apis.patch_recognizer_apis(*loaders)


def replace_method(owner: Any, name: str) -> Callable[[Callable], None]:
    """Decorator of what replaces a method, or a module's function; it gets the original as its first argument."""
    original = getattr(owner, name)

    def replace(replacement: Callable) -> None:
        @wraps(original)
        def call(*args: object, **kwargs: object) -> Any:
            return replacement(original, *args, **kwargs)

        setattr(owner, name, call)

    return replace
