from collections import Counter

import pytest
from mmaction.registry import DATA_SAMPLERS

from claip_emo_mm.datasets import samplers
from claip_emo_mm.datasets.samplers import ClassBalancedSampler
from claip_emo_mm.errors import InputError


class LabelledClips:
    """Clips of classes 0, 2 and 3; no clip is of class 1."""

    def __init__(self, *counts: int) -> None:
        self.labels = [label for label, count in zip((0, 2, 3), counts, strict=True) for _ in range(count)]

    def __len__(self) -> int:
        return len(self.labels)

    def get_data_info(self, index: int) -> dict:
        return dict(label=self.labels[index])


@pytest.mark.parametrize(('balance', 'expected'), [
    (1, (1 / 3, 1 / 3, 1 / 3)), (0, (.9, .09, .01)),
    (.5, (.7034, .2224, .0741))])  # as the square roots of 9000, 900 and 100: 94.87, 30 and 10 of 134.87
def test_ratios_of_the_classes(balance: float, expected: tuple[float, ...]) -> None:
    clips = LabelledClips(9000, 900, 100)
    sampler = DATA_SAMPLERS.build(dict(type='ClassBalancedSampler', balance=balance, seed=1, dataset=clips))
    sampled = Counter(clips.labels[index] for index in sampler)
    assert sum(sampled.values()) == len(sampler) == 10000
    assert [sampled[label] / 10000 for label in (0, 2, 3)] == pytest.approx(expected, abs=.02)


def test_epochs_and_seeds_differ_and_repeat() -> None:
    def sample(seed: int, epoch: int) -> list[int]:
        sampler = ClassBalancedSampler(LabelledClips(20, 5, 2), seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert sample(1, 0) == sample(1, 0) and sample(1, 5) == sample(1, 5)
    assert sample(1, 0) != sample(1, 5) and sample(1, 0) != sample(2, 0)


@pytest.mark.parametrize('processes', [2, 3])
def test_processes_share_one_sample(monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    clips = LabelledClips(20, 5, 2)
    alone = list(ClassBalancedSampler(clips, seed=7))
    ratios = []
    for rank in range(processes):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda rank=rank: (rank, processes))
        sampler = ClassBalancedSampler(clips, seed=7)
        ratios.append(list(sampler))
        assert len(ratios[-1]) == len(sampler) == -(-27 // processes)
    together = [index for turn in zip(*ratios, strict=True) for index in turn]
    assert together[:27] == alone  # the same clips, and with the same batches in all of them together


def test_what_cannot_be_balanced() -> None:
    with pytest.raises(InputError, match='balance is 2. Expected 0'):
        ClassBalancedSampler(LabelledClips(1, 1, 1), balance=2)
    clips = LabelledClips(1, 1, 1)
    clips.get_data_info = lambda index: dict(filename='a.mp4')
    with pytest.raises(InputError, match=r'clip 0 of the data set has no label \(found: filename\)'):
        ClassBalancedSampler(clips)
