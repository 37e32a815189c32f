"""Cross-validation."""
import difflib
import fcntl
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import check_groups, find_dataset, require_lists
from claip_emo_mm.engine.cross_validation.protocols import MONITOR, ChosenEpoch, chosen_epochs, set_protocols
from claip_emo_mm.engine.cross_validation.subprocess_runner import ToolError, run_tool
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_text

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
        val_ratio: of the training clips that is held out of training.
        inherited: file descriptors that the command lines keep open.
    """

    fold: int
    work_dir: Path
    config: Path
    tools: Path
    gpus: int
    protocols: Sequence[str]
    val_ratio: float = 0.
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
            chosen = chosen_epochs(self.work_dir, self.protocols, self.val_ratio)
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


CONFIG_FILE = 'config.py'
_LOCK_FILE = 'lock'
_METRIC = 'EmotionMetric'
_SHOWN_LINES = 6


@dataclass(frozen=True)
class CrossValidation:
    """What is to be done, and where.

    Args:
        source: the config file that a user gave.
        options: what `--cfg-options` changes in it.
        folds: numbers of the folds.
        protocols: names of the protocols.
        work_dir: folder of everything; each fold has one of its own in it.
        tools: folder of the command lines.
        gpus: processes that train and test.
        val_ratio: of the training clips that is held out for the protocol `clean`; 0 for none.
        val_seed: decides which.
    """

    source: str
    options: Mapping[str, object]
    folds: Sequence[int]
    protocols: Sequence[str]
    work_dir: Path
    tools: Path
    gpus: int
    val_ratio: float = 0.
    val_seed: int = 0

    @property
    def config(self) -> Path:
        """The config as all folds have it."""
        return self.work_dir / CONFIG_FILE

    def config_hash(self) -> str:
        """SHA-256 of the config of all folds."""
        return hashlib.sha256(self.config.read_bytes()).hexdigest()

    def prepare(self) -> None:
        """Check the config and the lists of every fold, and put the config into the work folder.

        Raises:
            InputError: the config is not one that can be cross-validated, lists are missing, or the folder holds a
                cross-validation of another config.
        """
        if 'fold' in self.options:
            raise InputError(f'--cfg-options fold={self.options["fold"]}: --folds says which folds.')
        for fold in self.folds:
            cfg = load_config(self.source, {**self.options, 'fold': fold})
            check_groups(cfg, 'train', 'val', 'test')
            require_lists(cfg, 'train', 'val', 'test')
            self._check_parts(cfg, fold)
        cfg = load_config(self.source, self.options)
        for name in ('val_evaluator', 'test_evaluator'):
            _check_evaluator(cfg, name)
        set_protocols(cfg, self.protocols, self.val_ratio, self.val_seed)
        cfg.randomness = {**(cfg.get('randomness') or {})}
        if cfg.randomness.get('seed') is None:
            cfg.randomness.seed = 0  # every fold would draw one of its own, and another when it is resumed
        cfg.pop('work_dir', None)
        self.work_dir.mkdir(parents=True, exist_ok=True)
        text = cfg.pretty_text
        if self.config.is_file():
            _check_same(self.config, text)
        else:
            self._refuse_other_trainings()
            write_text(self.config, text)

    def run(self, on_progress: Callable[[int, str], None]) -> dict[int, str]:
        """Do what is still missing of each fold.

        Args:
            on_progress: is told a fold's number, and how far it is.
        Returns: the folds that failed, each with the reason.
        Raises:
            InputError: something else works in the folder.
        """
        failed = {}
        with (self.work_dir / _LOCK_FILE).open('a') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(f'{self.work_dir}: another cross-validation, or a training that it left behind when '
                                 'it was killed, works in this folder. Wait for it, or end it.') from error
            for run in self.fold_runs((lock.fileno(),)):
                if run.finished:
                    continue
                try:
                    run.run(lambda how_far, fold=run.fold: on_progress(fold, how_far))
                except (ToolError, InputError) as error:
                    failed[run.fold] = str(error)
        return failed

    def fold_runs(self, inherited: Sequence[int] = ()) -> list[FoldRun]:
        """The folds' runs, in order."""
        return [FoldRun(fold, self.work_dir / f'fold{fold}', self.config, self.tools, self.gpus, self.protocols,
                        self.val_ratio, inherited) for fold in self.folds]

    def clips_trained(self, fold: int) -> int | None:
        """Number of clips that a fold is trained on; None where the data set is not one of ours."""
        cfg = load_config(self.config, {'fold': fold})
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
            return None if find_dataset(cfg, 'train') is None else len(DATASETS.build(cfg.train_dataloader.dataset))

    def _refuse_other_trainings(self) -> None:
        """Refuse folders of folds with checkpoints of a training that is not of this cross-validation."""
        for run in self.fold_runs():
            if (run.work_dir / 'last_checkpoint').exists():
                raise InputError(f'{run.work_dir}: holds checkpoints of another training, which would be resumed, and '
                                 f'no {self.config} says of which config. Choose another folder with --work-dir, or '
                                 'delete this one.')

    def _check_parts(self, cfg: Config, fold: int) -> None:
        """Refuse `paper` where the validation reads another list than the test."""
        if 'paper' not in self.protocols:
            return
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
            found = [find_dataset(cfg, split) for split in ('val', 'test')]
            if None in found:
                return
            val, test = (DATASETS.build(dict(dataset, pipeline=[], lazy_init=True)).ann_file for dataset in found)
        if val != test:
            raise InputError(f'{self.source}: fold {fold} is validated on {val} and tested on {test}. The protocol '
                             '`paper` chooses the epoch on the test split: validate on it, or use --protocols clean.')


def _check_evaluator(cfg: Config, name: str) -> None:
    metrics = cfg[name] if isinstance(cfg[name], list | tuple) else [cfg[name]]
    if not any(metric.get('type') == _METRIC and not metric.get('prefix') for metric in metrics):
        found = ', '.join(str(metric.get('type')) for metric in metrics)
        raise InputError(f'{cfg.filename}: {name} has {found}; expected {_METRIC}, without a prefix, which gives '
                         f"{MONITOR} and the scores of each clip. Set {name}=dict(_delete_=True, type='{_METRIC}').")


def _check_same(path: Path, text: str) -> None:
    before = path.read_text(encoding='utf-8')
    if before == text:
        return
    changed = [line.rstrip() for line in difflib.ndiff(before.splitlines(), text.splitlines())
               if line[:2] in ('- ', '+ ')]
    shown = '\n'.join(f'  {line}' for line in changed[:_SHOWN_LINES])
    more = f'\n  ... and {len(changed) - _SHOWN_LINES} lines more' if len(changed) > _SHOWN_LINES else ''
    raise InputError(f'{path}: the folds in this folder belong to another config or other protocols (-: then, +: '
                     f'now):\n{shown}{more}\nGo on with the same config and options, or choose another folder with '
                     '--work-dir.')
