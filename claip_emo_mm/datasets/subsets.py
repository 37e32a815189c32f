"""Subsets of a data set, and several of them with a name each."""
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
    """The clips of a data set that are held out, or all the others: the same ones for the same seed.

    Each class gives the same ratio of its clips. Clips are dealt one by one: two of the same person may be in both.

    Args:
        dataset: config of a data set whose annotations have a `label`; with the pipeline for this split.
        ratio: of the clips that is held out, between 0 and 1.
        seed: decides which.
        held_out: whether this is the split that is held out.
    Raises:
        InputError: the ratio is not between 0 and 1, a class has too few clips to be in both splits, or the data set is
            one of MMEngine's around others.
    """

    def __init__(self, dataset: Mapping[str, Any], ratio: float, seed: int = 0, held_out: bool = False) -> None:
        if not 0 < ratio < 1:
            raise InputError(f'HoldoutSubset: share is {ratio}. Expected a number between 0 and 1, such as 0.1.')
        check_whole(self, least=0, seed=seed)
        whole = DATASETS.build(dataset)
        labels = np.array([whole.get_data_info(index)['label'] for index in range(len(whole))])
        try:
            rest, held = train_test_split(np.arange(len(labels)), test_size=ratio, stratify=labels, random_state=seed)
        except ValueError as error:
            raise InputError(f'HoldoutSubset: a ratio of {ratio} of {len(labels)} clips cannot be held out by class '
                             f'({error}). Choose another share.') from error
        try:
            # In place: `get_subset` remembers the objects of earlier copies by addresses that others have by now.
            whole.get_subset_(sorted((held if held_out else rest).tolist()))
        except NotImplementedError as error:  # data sets of MMEngine around others
            raise InputError(f'HoldoutSubset: no split of a {type(whole).__name__} can be held out. Give it the data '
                             'set '
                             f'inside, and put the HoldoutSubset into the {type(whole).__name__}.') from error
        self.dataset: BaseDataset = whole
        self.metainfo = self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.dataset[index]

    def get_data_info(self, index: int) -> dict[str, Any]:
        """What the data set knows of a clip."""
        return self.dataset.get_data_info(index)

    def get_cat_ids(self, index: int) -> list[int]:
        """The class of a clip, as MMEngine's ClassBalancedDataset asks for it."""
        return self.dataset.get_cat_ids(index)

    def full_init(self) -> None:
        """Nothing: the list has been read. MMEngine's data sets around others ask for it."""


@DATASETS.register_module()
class NamedConcatDataset(ConcatDataset):
    """Data sets one after the other; `metainfo['splits']` says where each begins and ends, each sample in which it is.

    `EmotionMetric(split=...)` evaluates one of them.

    Args:
        splits: name -> config of a data set; all have the same classes.
    Raises:
        InputError: they have not.
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
