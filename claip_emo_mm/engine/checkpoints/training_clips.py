"""Training clips in the metadata of a checkpoint, so that it is not tested on them by mistake."""
import base64
import hashlib
import json
import os.path as osp
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from mmengine.dataset import BaseDataset

from claip_emo_mm.engine.config_checks import walk_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import media_name

TrainedClips = dict[str, str]
_HASH_BYTES = 8


def trained_clips(dataset: Any, before: Mapping[str, str] | None = None) -> TrainedClips:
    """Hash path and class of each clip: name of the published data set, or '' -> base64 of 8 bytes per clip."""
    hashes = {name: _decode(text) for name, text in (before or {}).items()}
    for leaf in leaf_datasets(dataset):
        hashes.setdefault(_published(leaf), set()).update(found for _, found in _clips(leaf))
    return {name: base64.b64encode(b''.join(sorted(found))).decode('ascii') for name, found in hashes.items() if found}


def find_trained(dataset: Any, trained: Mapping[str, str]) -> tuple[int, int, str] | None:
    """Find clips of a data set among the training clips, each within its own published data set.

    Returns: their number, the size of the data set and one of their names; None without any.
    """
    hashes = {name: _decode(text) for name, text in trained.items()}
    clips, found = 0, []
    for leaf in leaf_datasets(dataset):
        own = _published(leaf)
        known = set().union(*(values for name, values in hashes.items() if not own or not name or own == name))
        clips += len(leaf)
        found += [name for name, value in _clips(leaf) if value in known]
    return (len(found), clips, found[0]) if found else None


def describe_overlap(found: tuple[int, int, str], config: str | None) -> str:
    """Describe what `find_trained` found, with the fold that the checkpoint was trained on by its config (json)."""
    folds = trained_folds(config)
    fold = f'; it was trained on fold {folds[0]}' if len(folds) == 1 else ''
    trained, clips, example = found
    return (f'{trained} of the {clips} clips are among those that the checkpoint was trained on, such as '
            f'{example}{fold}')


def refuse_trained(dataset: Any, metadata: Mapping[str, Any] | None, place: str, advice: str) -> None:
    """Raise an InputError where a checkpoint, by its metadata, was trained on clips of a data set."""
    found = metadata and find_trained(dataset, metadata['trained_clips'])
    if found:
        raise InputError(f'{place}: {describe_overlap(found, metadata["config"])}. {advice}')


def count_clips(trained: Mapping[str, str]) -> dict[str, int]:
    """Number of training clips by the name of their published data set, '' for any other."""
    return {name: len(_decode(text)) for name, text in trained.items()}


def trained_folds(config: str | None) -> list[int]:
    """Folds that a training read by its config (json)."""
    try:
        return sorted({value for path, value in walk_config(json.loads(config)['train_dataloader'] if config else {})
                       if path.rpartition('.')[2] == 'fold' and isinstance(value, int)})
    except (KeyError, RecursionError, TypeError, ValueError):  # a file may hold anything
        return []


def leaf_datasets(dataset: Any) -> Iterator[BaseDataset]:
    """Data sets of clips within others."""
    if isinstance(dataset, BaseDataset):
        yield dataset
        return
    for inner in getattr(dataset, 'datasets', [dataset.dataset] if hasattr(dataset, 'dataset') else ()):
        yield from leaf_datasets(inner)


def _published(dataset: BaseDataset) -> str:
    """Name of the published data set, common to all its label sets; empty for any other."""
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
            yield str(name), hashlib.blake2b(text.encode('utf-8', 'surrogateescape'), digest_size=_HASH_BYTES).digest()


def _decode(text: str) -> set[bytes]:
    try:
        joined = base64.b64decode(text, validate=True)
    except ValueError:
        joined = b'?'
    if len(joined) % _HASH_BYTES:
        raise InputError('trained_clips in the metadata of the checkpoint is damaged. Copy it again.')
    return {joined[start:start + _HASH_BYTES] for start in range(0, len(joined), _HASH_BYTES)}
