"""Features of splits in files for other programs."""
import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config
from tqdm import tqdm

from claip_emo_mm.datasets.feature_cache import ContentHashes
from claip_emo_mm.engine.config_checks import default_scope
from claip_emo_mm.engine.feature_cache.plan import SPLITS, FeaturePlan, dataset_leaves
from claip_emo_mm.engine.feature_cache.points import KEY, FeatureCacheConfig
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import MISSING_INDEX, clip_name, is_skipped, top_label
from claip_emo_mm.utils.io import atomic_write

_INDEX = dict(visual=('frames', 'frame_index'), audio=('mel', 'audio_index'))


def _write_npz(path: Path, table: dict[str, np.ndarray], classes: list[str]) -> None:
    with path.open('wb') as file:
        np.savez(file, classes=np.array(classes), **table)


def _write_parquet(path: Path, table: dict[str, np.ndarray], classes: list[str]) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise InputError('parquet files are written by pyarrow, which is not installed: pip install pyarrow, or take '
                         'npz.') from error
    columns = {name: [classes[label] for label in values] if name == 'labels' and classes else values.tolist()
               for name, values in table.items()}
    columns = {dict(names='clip', labels='label').get(name, name): values for name, values in columns.items()}
    parquet.write_table(pyarrow.table(columns), path)


FORMATS: dict[str, Callable[[Path, dict[str, np.ndarray], list[str]], None]] = {
    'npz': _write_npz, 'parquet': _write_parquet}


def export_config(cfg: Config) -> Config:
    """The config whose features are exported: its training clips have the views of the test pipeline.

    Raises:
        InputError: the features of this config are not exported.
    """
    if FeatureCacheConfig.of(cfg).visual_block is not None:
        raise InputError(f'{KEY}.visual_block keeps tokens inside the encoder, which are not exported. Leave it out.')
    cfg = copy.deepcopy(cfg)
    cfg[KEY].views = 0
    return cfg


def export_features(cfg: Config, folder: Path, kind: str, splits: Sequence[str] = SPLITS) -> dict[Path, int]:
    """Write a file for each split of a config: clip, label, a vector per modality, of `export_config`.

    A clip's visual vector is the mean over the frames of its views, its audio vector the mean over its windows, and
    over time and frequency where these are kept; zeros for a modality that it lacks. Training clips have the views of
    the test pipeline.

    Args:
        cfg: a config with ``feature_cache``.
        folder: for ``train.npz``, ``val.npz``, ``test.npz``; or ``.parquet``, with the class's name as label.
        kind: of `FORMATS`.
        splits: to write.
    Returns: file -> its clips.
    """
    cfg = export_config(cfg)
    written = {}
    with default_scope(cfg):
        plan = FeaturePlan(cfg, ContentHashes(cfg.feature_cache.dir), splits)
        cached, _ = plan.cached_config()
        for split in dict.fromkeys(use.split for use in plan.uses):
            for leaf in dataset_leaves(cached[f'{split}_dataloader'].dataset):
                leaf.pipeline[0].one_view = False
            dataset = DATASETS.build(cached[f'{split}_dataloader'].dataset)
            table = _table(dataset, split)
            path = folder / f'{split}.{kind}'
            with atomic_write(path) as temporary:
                FORMATS[kind](temporary, table, list(dataset.metainfo.get('classes', ())))
            written[path] = len(table['names'])
    return written


def _table(dataset: Any, split: str) -> dict[str, np.ndarray]:
    names, labels, vectors = [], [], {}
    for index in tqdm(range(len(dataset)), desc=split, unit='clip', leave=False, delay=1):
        sample = dataset[index]
        if is_skipped(sample['data_samples']):
            continue
        names.append(clip_name(sample['data_samples']))
        labels.append(top_label(sample['data_samples']))
        for name, (key, index_key) in _INDEX.items():
            if key in sample['inputs']:
                rows, used = sample['inputs'][key], sample['inputs'][index_key].flatten()
                rows = rows[used[used != MISSING_INDEX]]
                rows = rows.flatten(2).mean(2) if rows.ndim > 2 else rows
                vectors.setdefault(name, []).append((rows.mean(0) if len(rows) else rows.new_zeros(rows.shape[1])
                                                     ).numpy())
    return dict(names=np.array(names), labels=np.array(labels),
                **{name: np.stack(values) for name, values in vectors.items()})
