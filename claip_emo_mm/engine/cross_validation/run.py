"""Cross-validation: training and testing every fold with the command-line tools."""
import difflib
import fcntl
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmaction.registry import DATASETS
from mmengine.config import Config

from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import build_lazily, check_groups, default_scope, find_dataset, require_lists
from claip_emo_mm.engine.cross_validation.protocols import MONITOR, ChosenEpoch, chosen_epochs, set_protocols
from claip_emo_mm.engine.cross_validation.subprocess_runner import run_tool
from claip_emo_mm.engine.feature_cache import KEY, extract_features
from claip_emo_mm.engine.schedule import adapt_schedule
from claip_emo_mm.errors import InputError, listing
from claip_emo_mm.utils.io import write_json, write_text

_TRAINED, _RESULT = 'trained.json', 'result.json'
_METRIC = 'EmotionMetric'


@dataclass(frozen=True)
class CrossValidation:
    """A cross-validation in a work folder; `val_ratio` is for the protocol `clean`.

    In the subfolder of a fold, `trained.json` marks a finished training, `result.json` a finished fold.
    """

    source: str  # the config file that the user gave
    options: Mapping[str, object]  # --cfg-options
    folds: Sequence[int]
    protocols: Sequence[str]
    work_dir: Path
    tools: Path  # folder of the command-line tools
    gpus: int
    val_ratio: float = 0.
    val_seed: int = 0

    @property
    def config(self) -> Path:
        """Config file of all folds."""
        return self.work_dir / 'config.py'

    def fold_dir(self, fold: int) -> Path:
        """Subfolder of a fold."""
        return self.work_dir / f'fold{fold}'

    def finished_folds(self) -> list[int]:
        """Folds whose training and tests are done."""
        return [fold for fold in self.folds if (self.fold_dir(fold) / _RESULT).is_file()]

    def epochs(self, fold: int) -> dict[str, ChosenEpoch]:
        """Chosen epoch of each protocol, once the training of the fold has ended."""
        chosen = json.loads((self.fold_dir(fold) / _TRAINED).read_text(encoding='utf-8'))
        return {protocol: ChosenEpoch(**chosen[protocol]) for protocol in self.protocols}

    def scores_file(self, fold: int, epoch: int) -> Path:
        """File with the scores of the test clips of a fold at an epoch, written by tools/test.py."""
        return self._test_dir(fold, epoch) / 'test_scores.csv'

    def prepare(self) -> None:
        """Check the config and the lists of every fold, and write the config into the work folder."""
        if 'fold' in self.options:
            raise InputError(f'--cfg-options fold={self.options["fold"]}: --folds says which folds.')
        for fold in self.folds:
            cfg = load_config(self.source, {**self.options, 'fold': fold})
            check_groups(cfg, 'train', 'val', 'test')
            require_lists(cfg, 'train', 'val', 'test')
            if 'paper' in self.protocols:
                self._check_splits(cfg, fold)
        cfg = load_config(self.source, self.options)
        adapt_schedule(cfg, self.options)
        for name in ('val_evaluator', 'test_evaluator'):
            _check_evaluator(cfg, name)
        set_protocols(cfg, self.protocols, self.val_ratio, self.val_seed)
        cfg.randomness = {**(cfg.get('randomness') or {})}
        if cfg.randomness.get('seed') is None:
            cfg.randomness.seed = 0  # a random one would differ between folds, and in a resumed fold
        cfg.pop('work_dir', None)
        text = cfg.pretty_text
        if self.config.is_file():
            before = self.config.read_text(encoding='utf-8').splitlines()
            changed = [line.rstrip() for line in difflib.ndiff(before, text.splitlines()) if line[:2] in ('- ', '+ ')]
            if changed:
                raise InputError(f'{self.config}: the folds in this folder belong to another config or other protocols '
                                 f'(-: then, +: now):{listing(changed, most=6)}\nUse the same config and options, or '
                                 'another folder (--work-dir).')
            return
        for folder in map(self.fold_dir, self.folds):
            if (folder / 'last_checkpoint').exists():
                raise InputError(f'{folder}: holds checkpoints of another training, which would be resumed. '
                                 'Choose another folder with --work-dir, or delete this one.')
        write_text(self.config, text)

    def extract_features(self, report: Callable[[str], None]) -> None:
        """Extract the features of all unfinished folds at once, where the config trains from a feature cache."""
        finished = self.finished_folds()
        for fold in self.folds:
            cfg = load_config(self.config, {'fold': fold})
            if fold not in finished and cfg.get(KEY):
                extract_features(cfg, lambda text, fold=fold: report(f'fold {fold}: {text}'))

    def run(self, on_progress: Callable[[int, str], None]) -> dict[int, str]:
        """Run the unfinished folds; returns the folds that failed, each with the reason."""
        failed = {}
        with (self.work_dir / 'lock').open('a') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(f'{self.work_dir}: another cross-validation, or a training that it left behind, works '
                                 'in this folder. Wait for it, or end it.') from error
            finished = self.finished_folds()
            for fold in self.folds:
                if fold in finished:
                    continue
                try:
                    self._run_fold(fold, lock.fileno(), partial(on_progress, fold))
                except InputError as error:
                    failed[fold] = str(error)
        return failed

    def clips_trained(self, fold: int) -> int | None:
        """Number of training clips of a fold; None where the data set is not one of ours."""
        cfg = load_config(self.config, {'fold': fold})
        with default_scope(cfg):
            return None if find_dataset(cfg, 'train') is None else len(DATASETS.build(cfg.train_dataloader.dataset))

    def _run_fold(self, fold: int, lock: int, on_progress: Callable[[str], None]) -> None:
        """Train, choose the epochs, and test each of them once; raises InputError where one fails."""
        folder = self.fold_dir(fold)
        folder.mkdir(parents=True, exist_ok=True)

        def run(name: str, arguments: list[str], work_dir: Path, options: list[str]) -> None:
            if self.gpus > 1:
                program = ['bash', str(self.tools / f'dist_{name}.sh'), str(self.config), *arguments, str(self.gpus)]
            else:
                program = [sys.executable, str(self.tools / f'{name}.py'), str(self.config), *arguments]
            run_tool([*program, '--work-dir', str(work_dir), *options, '--cfg-options', f'fold={fold}'],
                     folder / 'output.txt', [lock], lambda progress: on_progress(f'{name} {progress}'.strip()))

        if not (folder / _TRAINED).is_file():
            run('train', [], folder, ['--resume'])
            chosen = chosen_epochs(folder, self.protocols, self.val_ratio)
            write_json(folder / _TRAINED, {protocol: vars(epoch) for protocol, epoch in chosen.items()})
        checkpoints = {epoch.epoch: epoch.checkpoint for epoch in self.epochs(fold).values()}
        for epoch, checkpoint in checkpoints.items():
            test_dir = self._test_dir(fold, epoch)
            if not (test_dir / 'test_metrics.json').is_file():  # the last file that tools/test.py writes
                run('test', [str(folder / checkpoint)], test_dir, [])
        write_json(folder / _RESULT, dict(fold=fold, tested=sorted(checkpoints)))

    def _test_dir(self, fold: int, epoch: int) -> Path:
        return self.fold_dir(fold) / f'test_epoch_{epoch}'

    def _check_splits(self, cfg: Config, fold: int) -> None:
        """Refuse a validation that does not read the list of the test."""
        with default_scope(cfg):
            datasets = [find_dataset(cfg, split) for split in ('val', 'test')]
            if None in datasets:
                return
            val, test = (build_lazily(dataset).ann_file for dataset in datasets)
        if val != test:
            raise InputError(f'{self.source}: fold {fold} is validated on {val} and tested on {test}. The protocol '
                             '`paper` chooses the epoch on the test split: validate on it, or use --protocols clean.')


def _check_evaluator(cfg: Config, name: str) -> None:
    metrics = cfg[name] if isinstance(cfg[name], list | tuple) else [cfg[name]]
    if not any(metric.get('type') == _METRIC and not metric.get('prefix') for metric in metrics):
        found = ', '.join(str(metric.get('type')) for metric in metrics)
        raise InputError(f'{cfg.filename}: {name} has {found}; expected {_METRIC}, without a prefix, which gives '
                         f"{MONITOR} and the scores of each clip. Set {name}=dict(_delete_=True, type='{_METRIC}').")
