"""A training that goes on in another work folder deletes nothing outside it."""
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from dummy_components import SignalAt
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.engine.resume import resume_file

OPTIONS = dict(default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=1,
                                                  save_best='WAR', rule='greater')),
               val_evaluator__type='FixedMetric', custom_imports=dict(imports=['dummy_components']))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob('*.pth')}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


@pytest.mark.parametrize('signal_at', [None, 4])
def test_the_other_folder_stays_as_it_is(make_runner: Callable[..., Runner], tmp_path: Path,
                                         signal_at: int | None) -> None:
    first = make_runner(**OPTIONS, train_cfg__max_epochs=2)
    if signal_at is not None:
        first.register_hook(SignalAt(signal_at))
        with pytest.raises(SystemExit):
            first.train()
    else:
        first.train()
    source, other = Path(first.work_dir), tmp_path / 'other'
    file = source / ('epoch_2.pth' if signal_at is None else 'iter_5.pth')
    before = contents(source)
    assert {file.name, resume_file(file).name} <= set(before)
    assert f'best_WAR_epoch_{2 if signal_at is None else 1}.pth' in before
    other.mkdir()
    for name in ('epoch_1.pth', 'mine.pth'):  # files of the user's own, one with the name of an old checkpoint
        (other / name).write_bytes(b'mine')
    make_runner(**OPTIONS, train_cfg__max_epochs=4, work_dir=str(other), load_from=str(file), resume=True).train()
    assert contents(source) == before
    assert names(other) == ['best_WAR_epoch_4.pth', 'epoch_1.pth', 'epoch_4.pth', 'epoch_4.resume.pth', 'mine.pth']
    assert (other / 'epoch_1.pth').read_bytes() == b'mine'


def test_a_moved_folder_has_one_best_checkpoint(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    metrics = dict(val_evaluator__values=(2., 1., 3.))
    first = make_runner(**OPTIONS, **metrics, train_cfg__max_epochs=2)
    first.train()
    moved = tmp_path / 'moved'
    shutil.move(first.work_dir, moved)
    make_runner(**OPTIONS, **metrics, train_cfg__max_epochs=3, work_dir=str(moved), resume=True,
                load_from=str(moved / 'epoch_2.pth')).train()
    assert names(moved) == ['best_WAR_epoch_3.pth', 'epoch_3.pth', 'epoch_3.resume.pth']


def test_the_best_of_another_folder_is_named(make_runner: Callable[..., Runner], tmp_path: Path,
                                             caplog: pytest.LogCaptureFixture) -> None:
    first = make_runner(**OPTIONS, train_cfg__max_epochs=1)
    first.train()
    best = Path(first.work_dir, 'best_WAR_epoch_1.pth')
    second = make_runner(**OPTIONS, train_cfg__max_epochs=1, work_dir=str(tmp_path / 'other'), resume=True,
                         load_from=f'{first.work_dir}/epoch_1.pth')
    second.logger.addHandler(caplog.handler)
    second.train()
    assert f'The best checkpoint so far, {best}, is not in {tmp_path / "other"}, where only a better' in caplog.text
    assert best.is_file()


def test_what_is_saved_by_hand_leaves_the_resumed_file_alone(make_runner: Callable[..., Runner],
                                                             tmp_path: Path) -> None:
    first = make_runner(**OPTIONS, train_cfg__max_epochs=1)
    first.train()
    before = contents(Path(first.work_dir))

    class SavingHook(Hook):
        def before_train_epoch(self, runner: Runner) -> None:
            runner.save_checkpoint(runner.work_dir, 'begin.pth')

    second = make_runner(**OPTIONS, train_cfg__max_epochs=2, work_dir=str(tmp_path / 'other'), resume=True,
                         load_from=f'{first.work_dir}/epoch_1.pth')
    second.register_hook(SavingHook())
    second.train()
    assert contents(Path(first.work_dir)) == before
    assert 'optimizer' in torch.load(tmp_path / 'other' / 'begin.pth', weights_only=False)
