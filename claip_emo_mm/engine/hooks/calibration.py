"""Hook that fits a temperature on the scores of a validation and keeps it in the checkpoints of the same weights."""
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.engine.checkpoints.calibrate import saved_at, write_calibration
from claip_emo_mm.engine.checkpoints.metadata import META_KEY
from claip_emo_mm.evaluation import EmotionMetric
from claip_emo_mm.evaluation.calibration import Calibration, fit_calibration
from claip_emo_mm.evaluation.metrics import are_probabilities

_TESTED = 'test'  # split of a NamedConcatDataset


@HOOKS.register_module()
class CalibrationHook(Hook):
    """Calibrate the checkpoint of the best epoch, and the last one, by temperature scaling.

    After each validation the temperature is fitted on its scores (`evaluation.calibration`); checkpoints that are saved
    before the weights change again have it in their metadata (``calibration``): those of the best epoch. The last
    checkpoint of a training was saved before its validation, so it is given the temperature at the end, where it has
    the weights that were validated last. Where held-out clips and the test split are validated, the former are taken.
    Inference applies it; the metrics of tools/test.py are those of the scores without it. Nothing happens without an
    `EmotionMetric` of all classes, or where its scores are no probabilities.
    """

    priority = 'LOW'  # after AdapterCheckpointHook, which makes the metadata

    def __init__(self) -> None:
        self._fitted: Calibration | None = None  # of the weights as they are

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self._fitted = None

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        found = [metric for metric in runner.val_evaluator.metrics if isinstance(metric, EmotionMetric)
                 and metric.clips is not None and metric.only is None]
        found.sort(key=lambda metric: metric.split == _TESTED)  # held-out clips first, where both are there
        if is_main_process() and found and are_probabilities(found[0].clips.scores):
            self._fitted = fit_calibration(found[0].clips)
            runner.logger.info(self._fitted.line())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if self._fitted is not None and META_KEY in checkpoint['meta']:
            checkpoint['meta'][META_KEY]['calibration'] = self._fitted.to_dict()

    def after_train(self, runner: Runner) -> None:
        last = runner.message_hub.get_info('last_ckpt', None)
        if self._fitted is not None and last is not None and Path(last).is_file() and saved_at(last) == runner.iter:
            write_calibration(Path(last), self._fitted)
