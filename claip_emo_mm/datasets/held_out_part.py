"""A part of a data set that is held out of training by class and seed, or what is left without it."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_whole


@DATASETS.register_module()
class HeldOutPart(Dataset):
    """The clips of a data set that are held out, or all the others: the same ones for the same seed.

    Each class gives the same share of its clips. Clips are dealt one by one: two of the same person may be in both.

    Args:
        dataset: config of a data set whose annotations have a `label`; with the pipeline for this part.
        share: of the clips that is held out, between 0 and 1.
        seed: decides which.
        held_out: whether this is the part that is held out.
    Raises:
        InputError: the share is not between 0 and 1, a class has too few clips to be in both parts, or the data set is
            one of MMEngine's around others.
    """

    def __init__(self, dataset: Mapping[str, Any], share: float, seed: int = 0, held_out: bool = False) -> None:
        if not 0 < share < 1:
            raise InputError(f'HeldOutPart: share is {share}. Expected a number between 0 and 1, such as 0.1.')
        check_whole(self, least=0, seed=seed)
        whole = DATASETS.build(dataset)
        labels = np.array([whole.get_data_info(index)['label'] for index in range(len(whole))])
        try:
            rest, held = train_test_split(np.arange(len(labels)), test_size=share, stratify=labels, random_state=seed)
        except ValueError as error:
            raise InputError(f'HeldOutPart: a share of {share} of {len(labels)} clips cannot be held out by class '
                             f'({error}). Choose another share.') from error
        try:
            # In place: `get_subset` remembers the objects of earlier copies by addresses that others have by now.
            whole.get_subset_(sorted((held if held_out else rest).tolist()))
        except NotImplementedError as error:  # data sets of MMEngine around others
            raise InputError(f'HeldOutPart: no part of a {type(whole).__name__} can be held out. Give it the data set '
                             f'inside, and put the HeldOutPart into the {type(whole).__name__}.') from error
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
