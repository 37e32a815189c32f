"""Trains and tests one fold, or what is still missing of it."""
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claip_emo_mm.atomic_text import write_text
from claip_emo_mm.engine.protocols import ChosenEpoch, chosen_epochs
from claip_emo_mm.engine.tool_process import run_tool

SCORES_FILE = 'test_scores.csv'  # written by tools/test.py
_TESTED = 'test_metrics.json'  # written by it last
_OUTPUT = 'output.txt'
_TRAINED, _RESULT = 'trained.json', 'result.json'


@dataclass(frozen=True)
class FoldRun:
    """A fold of a cross-validation, in a folder of its own.

    `trained.json` stands for a training that has ended, `result.json` for all of it.

    Args:
        fold: its number.
        work_dir: folder of the fold.
        config: config file of all folds.
        tools: folder of the command lines.
        gpus: processes that train and test.
        protocols: whose epochs are tested.
        val_share: of the training clips that is held out of training.
        inherited: file descriptors that the command lines keep open.
    """

    fold: int
    work_dir: Path
    config: Path
    tools: Path
    gpus: int
    protocols: Sequence[str]
    val_share: float = 0.
    inherited: Sequence[int] = ()

    @property
    def finished(self) -> bool:
        """Whether all of it has been done."""
        return (self.work_dir / _RESULT).is_file()

    def epochs(self) -> dict[str, ChosenEpoch]:
        """The chosen epoch of each protocol, once the training has ended."""
        chosen = json.loads((self.work_dir / _TRAINED).read_text(encoding='utf-8'))
        return {protocol: ChosenEpoch(**chosen[protocol]) for protocol in self.protocols}

    def scores_file(self, epoch: int) -> Path:
        """Where the scores of the fold's clips by an epoch's checkpoint lie."""
        return self._test_dir(epoch) / SCORES_FILE

    def run(self, on_progress: Callable[[str], None]) -> None:
        """Train, choose the epochs, and test each of them once.

        Raises:
            ToolError: a command line did not end well.
            InputError: the training left no checkpoint to choose.
        """
        self.work_dir.mkdir(parents=True, exist_ok=True)
        if not (self.work_dir / _TRAINED).is_file():
            self._run('train', [], self.work_dir, ['--resume'], on_progress)
            chosen = chosen_epochs(self.work_dir, self.protocols, self.val_share)
            self._write(_TRAINED, {protocol: vars(epoch) for protocol, epoch in chosen.items()})
        chosen = self.epochs()
        for epoch, checkpoint in {epoch.epoch: epoch.checkpoint for epoch in chosen.values()}.items():
            if not (self._test_dir(epoch) / _TESTED).is_file():
                self._run('test', [str(self.work_dir / checkpoint)], self._test_dir(epoch), [], on_progress)
        self._write(_RESULT, dict(fold=self.fold, tested=sorted({epoch.epoch for epoch in chosen.values()})))

    def _run(self, name: str, arguments: list[str], work_dir: Path, options: list[str],
             on_progress: Callable[[str], None]) -> None:
        if self.gpus > 1:
            program = ['bash', str(self.tools / f'dist_{name}.sh'), str(self.config), *arguments, str(self.gpus)]
        else:
            program = [sys.executable, str(self.tools / f'{name}.py'), str(self.config), *arguments]
        run_tool([*program, '--work-dir', str(work_dir), *options, '--cfg-options', f'fold={self.fold}'],
                 self.work_dir / _OUTPUT, self.inherited, lambda how_far: on_progress(f'{name} {how_far}'.strip()))

    def _test_dir(self, epoch: int) -> Path:
        return self.work_dir / f'test_epoch_{epoch}'

    def _write(self, name: str, content: dict[str, Any]) -> None:
        write_text(self.work_dir / name, json.dumps(content, indent=2, allow_nan=False) + '\n')
