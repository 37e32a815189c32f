"""Adapts the schedules of a config to another length of the training, given on the command line."""
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from claip_emo_mm.engine.config_checks import type_name

_LENGTHS = (('max_epochs', True), ('max_iters', False))  # keys of train_cfg; whether schedules by epoch belong to them


def adapt_schedule(cfg: Config, options: Mapping[str, Any] | None) -> str | None:
    """Adapt `param_scheduler` to the `train_cfg.max_epochs` or `max_iters` of `--cfg-options`.

    A schedule that lasted to the end of the training in the config file lasts to its new end. One before it, such as a
    warm-up, keeps its length; where that leaves nothing of the training it is omitted, and the next one begins in its
    place. Milestones stay. Schedules that are given by options, and those that do not fit the file's own length, are
    not touched.

    Args:
        cfg: config with the options applied; it is changed.
        options: dotted path -> value.
    Returns: what was changed, in one line; None where nothing was.
    """
    options = options or {}
    if not any(f'train_cfg.{key}' in options for key, _ in _LENGTHS) or any(
            path.partition('.')[0] == 'param_scheduler' for path in options):
        return None
    changes: list[str] = []
    before = Config.fromfile(cfg.filename).get('train_cfg') or {}
    for key, by_epoch in _LENGTHS:
        old, new = before.get(key), options.get(f'train_cfg.{key}')
        schedules = cfg.get('param_scheduler')
        if schedules and _is_length(old) and _is_length(new) and old != new:
            several = isinstance(schedules, list | tuple)
            adapted, changed = _adapt(list(schedules) if several else [schedules], by_epoch, old, new)
            if changed:
                cfg.param_scheduler = adapted if several or not adapted else adapted[0]
                changes.append(f'train_cfg.{key}={new} in place of {old}: {", ".join(changed)}.')
    return ' '.join(changes) or None


def _adapt(schedules: list[Any], by_epoch: bool, old: int, new: int) -> tuple[list[Any], list[str]]:
    """Return the schedules for the new length, and what was changed."""
    own = [schedule for schedule in schedules if isinstance(schedule, Mapping)
           and schedule.get('by_epoch', True) == by_epoch]
    if any(not 0 <= schedule.get('begin', 0) < min(schedule.get('end', old), old) for schedule in own):
        return schedules, []  # it did not fit before
    kept, changed = [], []
    ends = [schedule.get('end', old) for schedule in own]
    begins = {0, *(end for end in ends if end < min(old, new))}
    for number, schedule in enumerate(schedules):
        if not any(schedule is each for each in own):
            kept.append(schedule)
            continue
        name = f'param_scheduler.{number} ({type_name(schedule.get("type"))})'
        begin, end = schedule.get('begin', 0), schedule.get('end', old)
        if new <= end < old:
            changed.append(f'{name} of {end - begin} is omitted')
            continue
        fitted = dict(schedule)
        if end >= old:
            if begin >= new or begin in ends and begin not in begins:  # what went before it is omitted
                fitted['begin'] = max(place for place in begins if place <= begin)
            if 'end' in schedule:
                fitted['end'] = new
            if schedule.get('T_max') in (end - begin, old):
                fitted['T_max'] = new - fitted.get('begin', 0)
        differing = [f'{key}={value}' for key, value in fitted.items() if schedule.get(key) != value]
        if differing:
            changed.append(f'{name} has {" ".join(differing)}')
        kept.append(type(schedule)(fitted))
    return kept, changed


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and value > 0
