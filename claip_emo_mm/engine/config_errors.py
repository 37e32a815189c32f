"""Tells a user's config mistakes apart from defects of the program, and names them."""
import difflib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.registry import Registry
from mmengine.runner import Runner
from mmengine.visualization.vis_backend import BaseVisBackend

_MMENGINE = str(Path(mmengine.__file__).parent)
_OURS = str(Path(__file__).parents[1])
_NOT_REGISTERED = re.compile(r'^(?P<name>.+?) is not in the (?P<registry>\S+) registry')
_UNEXPECTED = re.compile(r"^(?P<called>\S+)\(\) got an unexpected keyword argument '(?P<key>\w+)'")
_MISSING = re.compile(r'^(?P<called>\S+)\(\) missing \d+ required .*?arguments?: (?P<keys>.+)$')
_EMPTY_SCHEDULE = 'end should be larger than begin'
_BEGIN_EARLIER = ('. Where it follows a warm-up and the training is over by then, train longer or shorten it, in '
                  'epochs or parts of one: --cfg-options param_scheduler.0.end=0.5 param_scheduler.1.begin=0.5')


def explain_config_error(error: Exception) -> str | None:
    """Say what is wrong in the config that MMEngine failed to build.

    Args:
        error: an exception with its traceback, as caught around a runner or a registry's `build`.
    Returns: the message for the user; None when the error does not come from a config.
    """
    frames = list(_frames(error))
    text = str(error.args[0]) if error.args else ''
    if isinstance(error, KeyError) and _in_mmengine(frames[-1]):
        if match := _NOT_REGISTERED.match(text):
            return _not_registered(match['name'], match['registry'], frames)
        if text.startswith('`cfg` or `default_args` must contain the key "type"'):
            return _without_type(frames)
    if isinstance(error, TypeError):
        if match := _UNEXPECTED.match(text):
            return _unexpected_key(match['called'], match['key'], frames)
        if (match := _MISSING.match(text)) and _builds(frames[-1]):
            return _missing_keys(match['called'], match['keys'], frames)
    if isinstance(error, ImportError) and isinstance(frames[-1].f_locals.get('self'), BaseVisBackend):
        return f'visualizer.vis_backends: {_kind(frames[-1])}: {text}, or take it out of vis_backends.'
    if isinstance(error, AssertionError | ValueError) and any(map(_builds, frames)):
        return _refused_value(text, frames[-1], frames)
    return None


def suggestion(word: str, known: list[str], cutoff: float = 0.6) -> str:
    """A sentence with the nearest known words, or all of them where none is near; '' where nothing is known."""
    near = difflib.get_close_matches(word, known, n=3, cutoff=cutoff)
    if near:
        return f' Did you mean {" or ".join(repr(name) for name in near)}?'
    return f' It knows: {", ".join(sorted(known))}.' if known else ''


def _not_registered(name: str, registry_name: str, frames: list[FrameType]) -> str:
    registry = next((frame.f_locals['registry'] for frame in reversed(frames)
                     if isinstance(frame.f_locals.get('registry'), Registry)), None)
    names: set[str] = set()
    while registry is not None:
        names.update(registry.module_dict)
        registry = registry.parent
    near = difflib.get_close_matches(name, sorted(names), n=3)
    hint = suggestion(name, near) if near else ''
    if registry_name.startswith('mmengine::'):
        hint += " Without default_scope = 'mmaction' in the config, MMAction2's registries are not searched."
    return (f"{_where(frames, name)}type='{name}' is registered nowhere ({registry_name}).{hint} A class of your own "
            "must be imported by the config: custom_imports = dict(imports=['your_module']).")


def _without_type(frames: list[FrameType]) -> str:
    part = frames[-1].f_locals.get('cfg')
    keys = ', '.join(part) if isinstance(part, dict) and part else 'no keys'
    return (f"a part of the config has no type ({keys}): the key or the part's name is misspelt. Expected "
            "dict(type='...', ...); look at the same place of a config in configs/_base_/.")


def _unexpected_key(called: str, key: str, frames: list[FrameType]) -> str | None:
    name, _, method = called.partition('.')
    built = _built(frames)
    # Only a key that stands in the config being built is the user's; any other wrong call is a defect. Either the
    # caller unpacks a part of the config, or a class hands its options on to a parent.
    unpacked = any(isinstance(value, ConfigDict) and key in value for value in frames[-1].f_locals.values())
    parents = [parent.__name__ for parent in inspect.getmro(built)] if inspect.isclass(built) else []
    handed_on = name in parents and any(_builds(frame) and key in frame.f_locals.get('args', ()) for frame in frames)
    if not unpacked and not handed_on:
        return None
    known = _options(built if name in parents else _global(name, frames), method)
    return f'{_where(frames, name, key)}{name} has no option {key!r}.{suggestion(key, known)}'


def _missing_keys(called: str, keys: str, frames: list[FrameType]) -> str:
    name = called.split('.')[0]
    return f'{_where(frames, name)}{name} needs {keys}, which the config does not give.'


def _kind(frame: FrameType) -> str:
    return type(frame.f_locals.get('self')).__name__


def _builds(frame: FrameType) -> bool:
    """Whether this is a step of MMAction2 that builds something from a config."""
    return _in_mmengine(frame) and frame.f_code.co_name.startswith(('build', '__init__'))


def _refused_value(text: str, frame: FrameType, frames: list[FrameType]) -> str | None:
    # A constructor that is not ours says no to what the config gives it. Ours raise InputError for that.
    name = _kind(frame)
    if frame.f_code.co_name != '__init__' or frame.f_code.co_filename.startswith(_OURS) or not text:
        return None
    hint = _BEGIN_EARLIER if text.startswith(_EMPTY_SCHEDULE) else ''
    return f'{_where(frames, name)}{name} refuses its options: {text}{hint}'


def _built(frames: list[FrameType]) -> Callable | None:
    """The class or function that a registry was calling, innermost first."""
    for frame in reversed(frames):
        if frame.f_code.co_name == 'build_from_cfg' and 'obj_cls' in frame.f_locals:
            return frame.f_locals['obj_cls']
    return None


def _global(name: str, frames: list[FrameType]) -> Callable | None:
    return next((frame.f_globals[name] for frame in reversed(frames) if name in frame.f_globals), None)


def _options(called: Callable | None, method: str) -> list[str]:
    """Options of a function or a constructor, those that it hands on to its parents included."""
    if not inspect.isclass(called):
        return [] if called is None else list(inspect.signature(called).parameters)
    names: dict[str, None] = {}
    for parent in inspect.getmro(called):
        parameters = inspect.signature(getattr(parent, method)).parameters.values()
        names.update({p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)})
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return [name for name in names if name != 'self']


def _where(frames: list[FrameType], type_name: str, key: str | None = None) -> str:
    """'file: path.in.the.config: ' of the first part with that type (and key), as far as it can be told."""
    values = [value for frame in frames for value in frame.f_locals.values()]
    cfg = next((getattr(value, 'cfg', value) for value in values if isinstance(value, Config | Runner)), None)
    if cfg is None:
        return ''
    file = f'{cfg.filename}: ' if cfg.filename else ''
    parts = list(_parts(cfg.to_dict()))
    having = [(path, part) for path, part in parts if key is None or key in part]
    typed = [path for path, part in having if _type_name(part) == type_name]
    # A key that a class does not know stands in hardly any other part.
    path = next(iter(typed or [path for path, _ in having if key is not None]), '')
    return f'{file}{path}: ' if path else file


def _parts(part: Any, path: str = '') -> Iterator[tuple[str, dict]]:
    """Every dict in a config with its path, from the outside in."""
    if isinstance(part, dict):
        yield path, part
        for name, value in part.items():
            yield from _parts(value, f'{path}.{name}' if path else str(name))
    elif isinstance(part, list | tuple):
        for index, value in enumerate(part):
            yield from _parts(value, f'{path}[{index}]')


def _type_name(part: dict) -> str | None:
    kind = part.get('type')
    kind = getattr(kind, '__name__', kind)
    return kind.split('.')[-1] if isinstance(kind, str) else None


def _in_mmengine(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_MMENGINE)


def _frames(error: Exception) -> Iterator[FrameType]:
    """Frames from where the error was caught to where it was raised."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next
