"""Says that data are not there before anything is built, which may take minutes."""
from collections.abc import Mapping
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.datasets import AudioVisualDataset


def require_lists(cfg: Config, *parts: str) -> None:
    """Check that the lists of a config's data sets are there; data sets that are not ours are passed over.

    Args:
        cfg: config of a run.
        parts: ``'train'``, ``'val'``, ``'test'``.
    Raises:
        InputError: a list is not there; the message names the commands that make it.
    """
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
        for part in parts:
            dataset = find_dataset(cfg, part)
            if dataset is not None:
                DATASETS.build(dict(dataset, pipeline=[], lazy_init=True)).require_list()


def find_dataset(cfg: Config, part: str) -> dict[str, Any] | None:
    """Return the config of the `AudioVisualDataset` that a data loader reads, the first one where others wrap several.

    Args:
        cfg: config of a run.
        part: ``'train'``, ``'val'`` or ``'test'``.
    Returns: a new dict; None where there is no such data set.
    """
    dataset = (cfg.get(f'{part}_dataloader') or {}).get('dataset')
    while isinstance(dataset, Mapping) and (inner := inner_datasets(dataset)):
        dataset = inner[0]
    cls = DATASETS.get(dataset['type']) if isinstance(dataset, Mapping) else None
    return dict(dataset) if isinstance(cls, type) and issubclass(cls, AudioVisualDataset) else None


def inner_datasets(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the configs of the data sets that another one wraps, MMEngine's or ours; empty for one that wraps none."""
    found = [dataset.get('dataset')] if 'dataset' in dataset else dataset.get('datasets') or dataset.get('parts') or ()
    return [inner for inner in (found.values() if isinstance(found, Mapping) else found) if isinstance(inner, Mapping)]
