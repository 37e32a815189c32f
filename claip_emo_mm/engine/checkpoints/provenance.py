"""What a checkpoint was trained on: written by its training, shown by every output of an inference."""
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from claip_emo_mm.engine.checkpoints.metadata import Metadata
from claip_emo_mm.engine.checkpoints.training_clips import leaf_datasets
from claip_emo_mm.engine.config_checks import walk_config
from claip_emo_mm.utils.io import read_json

DRAWN = 'drawn faces'
TOY_WEIGHTS = 'toy'  # `pretrained` of the encoders that come with the package
TOY_FILE = 'toy.json'  # marks the folder of a toy set


def describe_datasets(dataset: Any, before: Sequence[str] = ()) -> list[str]:
    """Name the data of each training without repetitions: of this one, then of earlier ones that it started from.

    Data sets that were trained on together are one text, such as 'a/train.csv and drawn faces'.
    """
    return list(dict.fromkeys([*_together(map(_describe, leaf_datasets(dataset))), *before]))


def trained_on(metadata: Metadata | None) -> str:
    """What a checkpoint was trained on, for people; empty where it cannot be told.

    Checkpoints that do not say it are judged by the names of their published data sets and by their config.
    """
    if metadata is None:
        return ''
    known = metadata['data'] or _from_config(metadata)
    encoders = f'encoders pretrained on {DRAWN}' if uses_toy_encoders(metadata) and DRAWN not in known else ''
    return '; '.join(filter(None, [', before that '.join(known), encoders]))


def uses_toy_encoders(metadata: Metadata) -> bool:
    """Whether an encoder's weights are those that come with the package, which know drawn faces and made voices."""
    return any(backbone['pretrained'] == TOY_WEIGHTS for backbone in metadata['backbones'].values())


def caution(metadata: Metadata | None) -> str:
    """Why the scores of a checkpoint say nothing on real people; empty where nothing speaks against it."""
    if metadata is None:
        return ''
    if set(metadata['data'] or _from_config(metadata)) == {DRAWN}:
        return (f'{DRAWN}: this model was trained on drawn faces and made voices alone. It has never seen a person, '
                'and its scores for real videos mean nothing.')
    if uses_toy_encoders(metadata):
        return ('tiny encoders: pretrained on drawn faces and made voices. They show that a training works; for real '
                'videos train from the weights of CLIP and CLAP.')
    return ''


def _describe(leaf: BaseDataset) -> str:
    published = getattr(leaf, 'published', None)
    if published is not None:
        return published.title
    root = Path(leaf.data_root or '.')
    if 'seed' in read_json(root / TOY_FILE):
        return DRAWN
    return '/'.join(filter(None, [root.resolve().name, Path(leaf.ann_file).name]))


def _from_config(metadata: Metadata) -> list[str]:
    """As `describe_datasets`; of data sets that are known by name alone no order is known."""
    names = _together(name for name in metadata['trained_clips'] if name)
    if names:
        return names
    try:
        roots = _values(json.loads(metadata['config'] or '{}').get('train_dataloader') or {}, 'data_root')
    except (AttributeError, RecursionError, TypeError, ValueError):  # a file may hold anything
        return []
    is_toy = uses_toy_encoders(metadata)
    folders = (Path(root).name for root in roots)
    return _together(DRAWN if is_toy and folder.startswith('toy') else folder for folder in folders)


def _together(names: Iterable[str]) -> list[str]:
    """One text of distinct names; empty without any."""
    joined = ' and '.join(dict.fromkeys(names))
    return [joined] if joined else []


def _values(config: Any, key: str) -> Iterable[str]:
    return [value for path, value in walk_config(config) if path.rpartition('.')[2] == key and isinstance(value, str)]
