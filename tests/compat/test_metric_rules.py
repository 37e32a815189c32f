"""MMAction2's hooks know which of our metrics are better when they are larger."""
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.fileio import get_file_backend
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.logging import MessageHub

import claip_emo_mm  # noqa: F401 - adds the rules


def best_of(folder: Path, scores: list[dict[str, float]], **options: object) -> list[str]:
    """Names of what CheckpointHook keeps as the best of epochs 1, 2, ... with these metrics."""
    def save(out_dir: str, filename: str, *args: object, **kwargs: object) -> None:
        Path(out_dir, filename).touch()

    runner = SimpleNamespace(work_dir=str(folder), message_hub=MessageHub.get_instance(f'rules_{folder}'), epoch=0,
                             iter=0, logger=SimpleNamespace(info=print), cfg=None, save_checkpoint=save)
    hook = CheckpointHook(out_dir=str(folder), **options)
    hook.file_backend = get_file_backend(str(folder))
    hook.before_train(runner)
    hook.out_dir = str(folder)
    for runner.epoch, metrics in enumerate(scores, start=1):
        hook._save_best_checkpoint(runner, metrics)
    return sorted(path.name for path in folder.glob('best_*.pth'))


def test_auto_takes_the_first_metric(tmp_path: Path) -> None:
    scores = [dict(WAR=50., UAR=60.), dict(WAR=70., UAR=40.), dict(WAR=60., UAR=80.)]
    assert best_of(tmp_path, scores, save_best='auto') == ['best_WAR_epoch_2.pth']


def test_error_of_calibration_is_better_when_smaller(tmp_path: Path) -> None:
    assert best_of(tmp_path, [dict(ECE=9.), dict(ECE=3.), dict(ECE=5.)], save_best='ECE') == ['best_ECE_epoch_2.pth']


def test_prefix_of_an_evaluator_and_a_metric_of_mmaction(tmp_path: Path) -> None:
    scores = [{'val/UAR': 50., 'acc/top1': .5}, {'val/UAR': 40., 'acc/top1': .6}]
    assert best_of(tmp_path, scores, save_best=['val/UAR', 'acc/top1']) == ['best_acc_top1_epoch_2.pth',
                                                                           'best_val_UAR_epoch_1.pth']


def test_rule_of_the_config_is_kept(tmp_path: Path) -> None:
    scores = [dict(WAR=50.), dict(WAR=40.), dict(WAR=45.)]
    assert best_of(tmp_path, scores, save_best='WAR', rule='less') == ['best_WAR_epoch_2.pth']


def test_other_names_that_hold_one_of_ours_are_not_taken_for_it() -> None:
    with pytest.raises(ValueError, match='Cannot infer the rule for key square_error'):
        CheckpointHook(save_best='square_error')
    assert EarlyStoppingHook(monitor='warmup_loss').rule == 'less'


def test_early_stop() -> None:
    assert [EarlyStoppingHook(monitor=name).rule for name in ('WAR', 'UAR', 'F1_macro', 'ECE', 'acc/top1')] == [
        'greater', 'greater', 'greater', 'less', 'greater']
