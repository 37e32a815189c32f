"""What a resumed training knows of the best checkpoint and of the early stop."""
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.hooks import EarlyStoppingHook
from mmengine.runner import Runner


def options(metric: str, rule: str = 'greater', epochs: int = 2) -> dict[str, object]:
    """A training whose metric is 9, 1, 5 after its epochs."""
    return dict(
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, save_best=metric, rule=rule),
                           stop=dict(type='EarlyStoppingHook', monitor=metric, rule=rule, min_delta=0., patience=4)),
        val_evaluator=dict(type='FixedMetric', values=(9., 1., 5.), name=metric), train_cfg__max_epochs=epochs)


def names(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).glob('best_*'))


def stop(runner: Runner) -> EarlyStoppingHook:
    return next(hook for hook in runner.hooks if isinstance(hook, EarlyStoppingHook))


def test_the_same_choice_goes_on(make_runner: Callable[..., Runner]) -> None:
    first = make_runner(**options('WAR'))
    first.train()
    assert names(first.work_dir) == ['best_WAR_epoch_1.pth']
    second = make_runner(**options('WAR', epochs=3), resume=True, load_from=f'{first.work_dir}/epoch_2.pth')
    second.train()
    assert names(first.work_dir) == ['best_WAR_epoch_1.pth']
    assert stop(second).best_score == 9.


@pytest.mark.parametrize('metric, rule, kept', [('UAR', 'greater', ['best_UAR_epoch_3.pth', 'best_WAR_epoch_1.pth']),
                                                ('WAR', 'less', ['best_WAR_epoch_1.pth', 'best_WAR_epoch_2.pth'])])
def test_another_metric_or_rule_is_not_compared_with_the_old_best(
        make_runner: Callable[..., Runner], caplog: pytest.LogCaptureFixture, metric: str, rule: str,
        kept: list[str]) -> None:
    make_runner(**options('WAR')).train()
    second = make_runner(**options(metric, rule, epochs=3), resume=True)
    second._load_from = f'{second.work_dir}/epoch_2.pth'
    second.logger.addHandler(caplog.handler)
    second.train()
    assert names(second.work_dir) == kept
    assert stop(second).best_score == (5. if rule == 'greater' else 1.)
    assert "The best checkpoint was chosen by {'WAR': 'greater'} before, and is by" in caplog.text
    assert f'EarlyStoppingHook went by WAR (greater) and goes by {metric} ({rule}) now' in caplog.text
