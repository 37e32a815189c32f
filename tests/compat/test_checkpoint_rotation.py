"""CheckpointHook deletes the old checkpoint only after the new one was written."""
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.fileio import get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub

import claip_emo_mm  # noqa: F401 - patches MMAction2


class DyingRunner(SimpleNamespace):
    """Writes empty files as checkpoints, or has no space left for them."""

    full = False

    def save_checkpoint(self, out_dir: str, filename: str, *args: object, **kwargs: object) -> None:
        if self.full:
            raise OSError('no space left')
        Path(out_dir, filename).touch()


@pytest.fixture
def runner(tmp_path: Path) -> DyingRunner:
    hub = MessageHub.get_instance(f'checkpoint_rotation_{tmp_path}')
    return DyingRunner(work_dir=str(tmp_path), message_hub=hub, epoch=0, iter=3, logger=SimpleNamespace(info=print))


def make_hook(runner: DyingRunner) -> CheckpointHook:
    hook = CheckpointHook(max_keep_ckpts=1, save_best='WAR', rule='greater', out_dir=runner.work_dir)
    hook.file_backend = get_file_backend(runner.work_dir)
    hook.before_train(SimpleNamespace(**vars(runner), cfg=None))
    hook.out_dir = runner.work_dir
    return hook


def names(runner: DyingRunner) -> list[str]:
    return sorted(path.name for path in Path(runner.work_dir).glob('*.pth'))


def test_old_one_stays_until_the_new_one_is_there(runner: DyingRunner) -> None:
    hook = make_hook(runner)
    hook._save_checkpoint(runner)
    runner.epoch, runner.full = 1, True
    with pytest.raises(OSError, match='no space left'):
        hook._save_checkpoint(runner)
    assert names(runner) == ['epoch_1.pth']
    runner.full = False
    hook.keep_ckpt_ids.clear()
    hook.keep_ckpt_ids.append(1)
    hook._save_checkpoint(runner)
    assert names(runner) == ['epoch_2.pth']


def test_best_one_stays_until_the_better_one_is_there(runner: DyingRunner) -> None:
    hook = make_hook(runner)
    runner.epoch = 1
    hook._save_best_checkpoint(runner, dict(WAR=50.))
    runner.epoch, runner.full = 2, True
    with pytest.raises(OSError, match='no space left'):
        hook._save_best_checkpoint(runner, dict(WAR=60.))
    assert names(runner) == ['best_WAR_epoch_1.pth']


def test_only_the_best_one_is_kept(runner: DyingRunner) -> None:
    hook = make_hook(runner)
    for epoch, score in ((1, 50.), (2, 70.), (2, 80.)):  # the same name again, as after resuming
        runner.epoch = epoch
        hook._save_best_checkpoint(runner, dict(WAR=score))
        assert names(runner) == [f'best_WAR_epoch_{epoch}.pth']
