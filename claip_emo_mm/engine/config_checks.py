"""Checks of config keys and data sets before a run."""
import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from claip_emo_mm.datasets.audio_visual import AudioVisualDataset
from claip_emo_mm.errors import InputError


def require_lists(cfg: Config, *splits: str) -> None:
    """Check that the lists of a config's data sets are there; data sets that are not ours are passed over.

    Args:
        cfg: config of a run.
        splits: ``'train'``, ``'val'``, ``'test'``.
    Raises:
        InputError: a list is not there; the message names the commands that make it.
    """
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
        for split in splits:
            dataset = find_dataset(cfg, split)
            if dataset is not None:
                DATASETS.build(dict(dataset, pipeline=[], lazy_init=True)).require_list()


def find_dataset(cfg: Config, split: str) -> dict[str, Any] | None:
    """Return the config of the `AudioVisualDataset` that a data loader reads, the first one where others wrap several.

    Args:
        cfg: config of a run.
        split: ``'train'``, ``'val'`` or ``'test'``.
    Returns: a new dict; None where there is no such data set.
    """
    dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
    while isinstance(dataset, Mapping) and (inner := inner_datasets(dataset)):
        dataset = inner[0]
    cls = DATASETS.get(dataset['type']) if isinstance(dataset, Mapping) else None
    return dict(dataset) if isinstance(cls, type) and issubclass(cls, AudioVisualDataset) else None


def inner_datasets(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the configs of the data sets that another one wraps, MMEngine's or ours; empty for one that wraps none."""
    found = [dataset.get('dataset')] if 'dataset' in dataset else dataset.get('datasets') or dataset.get('splits') or ()
    return [inner for inner in (found.values() if isinstance(found, Mapping) else found) if isinstance(inner, Mapping)]


# Read by the runner from the config as a whole, not through its constructor.
_READ_FROM_CONFIG = ('activation_checkpointing', 'compile', 'custom_imports', 'efficient_conv_bn_eval',
                     'find_unused_parameters', 'model_wrapper_cfg', 'runner_type', 'strategy', 'sync_bn')
RUNNER_KEYS = tuple(key for key in inspect.signature(Runner.__init__).parameters
                    if key not in ('self', 'cfg')) + _READ_FROM_CONFIG

# Nearer than this (difflib's ratio) is a slip. No variable in the 248 configs of MMAction2 1.2.0 is this near to a key.
_SLIP = 0.81

# Helper variables that reach every data loader under their own name: `--cfg-options` may change them.
LOADER_KEYS = ('fold',)
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

# Keys of the runner that one kind of it does not read.
_PLAIN_RUNNER_ALONE = ('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters',
                       'model_wrapper_cfg', 'sync_bn')
_FLEXIBLE_RUNNER_ALONE = ('strategy',)

_GROUPS = {
    'train': ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    'val': ('val_dataloader', 'val_cfg', 'val_evaluator'),
    'test': ('test_dataloader', 'test_cfg', 'test_evaluator'),
}


def check_top_level(cfg: Config) -> None:
    """Refuse a key that is nearly, but not quite, one that the runner reads.

    Any other unknown key is a helper variable of the config, which MMEngine allows.

    Raises:
        InputError: with the key and the right one; or `model` is missing.
    """
    for key in cfg:
        near = [] if key in RUNNER_KEYS else difflib.get_close_matches(key, RUNNER_KEYS, n=1, cutoff=_SLIP)
        if near:
            raise InputError(f'{cfg.filename}: {key!r} is not a key that the runner reads, and would be ignored; '
                             f'did you mean {near[0]!r}? (A helper variable needs a name that is less like it.)')
    if cfg.get('model') is None:
        raise InputError(f'{cfg.filename}: the config has no model; expected model=dict(type=...) in it or a _base_.')


def check_groups(cfg: Config, *needed: str) -> None:
    """Refuse a config in which the keys for training ('train'), validating ('val') or testing ('test') are incomplete.

    Args:
        needed: groups that must be there; the others may be missing, but then as a whole.
    """
    for name, keys in _GROUPS.items():
        absent = [key for key in keys if cfg.get(key) is None]
        if absent and (name in needed or len(absent) < len(keys)):
            raise InputError(f'{cfg.filename}: {", ".join(absent)} {"is" if len(absent) == 1 else "are"} missing; '
                             f'{", ".join(keys)} are needed together.')


def check_option_paths(cfg: Config, options: dict[str, object]) -> None:
    """Refuse `--cfg-options` without effect: those that do not begin with a key that the runner reads.

    A helper variable of the config was put where it is used when the config was read; changing it then changes nothing.
    `set_loader_keys` sees to those that are in LOADER_KEYS.
    """
    for path in options:
        first = path.split('.')[0]
        if first in RUNNER_KEYS or path in LOADER_KEYS:
            continue
        if first in cfg:
            places = list(_places({key: cfg[key] for key in cfg if key in RUNNER_KEYS}, first, cfg[first]))
            where = f': {", ".join(places)}' if places else ''
            raise InputError(f'--cfg-options {path}: {first!r} is a helper variable of {cfg.filename}; changing it '
                             f'after the config was read has no effect. Set it where it is used{where}.')
        near = difflib.get_close_matches(first, RUNNER_KEYS, n=1)
        hint = f'; did you mean {near[0]!r}?' if near else '.'
        raise InputError(f'--cfg-options {path}: {cfg.filename} has no {first!r}{hint}')


def check_effects(cfg: Config, options: Mapping[str, object]) -> None:
    """Refuse keys that the runner reads in general, but not in this config.

    Args:
        cfg: config with the options in it.
        options: those of `--cfg-options`.
    Raises:
        InputError: `data_preprocessor` at the top is another than the model's own, which is used in its place; or an
            option would have no effect.
    """
    own = cfg.model.get('data_preprocessor')
    if own is not None and cfg.get('data_preprocessor') is not None and cfg.data_preprocessor != own:
        named = [path for path in options if path.split('.')[0] == 'data_preprocessor']
        where = f'--cfg-options {" ".join(named)}' if named else f'{cfg.filename}: data_preprocessor at the top'
        raise InputError(f'{where}: has no effect, as the model has a data_preprocessor of its own; set '
                         f'{", ".join(f"model.{path}" for path in named) or "model.data_preprocessor"}.')
    flexible = cfg.get('runner_type') == 'FlexibleRunner'
    for path in options:
        first = path.split('.')[0]
        reason = None
        if first == 'launcher':
            reason = '--launcher says what started the processes'
        elif first == 'custom_imports':
            reason = 'the config was read, and imported what it names, before; set it in the config file'
        elif first in _FLEXIBLE_RUNNER_ALONE and not flexible:
            reason = "only runner_type='FlexibleRunner' reads it"
        elif first in _PLAIN_RUNNER_ALONE and flexible:
            reason = "runner_type='FlexibleRunner' does not read it; look at its `strategy`"
        if reason is not None:
            raise InputError(f'--cfg-options {path}: has no effect: {reason}.')


def refuse_options(options: Mapping[str, object] | None, *first: str, reason: str) -> None:
    """Refuse options that a command line overrules.

    Args:
        options: those of `--cfg-options`.
        first: keys at the top of the config.
        reason: what overrules them.
    Raises:
        InputError: one of them is given.
    """
    for path in options or ():
        if any(path == key or path.startswith(f'{key}.') for key in first):
            raise InputError(f'--cfg-options {path}: has no effect: {reason}.')


def set_loader_keys(cfg: Config, options: Mapping[str, object]) -> None:
    """Put the LOADER_KEYS among the options wherever the data loaders have a key of that name.

    Raises:
        InputError: no loader has such a key; or the config's own value of it is not what its loaders have.
    """
    for name in LOADER_KEYS:
        splits = {f'{path}.{name}': split for loader in _LOADERS for path, split in _parts(cfg.get(loader), loader)
                 if name in split}
        if name in options:
            if not splits:
                raise InputError(f'--cfg-options {name}={options[name]}: no data loader of {cfg.filename} has a '
                                 f'{name!r}: its data set is not one that comes in folds.')
            for split in splits.values():
                split[name] = options[name]
        elif name in cfg and any(split[name] != cfg[name] for split in splits.values()):
            found = ', '.join(f'{path}={split[name]}' for path, split in splits.items())
            raise InputError(f'{cfg.filename}: {name}={cfg[name]}, but {found}. A _base_ has put its own {name} into '
                             f'the loaders. Give --cfg-options {name}={cfg[name]}, or set it in all of these places.')


def _parts(split: Any, path: str) -> Iterator[tuple[str, dict]]:
    """Every dict in a split of a config with its path."""
    if isinstance(split, dict):
        yield path, split
    items = split.items() if isinstance(split, dict) else enumerate(split) if isinstance(split, list | tuple) else ()
    for key, inner in items:
        yield from _parts(inner, f'{path}.{key}')


def _places(split: Any, name: str, value: Any, path: str = '') -> Iterator[str]:
    """Paths in a config of keys with that name, or with that value where it is a dict or a list."""
    items = split.items() if isinstance(split, dict) else enumerate(split) if isinstance(split, list | tuple) else ()
    for key, inner in items:
        place = f'{path}.{key}' if path else str(key)
        if key == name or (isinstance(value, dict | list) and inner == value):
            yield place
        else:
            yield from _places(inner, name, value, place)
