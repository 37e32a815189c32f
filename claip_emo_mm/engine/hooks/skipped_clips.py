"""Says which clips of an epoch could not be read, and which were heard as silence or otherwise than they are."""
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import SKIP_REASON, clip_name
from claip_emo_mm.utils.io import write_csv

SKIPPED_FILE = 'skipped_clips.csv'
_NAMED = 10


@HOOKS.register_module()
class SkippedClipsHook(Hook):
    """Report clips that a data set left out (`on_error='skip'`), clips without audio (`on_missing='silence'`), and
    clips whose audio has a note: there is nothing to hear, or its channels cancel each other.

    They are counted over all ranks and reported when an epoch of training, validation or test ends. What was left out
    is listed with its reason in `skipped_clips.csv` in the work folder at the end of the run.

    Raises:
        InputError: a clip was left out, and another metric than `EmotionMetric` and `DumpResults` is to judge it. A
            metric that looks for `skip_reason` in the samples says so by the attribute ``takes_skipped_clips``.
    """

    def __init__(self) -> None:
        self._skipped: dict[str, str] = {}  # of the epoch
        self._silent: set[str] = set()
        self._noted: dict[str, str] = {}
        self._skipped_in_run: dict[str, str] = {}

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _check_metrics(runner.val_evaluator, data_batch)

    def before_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        _check_metrics(runner.test_evaluator, data_batch)

    def _after_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None,
                    mode: str = 'train') -> None:
        for sample in _samples(data_batch):
            name = clip_name(sample)
            if sample.get(SKIP_REASON) is not None:
                self._skipped[name] = sample.get(SKIP_REASON)
            elif sample.get('audio_missing'):
                self._silent.add(name)
            elif sample.get('audio_note'):
                self._noted[name] = sample.get('audio_note')

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        skipped: dict[str, str] = {}
        silent: set[str] = set()
        noted: dict[str, str] = {}
        for rank_skipped, rank_silent, rank_noted in all_gather_object((self._skipped, self._silent, self._noted)):
            skipped |= rank_skipped
            silent |= rank_silent
            noted |= rank_noted
        self._skipped, self._silent, self._noted = {}, set(), {}
        self._skipped_in_run |= skipped
        if skipped:
            lines = [f'  {reason}' for _, reason in sorted(skipped.items())]
            runner.logger.warning('\n'.join([f'{mode}: {len(skipped)} clips could not be read and were left out:',
                                             *_shortened(lines)]))
        if silent:
            runner.logger.log(logging.WARNING, '\n'.join([
                f'{mode}: {len(silent)} clips have no audio; the model heard silence, or did without:',
                *_shortened([f'  {name}' for name in sorted(silent)])]))
        if noted:
            runner.logger.warning('\n'.join([f'{mode}: {len(noted)} clips have audio that may not be what was meant:',
                                             *_shortened([f'  {name}: {note}' for name, note in sorted(noted.items())]),
                                             ]))

    def after_run(self, runner: Runner) -> None:
        if not self._skipped_in_run or not is_main_process():
            return
        path = Path(runner.work_dir) / SKIPPED_FILE
        write_csv(path, ('clip', 'reason'), sorted(self._skipped_in_run.items()))
        runner.logger.warning(f'{len(self._skipped_in_run)} clips were left out in this run: {path}')


def _samples(data_batch: Any) -> Sequence[ActionDataSample]:
    return data_batch.get('data_samples', ()) if isinstance(data_batch, Mapping) else ()


def _check_metrics(evaluator: Evaluator, data_batch: Any) -> None:
    skipped = next((sample for sample in _samples(data_batch) if sample.get(SKIP_REASON) is not None), None)
    if skipped is None:
        return
    for metric in evaluator.metrics:
        if not (isinstance(metric, DumpResults) or getattr(metric, 'takes_skipped_clips', False)):
            raise InputError(f"{skipped.get(SKIP_REASON)} (on_error='skip' leaves it out, but {type(metric).__name__} "
                             "knows no clip without scores: use EmotionMetric, or set on_error='raise'.)")


def _shortened(lines: list[str]) -> list[str]:
    return lines[:_NAMED] + ([f'  ... and {len(lines) - _NAMED} more'] if len(lines) > _NAMED else [])
