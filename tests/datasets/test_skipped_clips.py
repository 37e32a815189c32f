"""Clips that cannot be read, in every wrapper of data sets."""
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import is_skipped

CLASSES = ['calm', 'loud']


class Pack:
    """A transform that packs the number in a file's name; `broken` ones cannot be read."""

    def __init__(self, named: bool = True) -> None:
        self.named = named
        self.read: list[str] = []

    def __call__(self, results: dict) -> dict:
        name = Path(results['filename']).stem
        self.read.append(name)
        if name.startswith('broken'):
            raise InputError(f'{name}: no frames')
        value = torch.tensor([int(name)])
        sample = ActionDataSample(metainfo=dict(filename=results['filename'])).set_gt_label(results['label'])
        return dict(inputs=dict(mel=value) if self.named else value, data_samples=sample)


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., dict]:
    """Writes a list, of which every second clip is loud, and returns the config of its data set."""
    def write(*names: str, pack: Pack | None = None) -> dict:
        for name in names:
            (tmp_path / f'{name}.mp4').touch()
        rows = [f'{name}.mp4,{CLASSES[number % 2]}' for number, name in enumerate(names)]
        path = tmp_path / f'{"_".join(names)}.csv'
        path.write_text('\n'.join(['video,label', *rows, '']))
        return dict(type='mmaction.AudioVisualDataset', ann_file=str(path), data_root=str(tmp_path), classes=CLASSES,
                    pipeline=[pack or Pack()], on_error='skip')
    return write


def batches(dataset: object, size: int = 2) -> list[tuple[dict, list[bool]]]:
    """Inputs of each batch, and which of its clips are skipped."""
    loader = DataLoader(dataset, size, collate_fn=pseudo_collate)
    return [(batch['inputs'], [is_skipped(sample) for sample in batch['data_samples']]) for batch in loader]


def test_the_first_one_of_all_has_the_names_of_the_others(listed: Callable[..., dict]) -> None:
    pack = Pack()
    dataset = DATASETS.build(listed('broken0', 'broken1', '2', '3', pack=pack))
    assert batches(dataset) == [(dict(mel=[None, None]), [True, True]), (dict(mel=[2, 3]), [False, False])]
    assert pack.read == ['broken0', 'broken1', '2', 'broken1', '2', '3']  # one clip was read for its names, once


def test_not_one_can_be_read(listed: Callable[..., dict]) -> None:
    pack = Pack()
    assert batches(DATASETS.build(listed('broken0', 'broken1', pack=pack))) == [({}, [True, True])]
    assert len(pack.read) == 3


@pytest.mark.parametrize(('wrapper', 'expected'), [
    (dict(type='RepeatDataset', times=2), [0, None, 2, 0, None, 2]),
    (dict(type='ClassBalancedDataset', oversample_thr=1.), [0, 0, None, None, 2, 2]),  # ceil of (3/2)**.5 and 3**.5
    (dict(type='HoldoutSubset', ratio=.5), None),
])
def test_in_wrapped_data_sets(listed: Callable[..., dict], wrapper: dict, expected: list | None) -> None:
    names = ['0', 'broken1', '2'] if expected else ['0', '1', '2', '3', 'broken4', 'broken5', 'broken6', 'broken7']
    found = batches(DATASETS.build(dict(wrapper, dataset=listed(*names))), size=4)
    values = [value for inputs, _ in found for value in inputs['mel']]
    assert values == expected if expected else len(values) == 4 and None in values
    assert [skipped for _, several in found for skipped in several] == [value is None for value in values]


def test_concatenated_data_sets(listed: Callable[..., dict]) -> None:
    datasets = [listed('broken0', '1', '2'), listed('3', 'broken4')]
    assert batches(DATASETS.build(dict(type='ConcatDataset', datasets=datasets)), 3) == [
        (dict(mel=[None, 1, 2]), [True, False, False]), (dict(mel=[3, None]), [False, True])]
    splits = DATASETS.build(dict(type='NamedConcatDataset', splits=dict(test=datasets[0], val=datasets[1])))
    assert batches(splits, 5) == [(dict(mel=[None, 1, 2, 3, None]), [True, False, False, False, True])]
    assert [splits[index]['data_samples'].get('split') for index in range(5)] == ['test'] * 3 + ['val'] * 2


def test_repeated_clips_cannot_be_held_out(listed: Callable[..., dict]) -> None:
    repeated = dict(type='RepeatDataset', times=2, dataset=listed('0', '1', '2', '3'))
    with pytest.raises(InputError, match='no split of a RepeatDataset can be held out. Give it the data set inside'):
        DATASETS.build(dict(type='HoldoutSubset', dataset=repeated, ratio=.5))
    inside = dict(type='HoldoutSubset', dataset=listed('0', '1', '2', '3'), ratio=.5)
    assert len(DATASETS.build(dict(type='RepeatDataset', times=3, dataset=inside))) == 6


def test_batches_of_mmaction_have_no_empty_places(listed: Callable[..., dict]) -> None:
    dataset = DATASETS.build(listed('0', 'broken1', pack=Pack(named=False)))
    assert dataset[0]['inputs'] == 0
    with pytest.raises(InputError, match=r"broken1: no frames \(on_error='skip' leaves it .*set on_error='raise'"):
        dataset[1]
