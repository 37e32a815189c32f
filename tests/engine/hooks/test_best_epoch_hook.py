"""The best epoch of a training that would have been stopped early, in one that goes on."""
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.runner import Runner

SCORES = [50., 60., 55., 58., 70., 65.]  # of 6 epochs: after the second, two are not better
EARLY = dict(monitor='WAR', rule='greater', patience=2, min_delta=.1)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Scores that the metric gives instead of its own, one an evaluation."""
    left = list(SCORES)
    monkeypatch.setattr('dummy_components.DummyMetric.compute_metrics', lambda *_: dict(WAR=left.pop(0)))
    return left


def train(make_runner: Callable[..., Runner], hook: str, **options: object) -> Runner:
    runner = make_runner(train_cfg__max_epochs=len(SCORES), **options, default_hooks=dict(
        checkpoint=dict(type='CheckpointHook', interval=1, save_best='WAR', rule='greater', max_keep_ckpts=1),
        early=dict(EARLY, type=hook)))
    runner.train()
    return runner


def best(runner: Runner) -> list[str]:
    return [path.name for path in Path(runner.work_dir).glob('best_*')]


def test_goes_on_with_the_best_epoch_of_a_stopped_training(make_runner: Callable[..., Runner],
                                                           scripted: list[float]) -> None:
    runner = train(make_runner, 'BestEpochHook')
    assert runner.epoch == 6 and not scripted
    assert best(runner) == ['best_WAR_epoch_2.pth']


def test_mmaction_stops(make_runner: Callable[..., Runner], scripted: list[float]) -> None:
    runner = train(make_runner, 'EarlyStoppingHook')
    assert runner.epoch == 4
    assert best(runner) == ['best_WAR_epoch_2.pth']


@pytest.mark.parametrize('epoch', [3, 4, 5])
def test_an_interrupted_training_chooses_the_same(make_runner: Callable[..., Runner], scripted: list[float],
                                                  monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    def stop(self: object, runner: Runner) -> None:
        if runner.epoch + 1 == epoch:  # its checkpoint is written; it is not yet evaluated
            raise KeyboardInterrupt

    monkeypatch.setattr('claip_emo_mm.engine.PreemptionHook.after_train_epoch', stop)
    custom = [dict(type=name) for name in ('ResumeStateHook', 'PreemptionHook')]
    loop = 'ResumableTrainLoop'
    with pytest.raises(KeyboardInterrupt):
        train(make_runner, 'BestEpochHook', custom_hooks=custom, train_cfg__type=loop)
    monkeypatch.undo()
    left = SCORES[epoch - 1:]
    monkeypatch.setattr('dummy_components.DummyMetric.compute_metrics', lambda *_: dict(WAR=left.pop(0)))
    runner = train(make_runner, 'BestEpochHook', custom_hooks=custom, train_cfg__type=loop, resume=True)
    assert runner.epoch == 6 and not left
    assert best(runner) == ['best_WAR_epoch_2.pth']
