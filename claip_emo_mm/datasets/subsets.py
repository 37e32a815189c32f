"""Held-out subsets, concatenation of named splits, and data sets under the classes of another."""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from torch.utils.data import ConcatDataset, Dataset

from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.structures import VOTES


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
        from sklearn.model_selection import train_test_split
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


@DATASETS.register_module()
class MappedClassesDataset(Dataset):
    """A data set under the classes of another; clips of classes that the other lacks are left out.

    Args:
        dataset: config of a data set whose annotations have a `label`, with class names.
        classes: names of the other's classes, label 0 first; equal emotions may have other names, see
            `LabelSchema.map_to`.
    Raises:
        InputError: the two have fewer than two classes in common, or there is no clip of these.
    """

    def __init__(self, dataset: Mapping[str, Any], classes: Sequence[str]) -> None:
        self.dataset: BaseDataset = DATASETS.build(dataset)
        own = LabelSchema('', 'the data set', tuple(self.dataset.metainfo.get('classes', ())))
        self.labels = own.map_to(LabelSchema('', 'the model', tuple(classes)))  # own label -> label here, or None
        self.missing = [name for name, label in zip(own.classes, self.labels, strict=True) if label is None]
        if len(own.classes) - len(self.missing) < 2:
            raise InputError(f'MappedClassesDataset: the classes {", ".join(own.classes) or "(none)"} and '
                             f'{", ".join(classes)} have fewer than two in common.')
        self.indices = [index for index in range(len(self.dataset))
                        if self.labels[self.dataset.get_data_info(index)['label']] is not None]
        if not self.indices:
            raise InputError(f'MappedClassesDataset: not one clip of the data set has one of {", ".join(classes)}.')
        self.metainfo = dict(self.dataset.metainfo, classes=list(classes))

    @property
    def common(self) -> list[int]:
        """Labels here of the classes that both have, ascending."""
        return sorted(label for label in self.labels if label is not None)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.dataset[self.indices[index]]
        if 'data_samples' in sample:  # votes are for the other classes
            sample['data_samples'].set_gt_label(self.get_data_info(index)['label']).set_metainfo({VOTES: None})
        return sample

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Annotation of a clip, with its label here."""
        info = self.dataset.get_data_info(self.indices[index])
        return dict(info, label=self.labels[info['label']])

    def full_init(self) -> None:
        """Do nothing, as the list was read; MMEngine's wrappers of data sets call it."""
