"""Looks before the first batch whether the shared memory is enough for the workers of the data loaders."""
from mmaction.registry import HOOKS
from mmengine.dist import barrier
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.engine.shared_memory import check_shared_memory


@HOOKS.register_module()
class SharedMemoryHook(Hook):
    """Refuse workers that will fill /dev/shm, which containers keep small (Docker: 64 MB).

    Raises:
        InputError: with the sizes, and what can be done.
    """

    def before_train(self, runner: Runner) -> None:
        check_shared_memory(runner.train_dataloader, 'train_dataloader')
        if runner.val_loop is not None:
            check_shared_memory(runner.val_dataloader, 'val_dataloader')
        barrier()  # before another process's workers fill it

    def before_test(self, runner: Runner) -> None:
        check_shared_memory(runner.test_dataloader, 'test_dataloader')
        barrier()
