"""Checks of config keys and data sets before a run."""
import difflib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError

# Keys that the runner reads from the whole config, not through its constructor: with either runner, with MMEngine's
# Runner only, with FlexibleRunner only.
_RUNNER_ONLY = ('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters',
                'model_wrapper_cfg', 'sync_bn')
_FLEXIBLE_RUNNER_ONLY = ('strategy',)
RUNNER_KEYS = (*(key for key in inspect.signature(Runner.__init__).parameters if key not in ('self', 'cfg')),
               'custom_imports', 'feature_cache', 'runner_type', *_RUNNER_ONLY, *_FLEXIBLE_RUNNER_ONLY)

# A key more similar than this (difflib's ratio) is a typo. No variable in the 248 configs of MMAction2 1.2.0 is.
_TYPO_RATIO = 0.81
# Options of a model that are faster and change its scores, and their values without that.
EXACT_OPTIONS = {'model.precision': 'fp32', 'model.visual_backbone.merged_tokens': 0,
                 'model.visual_backbone.int8': False, 'model.data_preprocessor.frame_tolerance': 0}
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def default_scope(cfg: Mapping[str, Any]) -> AbstractContextManager:
    """Context in which registries are searched as the config says."""
    return DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction')


def inexact_options(cfg: Config) -> dict[str, Any]:
    """Options of `EXACT_OPTIONS` that a config has with other values."""
    found = {}
    for path, exact in EXACT_OPTIONS.items():
        *place, option = path.split('.')[1:]
        owner = (cfg.model.get(place[0]) if place else cfg.model) or {}
        if (owner.get(option) or exact) != exact:
            found[path] = owner[option]
    return found


def walk_config(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted path and value of everything in a config, from the outside in."""
    yield path, value
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, inner in items:
        yield from walk_config(inner, f'{path}.{key}' if path else str(key))


def type_name(kind: Any) -> str | None:
    """Name of a `type` (class, or text with scope or module) alone; None for anything else."""
    kind = getattr(kind, '__name__', kind)
    return kind.rpartition('.')[2] if isinstance(kind, str) else None


def accepted_options(component: Any, method: str = '__init__') -> dict[str, inspect.Parameter]:
    """Parameters of a function, or of a constructor and of the parents that it passes options on to; empty for None."""
    if not inspect.isclass(component):
        return dict(inspect.signature(component).parameters) if callable(component) else {}
    options: dict[str, inspect.Parameter] = {}
    for parent in inspect.getmro(component):
        parameters = inspect.signature(getattr(parent, method)).parameters
        options = {**parameters, **options}
        if not any(option.kind is option.VAR_KEYWORD for option in parameters.values()):
            break
    return {name: option for name, option in options.items()
            if option.kind in (option.POSITIONAL_OR_KEYWORD, option.KEYWORD_ONLY) and name != 'self'}


def require_lists(cfg: Config, *splits: str) -> None:
    """Raise InputError where an annotation file of our data sets is missing, with the commands that make it."""
    with default_scope(cfg):
        for split in splits:
            dataset = find_dataset(cfg, split)
            if dataset is not None:
                build_lazily(dataset).require_list()


def find_dataset(cfg: Config, split: str) -> dict[str, Any] | None:
    """Config of the (first) `AudioVisualDataset` that the data loader of a split reads; None where there is none."""
    dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
    while isinstance(dataset, Mapping) and (inner := inner_datasets(dataset)):
        dataset = inner[0]
    cls = DATASETS.get(dataset['type']) if isinstance(dataset, Mapping) else None
    return dict(dataset) if hasattr(cls, 'require_list') else None


def build_lazily(dataset: Mapping[str, Any]) -> BaseDataset:
    """Build a data set without its pipeline and without reading its list."""
    return DATASETS.build(dict(dataset, pipeline=[], lazy_init=True))


def inner_datasets(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Configs of the data sets that another one wraps; empty for one that wraps none."""
    found = [dataset.get('dataset')] if 'dataset' in dataset else dataset.get('datasets') or dataset.get('splits') or ()
    return [inner for inner in (found.values() if isinstance(found, Mapping) else found) if isinstance(inner, Mapping)]


def check_top_level(cfg: Config) -> None:
    """Refuse a missing model and misspelt top-level keys; other unknown keys are helper variables, as in MMEngine."""
    for key in cfg:
        near = [] if key in RUNNER_KEYS else difflib.get_close_matches(key, RUNNER_KEYS, n=1, cutoff=_TYPO_RATIO)
        if near:
            raise InputError(f'{cfg.filename}: {key!r} is not a key that the runner reads, and would be ignored; '
                             f'did you mean {near[0]!r}? (A helper variable needs a name that is less like it.)')
    if cfg.get('model') is None:
        raise InputError(f'{cfg.filename}: the config has no model; expected model=dict(type=...) in it or a _base_.')


def check_groups(cfg: Config, *needed: str) -> None:
    """Refuse a config in which the keys of a loop ('train', 'val', 'test') are incomplete, or those needed missing."""
    for name in ('train', 'val', 'test'):
        keys = (f'{name}_dataloader', f'{name}_cfg', 'optim_wrapper' if name == 'train' else f'{name}_evaluator')
        absent = [key for key in keys if cfg.get(key) is None]
        if absent and (name in needed or len(absent) < len(keys)):
            raise InputError(f'{cfg.filename}: {", ".join(absent)} {"is" if len(absent) == 1 else "are"} missing; '
                             f'{", ".join(keys)} are needed together.')


def check_option_paths(cfg: Config, options: Mapping[str, object]) -> None:
    """Refuse `--cfg-options` that set unknown keys or helper variables, which were used when the config was read."""
    for path in options:
        first = path.split('.')[0]
        if first in RUNNER_KEYS or path == 'fold':
            continue
        if first in cfg:
            used = [place for key in cfg if key in RUNNER_KEYS for place, value in walk_config(cfg[key], key)
                    if place.rpartition('.')[2] == first or isinstance(value, dict | list) and value == cfg[first]]
            where = f': {", ".join(used)}' if used else ''
            raise InputError(f'--cfg-options {path}: {first!r} is a helper variable of {cfg.filename}; changing it '
                             f'after the config was read has no effect. Set it where it is used{where}.')
        near = difflib.get_close_matches(first, RUNNER_KEYS, n=1)
        hint = f'; did you mean {near[0]!r}?' if near else '.'
        raise InputError(f'--cfg-options {path}: {cfg.filename} has no {first!r}{hint}')


def check_effects(cfg: Config, options: Mapping[str, object]) -> None:
    """Refuse options, and a top-level `data_preprocessor`, that the runner does not read in this config."""
    own = cfg.model.get('data_preprocessor')
    if own is not None and cfg.get('data_preprocessor') is not None and cfg.data_preprocessor != own:
        named = [path for path in options if path.split('.')[0] == 'data_preprocessor']
        where = f'--cfg-options {" ".join(named)}' if named else f'{cfg.filename}: data_preprocessor at the top'
        raise InputError(f'{where}: has no effect, as the model has a data_preprocessor of its own; set '
                         f'{", ".join(f"model.{path}" for path in named) or "model.data_preprocessor"}.')
    refuse_options(options, 'launcher', reason='--launcher says what started the processes')
    refuse_options(options, 'custom_imports', reason='the config was read before; set it in the config file')
    if cfg.get('runner_type') == 'FlexibleRunner':
        refuse_options(options, *_RUNNER_ONLY, reason="runner_type='FlexibleRunner' does not read it but `strategy`")
    else:
        refuse_options(options, *_FLEXIBLE_RUNNER_ONLY, reason="only runner_type='FlexibleRunner' reads it")


def refuse_options(options: Mapping[str, object] | None, *keys: str, reason: str) -> None:
    """Refuse `--cfg-options` at or below some keys, which are without effect for a reason."""
    for path in options or ():
        if any(path == key or path.startswith(f'{key}.') for key in keys):
            raise InputError(f'--cfg-options {path}: has no effect: {reason}.')


def merge_options(cfg: Config, options: Mapping[str, Any], source: str) -> None:
    """Apply `--cfg-options`; raises InputError where one has no place in the config."""
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, AttributeError) as error:
        reason = error.args[0] if error.args else error
        raise InputError(f'--cfg-options {" ".join(options)}: {reason} ({source}).') from error


def set_fold(cfg: Config, options: Mapping[str, object]) -> None:
    """Set the fold of the options wherever a data loader has one; refuse folds that differ, and one that none has."""
    having = {f'{path}.fold': inner for loader in _LOADERS for path, inner in walk_config(cfg.get(loader), loader)
              if isinstance(inner, dict) and 'fold' in inner}
    if 'fold' in options:
        fold = options['fold']
        if not having:
            raise InputError(f"--cfg-options fold={fold}: no data loader of {cfg.filename} has a 'fold': its data set "
                             'comes without folds.')
        for inner in having.values():
            inner['fold'] = fold
    elif 'fold' in cfg and any(inner['fold'] != cfg.fold for inner in having.values()):
        found = ', '.join(f'{path}={inner["fold"]}' for path, inner in having.items())
        raise InputError(f'{cfg.filename}: fold={cfg.fold}, but {found}. Set it in all of these places, or by '
                         f'--cfg-options fold={cfg.fold}.')
