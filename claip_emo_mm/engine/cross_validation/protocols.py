"""Protocols that choose the epoch which a training is evaluated at."""
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.hooks import EarlyStoppingHook

from claip_emo_mm.engine.config import hook_class
from claip_emo_mm.engine.hooks.checkpoint import BestEpochHook
from claip_emo_mm.engine.resume import best_checkpoint, latest_checkpoint
from claip_emo_mm.errors import InputError

MONITOR = 'WAR'
PROTOCOLS = {
    'paper': 'the best epoch by the WAR on the test split itself, as the reference chooses it',
    'clean': 'the last epoch of a training whose length was set beforehand: nothing is chosen on the test split',
}
_HELD_OUT = 'val'  # name of the split that is held out of training, and prefix of its metrics


@dataclass(frozen=True)
class ChosenEpoch:
    """Epoch (from 1) that a protocol evaluates, and the name of its checkpoint in the work folder."""

    epoch: int
    checkpoint: str


def describe_protocols(val_ratio: float = 0., val_seed: int = 0) -> dict[str, str]:
    """Describe each protocol, where `val_ratio` of the training clips is held out."""
    if not val_ratio:
        return dict(PROTOCOLS)
    held_out = f'{100 * val_ratio:g} % of the training clips, held out of training by class with seed {val_seed}'
    return dict(paper=f'{PROTOCOLS["paper"]}; but trained without {held_out}',
                clean=f'the best epoch by the WAR on {held_out}: nothing is chosen on the test split')


def set_protocols(cfg: Config, protocols: Sequence[str], val_ratio: float = 0., val_seed: int = 0) -> None:
    """Configure one training that gives the checkpoints of all protocols.

    `paper` keeps the best checkpoint by the WAR on the validation clips, the test split. `clean` takes the last epoch,
    and early stops end only the choice of `paper`; with `val_ratio` it goes by held-out training clips instead.
    """
    unknown = [name for name in protocols if name not in PROTOCOLS]
    if unknown or not protocols:
        raise InputError(f'protocols: {", ".join(unknown) or "none"} given; expected {" or ".join(PROTOCOLS)}.')
    if not cfg.train_cfg.get('max_epochs'):
        raise InputError(f"{cfg.filename}: train_cfg has no max_epochs: give dict(type='ResumableTrainLoop', "
                         'max_epochs=...), as the protocols choose between epochs.')
    if val_ratio and 'clean' not in protocols:
        raise InputError('A validation split is held out for the protocol `clean`, which is not asked for.')
    hooks = ConfigDict(cfg.get('default_hooks') or {})
    checkpoint = ConfigDict(hooks.get('checkpoint') or dict(type='CheckpointHook', interval=1))
    monitors = [MONITOR] if 'paper' in protocols else []
    if val_ratio:
        monitors.append(f'{_HELD_OUT}/{MONITOR}')
        _hold_out(cfg, val_ratio, val_seed)
    checkpoint.pop('save_best', None)
    if monitors:
        checkpoint.update(save_best=monitors if len(monitors) > 1 else monitors[0], rule='greater')
    hooks['checkpoint'] = checkpoint
    custom = list(cfg.get('custom_hooks') or ())
    if 'clean' in protocols:
        stop = (dict(monitor=monitors[-1]) if val_ratio else dict(type='BestEpochHook') if monitors else None)
        hooks = ConfigDict({name: _with_stop(hook, stop, cfg, f'default_hooks.{name}') for name, hook in hooks.items()})
        custom = [_with_stop(hook, stop, cfg, f'custom_hooks[{index}]') for index, hook in enumerate(custom)]
    cfg.default_hooks, cfg.custom_hooks = hooks, [hook for hook in custom if hook is not None]


def chosen_epochs(work_dir: Path, protocols: Sequence[str], val_ratio: float = 0.) -> dict[str, ChosenEpoch]:
    """Checkpoint of each protocol in the work folder of a finished training; raises InputError where one is missing."""
    found = {}
    for name in protocols:
        if name == 'paper' or val_ratio:
            path = best_checkpoint(work_dir, MONITOR if name == 'paper' else f'{_HELD_OUT}/{MONITOR}')
        else:
            path = latest_checkpoint(work_dir)
        number = re.search(r'epoch_(\d+)\.pth$', '' if path is None else path.name)
        if number is None:
            raise InputError(f'{work_dir}: the training left no checkpoint of an epoch for {name} ({PROTOCOLS[name]}). '
                             'It needs a CheckpointHook by epochs, and for paper a validation.')
        found[name] = ChosenEpoch(int(number[1]), path.name)
    return found


def _hold_out(cfg: Config, ratio: float, seed: int) -> None:
    """Hold training clips out, and evaluate both them and the test split after each epoch."""
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
    options = dict(type='HoldoutSubset', ratio=ratio, seed=seed)
    as_val = {key: val[key] for key in ('pipeline', 'test_mode') if key in val}
    cfg.train_dataloader.dataset = dict(options, dataset=train, held_out=False)
    cfg.val_dataloader.dataset = dict(type='NamedConcatDataset', splits=dict(
        test=val, val=dict(options, dataset=dict(train, **as_val), held_out=True)))
    cfg.val_evaluator = [dict(type='EmotionMetric', split='test'),
                         dict(type='EmotionMetric', split='val', prefix=_HELD_OUT)]


def _with_stop(hook: Any, change: Mapping[str, Any] | None, cfg: Config, place: str) -> Any:
    """Change the keys of an EarlyStoppingHook, or remove it (None); any other hook stays."""
    kind = hook_class(hook, cfg)
    if kind is None or not issubclass(kind, EarlyStoppingHook):
        return hook
    if change is None:
        return None
    if not isinstance(hook, Mapping) or ('type' in change and kind not in (EarlyStoppingHook, BestEpochHook)):
        raise InputError(f'{place}: {kind.__name__} is an early stop of its own kind; `clean` allows none. Use '
                         "dict(type='EarlyStoppingHook', ...), or ask for one protocol at a time.")
    return ConfigDict({**hook, **change})
