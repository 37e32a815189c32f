"""The two ways, by name, in which a training's figure comes about."""
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from claip_emo_mm.engine.resuming import newest_checkpoint
from claip_emo_mm.errors import InputError

MONITOR = 'WAR'
PROTOCOLS = {
    'paper': 'the best epoch by the WAR on the test part itself, as the reference chooses it',
    'clean': 'the last epoch of a training whose length was set beforehand: nothing is chosen on the test part',
}


@dataclass(frozen=True)
class ChosenEpoch:
    """The epoch of a training that a protocol takes its figure from.

    Args:
        epoch: from 1.
        checkpoint: name of its file in the work folder.
    """

    epoch: int
    checkpoint: str


def set_protocols(cfg: Config, protocols: Sequence[str]) -> None:
    """Let one training give the checkpoints of these protocols.

    `paper` keeps the best checkpoint by the validation's WAR. With `clean` no early stop ends the training, as it would
    be the test part that decides how long it is; the choice of `paper` still ends where the training would have.

    Args:
        cfg: config of a training; changed.
        protocols: of PROTOCOLS.
    Raises:
        InputError: a protocol is unknown, or the training is not one by epochs.
    """
    unknown = [name for name in protocols if name not in PROTOCOLS]
    if unknown or not protocols:
        raise InputError(f'protocols: {", ".join(unknown) or "none"} given; expected {" or ".join(PROTOCOLS)}.')
    if not cfg.train_cfg.get('max_epochs'):
        raise InputError(f'{cfg.filename}: train_cfg has no max_epochs. The protocols choose between epochs: give '
                         "train_cfg=dict(type='ResumableTrainLoop', max_epochs=...).")
    hooks = dict(cfg.get('default_hooks') or {})
    checkpoint = dict(hooks.get('checkpoint') or dict(type='CheckpointHook', interval=1))
    if 'paper' in protocols:
        checkpoint.update(save_best=MONITOR, rule='greater')
    else:
        checkpoint.pop('save_best', None)
    hooks['checkpoint'] = checkpoint
    custom = list(cfg.get('custom_hooks') or ())
    if 'clean' in protocols:
        hooks = {name: _unstopped(hook, protocols) for name, hook in hooks.items()}
        custom = [hook for hook in (_unstopped(hook, protocols) for hook in custom) if hook is not None]
    cfg.default_hooks, cfg.custom_hooks = hooks, custom


def chosen_epochs(work_dir: Path, protocols: Sequence[str]) -> dict[str, ChosenEpoch]:
    """Find the checkpoint of each protocol in the work folder of a training that has ended.

    Raises:
        InputError: one is not there.
    """
    last = newest_checkpoint(work_dir)
    found = dict(paper=sorted(_epochs(work_dir.glob(f'best_{MONITOR}_epoch_*.pth'))),
                 clean=sorted(_epochs([last] if last else [])))
    missing = [name for name in protocols if not found[name]]
    if missing:
        raise InputError(f'{work_dir}: the training left no checkpoint of an epoch for {", ".join(missing)} '
                         f'({PROTOCOLS[missing[0]]}). It needs a CheckpointHook by epochs, and for paper a validation.')
    return {name: ChosenEpoch(*found[name][-1]) for name in protocols}


def _unstopped(hook: Mapping[str, Any] | None, protocols: Sequence[str]) -> Mapping[str, Any] | None:
    if not isinstance(hook, Mapping) or hook.get('type') != 'EarlyStoppingHook':
        return hook
    return dict(hook, type='BestEpochHook') if 'paper' in protocols else None


def _epochs(paths: Iterator[Path] | Sequence[Path]) -> Iterator[tuple[int, str]]:
    for path in paths:
        number = re.search(r'epoch_(\d+)\.pth$', path.name)
        if number:
            yield int(number[1]), path.name
