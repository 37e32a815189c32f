"""Held-out subsets, and concatenation of named splits."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from sklearn.model_selection import train_test_split
from torch.utils.data import ConcatDataset, Dataset

from claip_emo_mm.errors import InputError, check_whole


@DATASETS.register_module()
class HoldoutSubset(Dataset):
    """The held-out clips of a data set, or all others: a random split stratified by class, reproducible by its seed.

    Clips are assigned one by one: two of the same person may be in both subsets.

    Args:
        dataset: config of a data set whose annotations have a `label`; with the pipeline for this subset.
        ratio: of the clips that are held out, between 0 and 1.
        seed: of the split.
        held_out: whether this is the held-out subset.
    Raises:
        InputError: the ratio is not between 0 and 1, a class has too few clips to be in both splits, or the data set is
            one of MMEngine's around others.
    """

    def __init__(self, dataset: Mapping[str, Any], ratio: float, seed: int = 0, held_out: bool = False) -> None:
        if not 0 < ratio < 1:
            raise InputError(f'HoldoutSubset: ratio is {ratio}. Expected a number between 0 and 1, such as 0.1.')
        check_whole(self, least=0, seed=seed)
        self.dataset: BaseDataset = DATASETS.build(dataset)
        labels = np.array([self.get_data_info(index)['label'] for index in range(len(self.dataset))])
        try:
            rest, held = train_test_split(np.arange(len(labels)), test_size=ratio, stratify=labels, random_state=seed)
        except ValueError as error:
            raise InputError(f'HoldoutSubset: a ratio of {ratio} of {len(labels)} clips cannot be held out by class '
                             f'({error}). Choose another ratio.') from error
        try:
            # In place: `get_subset` remembers the objects of earlier copies by addresses that others have by now.
            self.dataset.get_subset_(sorted((held if held_out else rest).tolist()))
        except NotImplementedError as error:  # MMEngine's wrappers of data sets
            name = type(self.dataset).__name__
            raise InputError(f'HoldoutSubset: no split of a {name} can be held out. Give it the data set inside, and '
                             f'put the HoldoutSubset into the {name}.') from error
        self.metainfo = self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.dataset[index]

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Annotation of a clip."""
        return self.dataset.get_data_info(index)

    def get_cat_ids(self, index: int) -> list[int]:
        """The class of a clip, for MMEngine's ClassBalancedDataset."""
        return self.dataset.get_cat_ids(index)

    def full_init(self) -> None:
        """Do nothing, as the list was read; MMEngine's wrappers of data sets call it."""


@DATASETS.register_module()
class NamedConcatDataset(ConcatDataset):
    """Concatenation of data sets with names, for `EmotionMetric(split=...)`, which evaluates one of them.

    `metainfo['splits']` has the first index of each and the one behind its last; each sample's metadata its `split`.

    Args:
        splits: name -> config of a data set.
    """

    def __init__(self, splits: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__([DATASETS.build(split) for split in splits.values()])
        classes = [dataset.metainfo.get('classes') for dataset in self.datasets]
        if any(names != classes[0] for names in classes):
            raise InputError(f'NamedConcatDataset: the splits {", ".join(splits)} have different classes.')
        starts = [0, *self.cumulative_sizes]
        self.metainfo = dict(self.datasets[0].metainfo,
                             splits=dict(zip(splits, zip(starts[:-1], starts[1:], strict=True), strict=True)))

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = super().__getitem__(index)
        if 'data_samples' in sample:
            split = next(name for name, (_, stop) in self.metainfo['splits'].items() if index < stop)
            sample['data_samples'].set_metainfo(dict(split=split))
        return sample
