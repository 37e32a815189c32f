"""The front end that a model was trained behind: what turns a video into the numbers that it reads."""
from collections.abc import Iterator
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import Registry

from claip_emo_mm.datasets import corruptions
from claip_emo_mm.engine.checkpoints.options import default_options, plain, type_name
from claip_emo_mm.engine.data_lists import inner_datasets

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
    while 'pipeline' not in dataset and (inner := inner_datasets(dataset)):  # wrapped in another data set
        dataset = inner[0]
    parts = [_part(transform, TRANSFORMS) for transform in dataset.get('pipeline', ())]
    if cfg.get('model') and cfg.model.get('data_preprocessor'):
        parts.append(_part(cfg.model.data_preprocessor, MODELS))
    settings: dict[str, dict[str, Any]] = {}
    for name, options in parts:
        if options and name not in corruptions.__all__:
            settings[next(free for free in _numbered(name) if free not in settings)] = options
    return settings


def _part(part: dict, registry: Registry) -> tuple[str, dict[str, Any]]:
    options = {**default_options(part['type'], registry), **part}
    return type_name(part['type']), {key: plain(value) for key, value in options.items() if key not in _FREE}


def _numbered(name: str) -> Iterator[str]:
    """The name, then 'name 2', 'name 3' ... for a transform that a pipeline uses several times."""
    yield name
    number = 2
    while True:
        yield f'{name} {number}'
        number += 1
