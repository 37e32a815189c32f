"""Clips held out of training, and several splits in one evaluation."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from claip_emo_mm.datasets import AudioVisualDataset, HoldoutSubset, NamedConcatDataset
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import EmotionMetric

CLASSES = ['yes', 'no']


class Label:
    """A transform that leaves an input, the label and the file's name."""

    def __call__(self, results: dict) -> dict:
        if results['filename'].endswith('broken.mp4'):
            raise InputError('broken.mp4: no frames')
        return dict(inputs=dict(mel=0), label=results['label'], name=Path(results['filename']).name)


def make_list(folder: Path, name: str, clips: dict[str, str]) -> dict:
    """Write a list of empty clips; return the config of its data set."""
    for clip in clips:
        (folder / clip).touch()
    rows = ''.join(f'{clip},{label}\n' for clip, label in clips.items())
    (folder / name).write_text(f'video,label\n{rows}')
    return dict(type='mmaction.AudioVisualDataset', ann_file=name, data_root=str(folder), classes=CLASSES,
                pipeline=[Label()])


@pytest.fixture
def dataset_config(tmp_path: Path) -> dict:
    """20 clips of one class, 10 of the other."""
    return make_list(tmp_path, 'all.csv', {f'{number}.mp4': CLASSES[number % 3 == 0] for number in range(30)})


def test_both_splits_are_all_clips(dataset_config: dict) -> None:
    rest, held = (HoldoutSubset(dataset_config, .2, seed=4, held_out=split) for split in (False, True))
    names = [[sample['name'] for sample in (split[index] for index in range(len(split)))] for split in (rest, held)]
    assert sorted(sum(names, [])) == sorted(f'{number}.mp4' for number in range(30))
    assert [split.metainfo['classes'] for split in (rest, held)] == [CLASSES, CLASSES]
    labels = [held.get_data_info(index)['label'] for index in range(len(held))]
    assert np.bincount(labels).tolist() == [4, 2]  # a fifth of each class


def test_the_seed_decides(dataset_config: dict) -> None:
    first, again, other = ([HoldoutSubset(dataset_config, .2, seed, True)[index]['name'] for index in range(6)]
                           for seed in (1, 1, 2))
    assert first == again and first != other


@pytest.mark.parametrize(('ratio', 'expected'), [(0, 'ratio is 0'), (1.5, 'ratio is 1.5'),
                                                 (.01, 'a ratio of 0.01 of 30 clips cannot be held out by class')])
def test_bad_ratio(dataset_config: dict, ratio: float, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        HoldoutSubset(dataset_config, ratio)


def test_splits_are_evaluated_one_by_one(dataset_config: dict, tmp_path: Path) -> None:
    test = make_list(tmp_path, 'test.csv', {'a.mp4': 'yes', 'b.mp4': 'no', 'broken.mp4': 'no', 'c.mp4': 'no'})
    splits = NamedConcatDataset(dict(test=dict(test, on_error='skip'),
                            val=dict(type='mmaction.HoldoutSubset', dataset=dataset_config, ratio=.2, held_out=True)))
    assert len(splits) == 10 and splits.metainfo['splits'] == dict(test=(0, 4), val=(4, 10))
    samples = [splits[index] for index in range(10)]
    assert [sample.get('name') for sample in samples[:4]] == ['a.mp4', 'b.mp4', None, 'c.mp4']
    evaluator = Evaluator([EmotionMetric(split='test'), EmotionMetric(split='val', prefix='val')])
    evaluator.dataset_meta = splits.metainfo
    yes = torch.tensor([.9, .1])
    evaluator.process([dict(gt_label=sample['label'], pred_score=yes, filename=sample['name']) if 'name' in sample
                       else sample['data_samples'] for sample in samples])
    metrics = evaluator.evaluate(10)
    assert metrics['WAR'] == pytest.approx(100 / 3) and metrics['val/WAR'] == pytest.approx(100 * 4 / 6)
    assert evaluator.metrics[0].clips.names == ('a.mp4', 'b.mp4', 'c.mp4')


def test_splits_with_different_classes(dataset_config: dict) -> None:
    with pytest.raises(InputError, match='the splits a, b have different classes'):
        NamedConcatDataset(dict(a=dataset_config, b=dict(dataset_config, classes=['no', 'yes'])))
    metric = EmotionMetric(split='val')
    options = {key: value for key, value in dataset_config.items() if key != 'type'}
    metric.dataset_meta = AudioVisualDataset(**options).metainfo
    metric.process(None, [dict(gt_label=0, pred_score=torch.tensor([1., 0.]))])
    with pytest.raises(InputError, match="split='val', but the data set has no splits"):
        metric.evaluate(1)
