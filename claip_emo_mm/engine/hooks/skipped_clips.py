"""Hook that reports clips that could not be read, and clips without usable audio."""
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.engine.hooks.checks import batch_samples
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import SKIP_REASON, clip_name
from claip_emo_mm.utils.io import write_csv

SKIPPED_FILE = 'skipped_clips.csv'
_MAX_LISTED = 10
_KINDS = ('could not be read and were skipped', 'have no audio; the model read silence, or no audio',
          'have audio that may not be what was meant')


@HOOKS.register_module()
class SkippedClipsHook(Hook):
    """Report skipped clips (`on_error='skip'`), clips without audio (`on_missing='silence'`), and clips whose audio has
    a note: it is silent, or its channels cancel each other.

    They are collected over all ranks and logged after each epoch of training, validation or test. Skipped clips are
    listed with the reason in `skipped_clips.csv` in the work folder at the end of the run. A metric that would evaluate
    them is refused, unless it looks for `skip_reason` and says so by the attribute ``takes_skipped_clips``.
    """

    def __init__(self) -> None:
        self._clips: tuple[dict[str, str], ...] = ({}, {}, {})  # of the epoch, skipped, silent, noted: name -> text
        self._skipped_in_run: dict[str, str] = {}

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _check_metrics(runner.val_evaluator, data_batch)

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _check_metrics(runner.test_evaluator, data_batch)

    def _after_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None,
                    mode: str = 'train') -> None:
        for sample in batch_samples(data_batch):
            name = clip_name(sample)
            skipped, silent, noted = self._clips
            if sample.get(SKIP_REASON) is not None:
                skipped[name] = sample.get(SKIP_REASON)
            elif sample.get('audio_missing'):
                silent[name] = name
            elif sample.get('audio_note'):
                noted[name] = f'{name}: {sample.get("audio_note")}'

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        collected: tuple[dict[str, str], ...] = ({}, {}, {})
        for of_rank in all_gather_object(self._clips):
            for clips, own in zip(collected, of_rank, strict=True):
                clips |= own
        self._clips = ({}, {}, {})
        self._skipped_in_run |= collected[0]
        for clips, what in zip(collected, _KINDS, strict=True):
            if clips:
                lines = [f'  {line}' for _, line in sorted(clips.items())]
                more = [f'  ... and {len(lines) - _MAX_LISTED} more'] if len(lines) > _MAX_LISTED else []
                runner.logger.warning('\n'.join([f'{mode}: {len(clips)} clips {what}:', *lines[:_MAX_LISTED], *more]))

    def after_run(self, runner: Runner) -> None:
        if not self._skipped_in_run or not is_main_process():
            return
        path = Path(runner.work_dir) / SKIPPED_FILE
        write_csv(path, ('clip', 'reason'), sorted(self._skipped_in_run.items()))
        runner.logger.warning(f'{len(self._skipped_in_run)} clips were skipped in this run: {path}')


def _check_metrics(evaluator: Evaluator, data_batch: Any) -> None:
    skipped = next((sample for sample in batch_samples(data_batch) if sample.get(SKIP_REASON) is not None), None)
    for metric in evaluator.metrics if skipped is not None else ():
        if not (isinstance(metric, DumpResults) or getattr(metric, 'takes_skipped_clips', False)):
            raise InputError(f"{skipped.get(SKIP_REASON)} (on_error='skip' skips it, but {type(metric).__name__} needs "
                             "scores of every clip: use EmotionMetric, or set on_error='raise'.)")
