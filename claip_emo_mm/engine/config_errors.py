"""Messages for errors that MMEngine raises because of a config; bugs of the program are told apart."""
import difflib
import inspect
import re
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import mmengine
from mmaction.models.heads import BaseHead
from mmaction.models.recognizers import BaseRecognizer
from mmengine.config import Config, ConfigDict
from mmengine.registry import Registry
from mmengine.runner import Runner
from mmengine.visualization.vis_backend import BaseVisBackend

from claip_emo_mm.engine.config_checks import accepted_options, type_name, walk_config
from claip_emo_mm.models.heads.mmaction_head import REFUSED_HEADS

_MMENGINE = str(Path(mmengine.__file__).parent)
_PACKAGE = str(Path(__file__).parents[1])
_NOT_REGISTERED = re.compile(r'^(?P<name>.+?) is not in the (?P<registry>\S+) registry')
_UNEXPECTED = re.compile(r"^(?P<called>\S+)\(\) got (?P<fault>an unexpected keyword|multiple values for(?: keyword)?) "
                         r"argument '(?P<key>\w+)'")
_MISSING = re.compile(r'^(?P<called>\S+)\(\) missing \d+ required .*?arguments?: (?P<keys>.+)$')
_EMPTY_SCHEDULE = 'end should be larger than begin'
_SCHEDULE_HINT = ('. Where it follows a warm-up and the training is over by then, train longer or shorten it, in '
                  'epochs or fractions of one: --cfg-options param_scheduler.0.end=0.5 param_scheduler.1.begin=0.5')


def explain_config_error(error: Exception) -> str | None:
    """Explain what is wrong in the config that MMEngine failed to build; None for errors of other causes."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]  # from the caller inwards
    text = str(error.args[0]) if error.args else ''
    innermost = frames[-1]
    if isinstance(error, KeyError) and _in_mmengine(innermost):
        if match := _NOT_REGISTERED.match(text):
            return _not_registered(match['name'], match['registry'], frames)
        if text.startswith('`cfg` or `default_args` must contain the key "type"'):
            part = innermost.f_locals.get('cfg')
            keys = ', '.join(part) if isinstance(part, dict) and part else 'no keys'
            return (f"a part of the config has no type ({keys}): the key or the part's name is misspelt. Expected "
                    "dict(type='...', ...); look at the same place of a config in configs/_base_/.")
    if 'CUDA' not in text and (head := _unfit_head(frames)) is not None:
        return f'{head} ({type(error).__name__}: {text})'
    if isinstance(error, TypeError):
        if match := _UNEXPECTED.match(text):
            return _unexpected_key(match['called'], match['key'], frames, match['fault'].startswith('multiple'))
        if (match := _MISSING.match(text)) and _builds(innermost):
            name = match['called'].split('.')[0]
            return f'{_where(frames, name)}{name} needs {match["keys"]}, which the config does not give.'
    owner = innermost.f_locals.get('self')
    name = type(owner).__name__
    if isinstance(error, ImportError) and isinstance(owner, BaseVisBackend):
        return f'visualizer.vis_backends: {name}: {text}, or take it out of vis_backends.'
    # A constructor of another library that refuses a value of the config. Ours raise InputError for that.
    if (isinstance(error, AssertionError | ValueError) and any(map(_builds, frames)) and text
            and innermost.f_code.co_name == '__init__' and not innermost.f_code.co_filename.startswith(_PACKAGE)):
        hint = _SCHEDULE_HINT if text.startswith(_EMPTY_SCHEDULE) else ''
        return f'{_where(frames, name)}{name} refuses its options: {text}{hint}'
    return None


def _unfit_head(frames: list[FrameType]) -> str | None:
    """Say which heads fit a recognizer of MMAction2 whose head fails on the features of one of our backbones."""
    backbone = next((owner.backbone for frame in frames if isinstance(
        owner := frame.f_locals.get('self'), BaseRecognizer) and hasattr(owner, 'backbone')), None)
    head = next((frame.f_locals['self'] for frame in frames if isinstance(frame.f_locals.get('self'), BaseHead)
                 and _reads_features(frame)), None)
    if head is None or not type(backbone).__module__.startswith('claip_emo_mm.'):
        return None
    name = type(head).__name__
    source = f'cannot read the features of {type(backbone).__name__}'
    if name in REFUSED_HEADS:
        return f'model.cls_head: {name} {REFUSED_HEADS[name]}'
    if name in ('TSNHead', 'TSMHead', 'TRNHead'):
        return (f'model.cls_head: {name} {source}, one vector a frame, as it is set here. Set spatial_type=None, and '
                'num_segments, where it has one, to the number of frames.')
    return (f"model.cls_head: {name} {source} in a recognizer of MMAction2. Use model=dict(type='AudioVisualRecognizer'"
            f", cls_head=dict(type='MMActionFusionHead', head=dict(type='{name}', ...)), ...), or a TSNHead.")


def _reads_features(frame: FrameType) -> bool:
    """Whether a method of a head, if it fails, fails because of the features: it reads them, or has too many scores."""
    method, found = frame.f_code.co_name, frame.f_locals
    if type(found['self']).__name__ in REFUSED_HEADS or method == '_call_impl':  # of its forward
        return True
    return method == 'loss_by_feat' and len(found.get('cls_scores', ())) != len(found.get('data_samples', ()))


def _not_registered(name: str, registry_name: str, frames: list[FrameType]) -> str:
    registry = next((frame.f_locals['registry'] for frame in reversed(frames)
                     if isinstance(frame.f_locals.get('registry'), Registry)), None)
    names: set[str] = set()
    while registry is not None:
        names.update(registry.module_dict)
        registry = registry.parent
    near = difflib.get_close_matches(name, sorted(names), n=3)
    hint = _suggestion(name, near) if near else ''
    if registry_name.startswith('mmengine::'):
        hint += " Without default_scope = 'mmaction' in the config, MMAction2's registries are not searched."
    return (f"{_where(frames, name)}type='{name}' is registered nowhere ({registry_name}).{hint} A class of your own "
            "must be imported by the config: custom_imports = dict(imports=['your_module']).")


def _unexpected_key(called: str, key: str, frames: list[FrameType], is_set: bool) -> str | None:
    name, _, method = called.partition('.')
    built = next((frame.f_locals['obj_cls'] for frame in reversed(frames)
                  if frame.f_code.co_name == 'build_from_cfg' and 'obj_cls' in frame.f_locals), None)
    # Only a key of the config being built is the user's; any other wrong call is a bug. Either the caller unpacks a
    # part of the config, or a class passes its options to a parent.
    unpacked = any(isinstance(value, ConfigDict) and key in value for value in frames[-1].f_locals.values())
    parents = [parent.__name__ for parent in inspect.getmro(built)] if inspect.isclass(built) else []
    passed_on = name in parents and any(_builds(frame) and key in frame.f_locals.get('args', ()) for frame in frames)
    if not unpacked and not passed_on:
        return None
    if passed_on:
        name = built.__name__
    elif name not in parents:
        built = next((frame.f_globals[name] for frame in reversed(frames) if name in frame.f_globals), None)
    if is_set:
        return f'{_where(frames, name, key)}{name} sets {key!r} by itself: take it out of the config.'
    hint = _suggestion(key, accepted_options(built, method))
    return f'{_where(frames, name, key)}{name} has no option {key!r}.{hint}'


def _suggestion(word: str, known: Iterable[str]) -> str:
    """A sentence with the most similar known words, or with all of them; '' where nothing is known."""
    near = difflib.get_close_matches(word, known, n=3)
    if near:
        return f' Did you mean {" or ".join(repr(name) for name in near)}?'
    return f' It knows: {", ".join(sorted(known))}.' if known else ''


def _where(frames: list[FrameType], name: str, key: str | None = None) -> str:
    """'file: path.in.the.config: ' of the first part with that type (and key), as far as it is known."""
    values = [value for frame in frames for value in frame.f_locals.values()]
    cfg = next((getattr(value, 'cfg', value) for value in values if isinstance(value, Config | Runner)), None)
    if cfg is None:
        return ''
    file = f'{cfg.filename}: ' if cfg.filename else ''
    parts = [(path, part) for path, part in walk_config(cfg.to_dict()) if isinstance(part, dict)
             and (key is None or key in part)]
    typed = [path for path, part in parts if type_name(part.get('type')) == name]
    # An unknown key stands in hardly any other part.
    path = next(iter(typed or [path for path, _ in parts if key is not None]), '')
    path = re.sub(r'\.(\d+)(?=\.|$)', r'[\1]', path)
    return f'{file}{path}: ' if path else file


def _builds(frame: FrameType) -> bool:
    """Whether this is a step of MMEngine that builds something from a config."""
    return _in_mmengine(frame) and frame.f_code.co_name.startswith(('build', '__init__'))


def _in_mmengine(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_MMENGINE)
