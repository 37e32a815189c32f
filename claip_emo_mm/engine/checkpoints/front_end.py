"""The front end that a model was trained behind: what turns a video into the numbers that it reads."""
import inspect
from collections.abc import Iterator
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import Registry

from claip_emo_mm.datasets import corruptions

# How much of a clip is looked at and how it is done, not what the model reads.
_FREE = ('type', '_scope_', 'num_views', 'test_mode', 'on_missing', 'meta_keys', 'non_blocking', 'exact', 'blend')


def front_end_settings(cfg: Config) -> dict[str, dict[str, Any]]:
    """Settings of the test pipeline's transforms and of the data preprocessor, defaults included.

    Args:
        cfg: config of a run; without a test data set, its validation data set speaks for it.
    Returns: type of the part -> option -> value; parts without options are left out, and transforms that spoil clips
        for a test.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:  # wrapped in another data set
        dataset = dataset['dataset']
    parts = [_part(transform, TRANSFORMS) for transform in dataset.get('pipeline', ())]
    if cfg.get('model') and cfg.model.get('data_preprocessor'):
        parts.append(_part(cfg.model.data_preprocessor, MODELS))
    settings: dict[str, dict[str, Any]] = {}
    for name, options in parts:
        if options and name not in corruptions.__all__:
            settings[next(free for free in _numbered(name) if free not in settings)] = options
    return settings


def _part(part: dict, registry: Registry) -> tuple[str, dict[str, Any]]:
    kind = part['type']
    built = registry.get(kind) if isinstance(kind, str) else kind
    parameters = inspect.signature(built).parameters.values() if callable(built) else ()
    options = {option.name: option.default for option in parameters if option.default is not option.empty}
    options.update({key: value for key, value in part.items()})
    name = kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
    return name, {key: _plain(value) for key, value in options.items() if key not in _FREE}


def _numbered(name: str) -> Iterator[str]:
    """The name, then 'name 2', 'name 3' ... for a transform that a pipeline uses several times."""
    yield name
    number = 2
    while True:
        yield f'{name} {number}'
        number += 1


def _plain(value: Any) -> Any:
    """Tuples as lists, as they come back from a file."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
