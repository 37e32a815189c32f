"""Which clips a checkpoint was trained on, so that it is not tested on them by mistake: another fold, another list."""
import base64
import hashlib
import json
import os.path as osp
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from mmengine.dataset import BaseDataset

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import media_name

TrainedClips = dict[str, str]
_BYTES = 8  # of a clip's hash


class Overlap(NamedTuple):
    """Clips of a data set that a checkpoint was trained on.

    Attributes:
        trained: how many of them there are.
        clips: how many clips the data set has.
        example: name of one.
    """
    trained: int
    clips: int
    example: str


def trained_clips(dataset: Any, before: Mapping[str, str] | None = None) -> TrainedClips:
    """Write down which clips a data set has: a hash of each one's path within the data set, and of its class.

    Args:
        dataset: of a training; also one around others. What is no data set of MMEngine does not say.
        before: what the checkpoint was trained on from which the training began.
    Returns: name of a published data set (``'dfew'``), or empty for any other -> base64 of the hashes, 8 bytes each.
    """
    hashes = {name: _hashes(text) for name, text in (before or {}).items()}
    for leaf in _leaves(dataset):
        hashes.setdefault(_published(leaf), set()).update(found for _, found in _clips(leaf))
    return {name: base64.b64encode(b''.join(sorted(found))).decode('ascii') for name, found in hashes.items() if found}


def find_trained(dataset: Any, trained: Mapping[str, str]) -> Overlap | None:
    """Find clips of a data set among those that a checkpoint was trained on; None where there are none.

    Clips of different published data sets are never the same, whatever they are called.

    Args:
        dataset: of a test.
        trained: as ``trained_clips`` gives it.
    """
    hashes = {name: _hashes(text) for name, text in trained.items()}
    clips, found = 0, []
    for leaf in _leaves(dataset):
        own = _published(leaf)
        known = set().union(*(values for name, values in hashes.items() if not own or not name or own == name))
        clips += len(leaf)
        found += [name for name, value in _clips(leaf) if value in known]
    return Overlap(len(found), clips, found[0]) if found else None


def describe_overlap(found: Overlap, config: str | None) -> str:
    """Say what was found, and which fold the checkpoint is of.

    Args:
        found: of ``find_trained``.
        config: json of the config that the checkpoint was trained with; None where it does not say.
    """
    try:
        folds = set(_folds(json.loads(config)['train_dataloader'])) if config else set()
    except (KeyError, RecursionError, TypeError, ValueError):  # a file may say anything
        folds = set()
    of = f'; it was trained on fold {folds.pop()}' if len(folds) == 1 else ''
    return (f'{found.trained} of the {found.clips} clips are among those that the checkpoint was trained on, such as '
            f'{found.example}{of}')


def _leaves(dataset: Any) -> Iterator[BaseDataset]:
    """Data sets of clips within others."""
    if isinstance(dataset, BaseDataset):
        yield dataset
    elif hasattr(dataset, 'datasets'):
        for inner in dataset.datasets:
            yield from _leaves(inner)
    elif hasattr(dataset, 'dataset'):
        yield from _leaves(dataset.dataset)


def _published(dataset: BaseDataset) -> str:
    """Name of the published data set, with all its kinds of labels; empty for any other."""
    published = getattr(dataset, 'published', None)
    return '' if published is None else published.schema.name.partition('_')[0]


def _clips(dataset: BaseDataset) -> Iterator[tuple[str, bytes]]:
    """Name and hash of each clip that has a name."""
    classes = dataset.metainfo.get('classes') or ()
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        name, label = media_name(info), info.get('label')
        if name:
            within = osp.relpath(name, dataset.data_root) if dataset.data_root else str(name)
            label = classes[label] if isinstance(label, int) and label < len(classes) else label
            text = f'{PurePath(within).with_suffix("").as_posix()}\n{label}'
            yield str(name), hashlib.blake2b(text.encode('utf-8', 'surrogateescape'), digest_size=_BYTES).digest()


def _hashes(text: str) -> set[bytes]:
    try:
        whole = base64.b64decode(text, validate=True)
    except ValueError:
        whole = b'?'
    if len(whole) % _BYTES:
        raise InputError('the checkpoint says of its trained clips what cannot be read. Copy it again.')
    return {whole[start:start + _BYTES] for start in range(0, len(whole), _BYTES)}


def _folds(part: Any) -> Iterator[int]:
    """Values of the key ``fold`` anywhere in a part of a config."""
    for key, value in (part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()):
        if key == 'fold' and isinstance(value, int):
            yield value
        else:
            yield from _folds(value)
