"""Which scores a checkpoint is calibrated on, and which checkpoint gets the temperature."""
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from claip_emo_mm.engine.checkpoints import META_KEY
from claip_emo_mm.engine.hooks import calibration
from claip_emo_mm.engine.hooks.calibration import CalibrationHook
from claip_emo_mm.evaluation import ClipScores, EmotionMetric
from claip_emo_mm.evaluation.calibration import Calibration


def metric(split: str | None, sureness: float) -> EmotionMetric:
    """A metric that has evaluated 40 clips of 2 classes, of which 3 in 4 are right."""
    made = EmotionMetric(split=split)
    scores = np.tile([sureness, 1 - sureness], (40, 1)).astype(np.float32)
    made.clips = ClipScores(tuple(map(str, range(40))), np.repeat([0, 1], [30, 10]), scores, ('a', 'b'))
    return made


@pytest.fixture
def runner(tmp_path: Path) -> SimpleNamespace:
    hub = MessageHub.get_instance(f'calibration_{tmp_path.name}')
    hub.update_info('last_ckpt', str(tmp_path / 'last.pth'))
    torch.save(dict(meta=dict(iter=6)), tmp_path / 'last.pth')
    return SimpleNamespace(val_evaluator=SimpleNamespace(metrics=[]), logger=logging.getLogger('test'), iter=6,
                           message_hub=hub)


@pytest.mark.parametrize('order', [1, -1])
def test_held_out_clips_come_before_the_test_split(runner: SimpleNamespace, order: int) -> None:
    hook, saved = CalibrationHook(), dict(meta={META_KEY: {}})
    runner.val_evaluator.metrics = [metric('test', .9), metric('val', .6)][::order]
    hook.after_val_epoch(runner)
    hook.before_save_checkpoint(runner, saved)
    # The logit is divided so that the score becomes .75: log(.6 / .4) / log(3).
    assert saved['meta'][META_KEY]['calibration']['temperature'] == pytest.approx(np.log(1.5) / np.log(3), abs=.01)


def test_other_weights_get_none(runner: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[Path, Calibration]] = []
    monkeypatch.setattr(calibration, 'write_calibration', lambda *given: written.append(given))
    hook, saved = CalibrationHook(), dict(meta={META_KEY: {}})
    runner.val_evaluator.metrics = [metric(None, .9)]
    hook.after_val_epoch(runner)
    hook.after_train(runner)
    assert [path.name for path, _ in written] == ['last.pth']
    runner.iter = 9  # the validation of a later epoch, whose weights the last checkpoint does not have
    hook.after_val_epoch(runner)
    hook.after_train(runner)
    assert len(written) == 1
    hook.before_train_iter(runner, 0)  # the weights change
    hook.before_save_checkpoint(runner, saved)
    assert 'calibration' not in saved['meta'][META_KEY]
