"""Draws clips of rare classes more often."""
import math
from collections.abc import Iterator

import torch
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import BaseDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils import check_whole


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(Sampler):
    """Draw the clips of an epoch at random, with replacement, so that rare classes are met more often.

    Every clip of a class of n clips is drawn with a probability that is proportional to n^-balance. An epoch has as
    many clips as the data set. All processes draw the same clips and each takes its share of them, so the draw does
    not depend on their number; it depends on seed and epoch alone.

    Args:
        dataset: data set whose annotations have a `label`.
        balance: 1 to meet all classes equally often, 0 to meet them as often as they are, or something between.
        seed: random seed, the same for all processes; None draws one for all.
    Raises:
        InputError: `balance` is not between 0 and 1, or a clip has no label.
    """

    def __init__(self, dataset: BaseDataset, balance: float = 1.0, seed: int | None = None) -> None:
        if not 0 <= balance <= 1:
            raise InputError(f'ClassBalancedSampler: balance is {balance}. Expected 0 (as the data set is) to 1 (all '
                             'classes equally often).')
        check_whole(self, least=0, seed=seed)
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        unlabelled = [index for index, info in enumerate(infos) if 'label' not in info]
        if unlabelled:
            raise InputError(f'ClassBalancedSampler: clip {unlabelled[0]} of the data set has no label (found: '
                             f"{', '.join(infos[unlabelled[0]])}). Use sampler=dict(type='DefaultSampler').")
        labels = torch.tensor([info['label'] for info in infos])
        self.weights = torch.bincount(labels).double()[labels] ** -balance  # one per clip

    def __len__(self) -> int:
        """The number of clips of this process: the same for all, the draw being rounded up."""
        return math.ceil(len(self.weights) / self.world_size)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.multinomial(self.weights, len(self) * self.world_size, replacement=True, generator=generator)
        return iter(drawn[self.rank::self.world_size].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose clips `__iter__` draws."""
        self.epoch = epoch
