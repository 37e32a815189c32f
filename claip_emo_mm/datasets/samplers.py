"""Samplers for balanced classes and for resumable training."""
import math
import random
from collections.abc import Iterator

import numpy as np
import torch
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import BaseDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from claip_emo_mm.errors import InputError, check_ratio, check_whole


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(Sampler):
    """Sample the clips of an epoch with replacement, rare classes more often.

    Every clip of a class of n clips has a probability proportional to n^-balance. An epoch has as many clips as the
    data set, which depend on seed and epoch alone, not on the number of processes.

    Args:
        dataset: data set whose annotations have a `label`.
        balance: 1 for all classes equally often, 0 for their own frequency, or a number between.
        seed: random seed, the same for all processes; None for a random one.
    """

    def __init__(self, dataset: BaseDataset, balance: float = 1.0, seed: int | None = None) -> None:
        check_ratio(self, balance=balance)
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
        """Number of clips of this process, the same for all: rounded up."""
        return math.ceil(len(self.weights) / self.world_size)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        indices = torch.multinomial(self.weights, len(self) * self.world_size, replacement=True, generator=generator)
        return iter(indices[self.rank::self.world_size].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose clips `__iter__` samples."""
        self.epoch = epoch


class SeededIndex(int):
    """Index of a clip with a seed, which stays when MMEngine's ConcatDataset and RepeatDataset subtract or divide."""

    seed: int

    def __new__(cls, index: int, seed: int) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __reduce__(self) -> tuple:
        return SeededIndex, (int(self), self.seed)

    def __sub__(self, other: int) -> 'SeededIndex':
        return SeededIndex(int(self) - int(other), self.seed)

    def __mod__(self, other: int) -> 'SeededIndex':
        return SeededIndex(int(self) % int(other), self.seed)


def seed_clip(index: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators (of the CPU) with the seed of a `SeededIndex`."""
    if isinstance(index, SeededIndex):
        random.seed(index.seed)
        np.random.seed(index.seed)
        torch.default_generator.manual_seed(index.seed)


@DATA_SAMPLERS.register_module()
class SeededBatchSampler(Sampler):
    """Batch the clips of a sampler, each with a seed from the run's seed, the epoch and its position in the epoch.

    The augmentation of a clip then depends neither on the number of workers or processes, nor on whether the training
    was interrupted before. `AudioVisualDataset` seeds the generators with it.

    Args:
        sampler: yields the indices of this process's clips; with `seed` and `epoch`, as MMEngine's samplers have them.
        batch_size: clips of a batch.
        drop_last: whether to drop a last batch with fewer clips.
    """

    def __init__(self, sampler: Sampler, batch_size: int, drop_last: bool = False) -> None:
        for name in ('seed', 'epoch'):
            if not hasattr(sampler, name):
                raise InputError(f'SeededBatchSampler: {type(sampler).__name__} has no {name}. Use a sampler that has, '
                                 "such as sampler=dict(type='DefaultSampler', shuffle=True).")
        check_whole(self, batch_size=batch_size)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last
        self._skipped = 0

    def __len__(self) -> int:
        """Number of batches of an epoch, skipped ones included."""
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def skip(self, batches: int) -> None:
        """Begin the next epoch after some batches, which are not read."""
        self._skipped = batches

    def __iter__(self) -> Iterator[list[SeededIndex]]:
        skipped, self._skipped = self._skipped, 0
        rank, world_size = get_dist_info()
        indices = list(self.sampler)
        for start in range(skipped * self.batch_size, len(self) * self.batch_size, self.batch_size):
            places = range(start, min(start + self.batch_size, len(indices)))
            yield [SeededIndex(indices[place], self._seed(place * world_size + rank)) for place in places]

    def _seed(self, place: int) -> int:
        return int(np.random.SeedSequence([self.sampler.seed, self.sampler.epoch, place]).generate_state(1)[0])
