"""Batches whose clips carry a seed."""
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, DefaultSampler, RepeatDataset
from torch.utils.data import SequentialSampler

from claip_emo_mm.datasets import AudioVisualDataset, samplers
from claip_emo_mm.datasets.samplers import SeededBatchSampler, SeededIndex, seed_clip
from claip_emo_mm.errors import InputError

Batches = list[list[tuple[int, int]]]


def batches(rank: int = 0, processes: int = 1, batch_size: int = 4, epoch: int = 0, skipped: int = 0,
            drop_last: bool = False, monkeypatch: pytest.MonkeyPatch | None = None) -> Batches:
    """Numbers and seeds of the clips of an epoch over eleven clips, for one of some processes."""
    sampler = DefaultSampler(range(11), shuffle=True, seed=3)
    if processes > 1:
        sampler.rank, sampler.world_size, sampler.num_samples, sampler.total_size = rank, processes, 6, 12
        monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, processes))
    sampler.set_epoch(epoch)
    made = SeededBatchSampler(sampler, batch_size, drop_last)
    made.skip(skipped)
    return [[(int(index), index.seed) for index in batch] for batch in made]


def test_seed_is_that_of_run_epoch_and_place() -> None:
    alone = batches()
    assert [len(batch) for batch in alone] == [4, 4, 3]
    assert sorted(index for batch in alone for index, _ in batch) == list(range(11))
    seeds = [seed for batch in alone for _, seed in batch]
    assert seeds[6] == np.random.SeedSequence([3, 0, 6]).generate_state(1)[0]
    assert len(set(seeds) | {seed for batch in batches(epoch=1) for _, seed in batch}) == 22


def test_batches_are_skipped_once() -> None:
    sampler = SeededBatchSampler(DefaultSampler(range(11), shuffle=False, seed=3), 4)
    sampler.skip(2)
    assert len(sampler) == 3 and [list(map(int, batch)) for batch in sampler] == [[8, 9, 10]]
    assert len(list(sampler)) == 3
    assert batches(skipped=1) == batches()[1:]
    assert batches(drop_last=True) == batches()[:2]


def test_processes_share_the_samples_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [clip for batch in batches() for clip in batch]
    both = [[clip for batch in batches(rank, 2, 2, monkeypatch=monkeypatch) for clip in batch] for rank in (0, 1)]
    taken_in_turns = [clip for pair in zip(*both, strict=True) for clip in pair]
    assert taken_in_turns[:11] == alone


def test_seed_stays_in_wrapped_data_sets() -> None:
    index = SeededIndex(7, 99)
    for changed, number in ((pickle.loads(pickle.dumps(index)), 7), (index - 5, 2), (index % 4, 3)):
        assert isinstance(changed, SeededIndex) and (int(changed), changed.seed) == (number, 99)

    class Seeds(BaseDataset):
        def load_data_list(self) -> list[dict]:
            return [{}] * 5

        def prepare_data(self, idx: int) -> tuple[int, int]:
            return int(idx), idx.seed

    assert ConcatDataset([Seeds(), Seeds()])[index] == (2, 99)
    assert RepeatDataset(Seeds(), 2)[index] == (2, 99)


def test_clip_is_seeded() -> None:
    samples = []
    for index in (SeededIndex(1, 5), SeededIndex(2, 5), SeededIndex(1, 6)):
        seed_clip(index)
        samples.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert samples[0] == samples[1] and all(a != b for a, b in zip(samples[0], samples[2], strict=True))
    seed_clip(1)  # a plain number changes nothing
    assert random.random() != samples[2][0]


def test_sampler_without_a_seed() -> None:
    with pytest.raises(InputError, match="SequentialSampler has no seed. Use .* sampler=dict.type='DefaultSampler'"):
        SeededBatchSampler(SequentialSampler(range(3)), 2)


def test_data_set_samples_by_the_seed(made_list: Path) -> None:
    pipeline = [lambda results: dict(results, sampled=np.random.rand())]
    dataset = AudioVisualDataset('list.csv', pipeline, data_root=str(made_list), classes=['calm', 'loud'])
    first, second, other = (dataset[index] for index in (SeededIndex(0, 4), SeededIndex(0, 4), SeededIndex(0, 5)))
    assert first['sampled'] == second['sampled'] != other['sampled']
    assert type(first['sample_idx']) is int


@pytest.fixture
def made_list(tmp_path: Path) -> Path:
    (tmp_path / 'a.mp4').touch()
    (tmp_path / 'list.csv').write_text('video,label\na.mp4,calm\n')
    return tmp_path
