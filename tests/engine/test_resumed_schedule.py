"""The rate of a resumed training is that of its config."""
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError

LR = .5
COSINE = dict(type='CosineAnnealingLR', eta_min=.1, by_epoch=True, convert_to_iter_based=True)
WARM_UP = [dict(type='LinearLR', start_factor=.2, by_epoch=True, end=1, convert_to_iter_based=True),
           dict(type='CosineAnnealingLR', eta_min=.1, by_epoch=True, begin=1, convert_to_iter_based=True)]


def cosine(step: int, steps: int) -> float:
    return .1 + (LR - .1) * (1 + math.cos(math.pi * step / steps)) / 2


def train(make_runner: Callable[..., Runner], epochs: int, schedule: object, resumed: str | None = None,
          **options: object) -> Runner:
    options = dict(optim_wrapper__optimizer__lr=LR, train_cfg__max_epochs=epochs, param_scheduler=schedule) | options
    if resumed:
        options.update(load_from=resumed, resume=True)
    runner = make_runner(**options)
    runner.train()
    return runner


def rates(runner: Runner) -> list[float]:
    """The rate of every iteration of a training, those before it was resumed included."""
    return list(runner.message_hub.get_scalar('train/lr')._log_history)


def test_more_epochs_stretch_the_schedule(make_runner: Callable[..., Runner], caplog: pytest.LogCaptureFixture) -> None:
    first = train(make_runner, 2, COSINE)
    assert rates(first) == pytest.approx([cosine(step, 6) for step in range(6)])  # 3 iterations an epoch
    second = make_runner(train_cfg__max_epochs=4, param_scheduler=COSINE, optim_wrapper__optimizer__lr=LR, resume=True,
                         load_from=f'{first.work_dir}/epoch_2.pth')
    second.logger.addHandler(caplog.handler)
    second.train()
    assert rates(second)[6:] == pytest.approx([cosine(step, 12) for step in range(6, 12)])
    assert 'CosineAnnealingLR T_max 6 -> 12' in caplog.text
    assert 'lr goes on at 0.3, as a training with this config would here; the checkpoint has 0.1' in caplog.text


@pytest.mark.parametrize('schedule', [WARM_UP, dict(type='MultiStepLR', milestones=[2, 3], gamma=.5)])
def test_as_a_training_of_that_length_from_the_beginning(make_runner: Callable[..., Runner], schedule: object) -> None:
    first = train(make_runner, 2, schedule)
    second = train(make_runner, 4, schedule, f'{first.work_dir}/epoch_2.pth')
    whole = train(make_runner, 4, schedule)
    assert rates(second)[6:] == pytest.approx(rates(whole)[6:], rel=1e-12)


def test_an_unchanged_schedule_goes_on_to_the_bit(make_runner: Callable[..., Runner],
                                                  caplog: pytest.LogCaptureFixture) -> None:
    whole = train(make_runner, 4, WARM_UP)
    resumed = make_runner(train_cfg__max_epochs=4, param_scheduler=WARM_UP, optim_wrapper__optimizer__lr=LR,
                          resume=True, load_from=f'{whole.work_dir}/epoch_2.pth')
    resumed.logger.addHandler(caplog.handler)
    resumed.train()
    assert rates(resumed) == rates(whole)
    assert 'schedule of the' not in caplog.text and 'Resumed as it was saved' not in caplog.text


def test_another_batch_size(make_runner: Callable[..., Runner]) -> None:
    first = train(make_runner, 4, COSINE)
    second = train(make_runner, 4, COSINE, f'{first.work_dir}/epoch_2.pth', train_dataloader__batch_size=5)
    assert rates(second)[6:] == pytest.approx([cosine(2, 4), cosine(3, 4)])  # one batch an epoch


def test_another_rate(make_runner: Callable[..., Runner]) -> None:
    for schedule, expected in ((None, [.25] * 3), (COSINE, [.1 + .15 * (1 + math.cos(math.pi * step / 6)) / 2
                                                            for step in range(3, 6)])):
        first = train(make_runner, 2, schedule)
        second = train(make_runner, 2, schedule, f'{first.work_dir}/epoch_1.pth', optim_wrapper__optimizer__lr=.25)
        assert rates(second)[3:] == pytest.approx(expected)


def test_what_stays_is_said(make_runner: Callable[..., Runner], caplog: pytest.LogCaptureFixture) -> None:
    first = train(make_runner, 1, COSINE)
    second = make_runner(train_cfg__max_epochs=2, optim_wrapper__optimizer=dict(lr=LR, weight_decay=.3), resume=True,
                         load_from=f'{first.work_dir}/epoch_1.pth', param_scheduler=COSINE)
    second.logger.addHandler(caplog.handler)
    second.train()
    assert "the optimizer's weight_decay 0 (the config: 0.3)" in caplog.text
    assert second.optim_wrapper.param_groups[0]['weight_decay'] == 0


def test_a_training_that_is_over_says_so(make_runner: Callable[..., Runner], caplog: pytest.LogCaptureFixture) -> None:
    first = train(make_runner, 2, COSINE)
    second = make_runner(train_cfg__max_epochs=2, optim_wrapper__optimizer__lr=LR, param_scheduler=COSINE, resume=True,
                         load_from=f'{first.work_dir}/epoch_2.pth')
    second.logger.addHandler(caplog.handler)
    second.train()
    assert 'Nothing is left to train: 2 of 2 epochs are done.' in caplog.text


@pytest.mark.parametrize('loop', ['ResumableTrainLoop', 'EpochBasedTrainLoop'])
def test_an_epoch_without_a_batch(make_runner: Callable[..., Runner], loop: str) -> None:
    def options(batch_size: int, drop_last: bool) -> dict[str, object]:
        return dict(train_dataloader__batch_size=batch_size, train_dataloader__drop_last=drop_last,
                    train_cfg__type=loop)

    with pytest.raises(InputError, match='5 clips are fewer than a batch of 6, and drop_last drops them'):
        make_runner(**options(6, True)).train()
    for batch_size, drop_last in ((5, True), (6, False)):
        runner = make_runner(**options(batch_size, drop_last))
        runner.train()
        assert Path(runner.work_dir, 'epoch_1.pth').is_file()


def test_no_batch_for_one_of_several_processes(make_runner: Callable[..., Runner],
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (0, 2))
    monkeypatch.setattr('claip_emo_mm.engine.loop.get_world_size', lambda: 2)
    with pytest.raises(InputError, match='3 clips for each of 2 processes are fewer than a batch of 4'):
        make_runner(train_dataloader__batch_size=4, train_dataloader__drop_last=True).train()
