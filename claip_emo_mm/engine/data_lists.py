"""Says that data are not there before anything is built, which may take minutes."""
from collections.abc import Mapping

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
            dataset = (cfg.get(f'{part}_dataloader') or {}).get('dataset')
            while isinstance(dataset, Mapping) and 'dataset' in dataset:  # wrapped in another data set
                dataset = dataset['dataset']
            cls = DATASETS.get(dataset['type']) if isinstance(dataset, Mapping) else None
            if isinstance(cls, type) and issubclass(cls, AudioVisualDataset):
                DATASETS.build(dict(dataset, pipeline=[], lazy_init=True)).require_list()
