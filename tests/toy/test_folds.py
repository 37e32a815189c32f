"""Folds of the toy set's people, and the data set that reads them."""
import csv
from pathlib import Path

import pytest

from claip_emo_mm.datasets import FoldDataset
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy import dataset
from claip_emo_mm.toy.dataset import make_toy_set, write_toy_folds

PEOPLE, FOLDS = 4, 3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A toy set of 2 + 1 + 1 people with empty clips."""
    monkeypatch.setattr(dataset, 'make_clip', lambda out, settings, clip: (out / clip.video).touch())
    make_toy_set(tmp_path / 'toy', clips=(14, 7, 7), workers=1)
    return tmp_path / 'toy'


def people(path: Path) -> list[str]:
    with path.open(encoding='utf-8', newline='') as file:
        return [row['identity'] for row in csv.DictReader(file)]


def test_each_person_is_tested_once_and_never_in_both_splits(folder: Path) -> None:
    paths = write_toy_folds(folder, FOLDS)
    assert [path.relative_to(folder).as_posix() for path in paths] == [
        f'lists/fold{fold}_{split}.csv' for fold in (1, 2, 3) for split in ('train', 'test')]
    tested = []
    for train, test in zip(paths[::2], paths[1::2], strict=True):
        assert not set(people(train)) & set(people(test))
        assert len(people(train)) + len(people(test)) == 7 * PEOPLE
        tested += people(test)
    assert sorted(tested) == sorted(7 * ['train_000', 'train_001', 'val_000', 'test_000'])


@pytest.mark.parametrize('folds', [1, 5])
def test_number_of_folds(folder: Path, folds: int) -> None:
    with pytest.raises(InputError, match=f'--folds {folds}: expected 2 to 4'):
        write_toy_folds(folder, folds)


def test_another_set_takes_their_place(folder: Path) -> None:
    write_toy_folds(folder, FOLDS)
    make_toy_set(folder, clips=(7, 7, 7), workers=1, overwrite=True)
    assert not list(folder.glob('lists/*.csv'))


def test_fewer_folds_leave_none_of_the_old_ones(folder: Path) -> None:
    write_toy_folds(folder, 4)
    paths = write_toy_folds(folder, 2)
    assert sorted(folder.glob('lists/*')) == sorted(paths) and len(paths) == 4


def test_replacing_a_set_goes_on_wherever_it_was_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    write_toy_folds(folder, FOLDS)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(dataset, 'write_json', stop)  # all is removed, the new settings are not there yet
        make_toy_set(folder, clips=(7, 7, 7), workers=1, overwrite=True)
    assert len(people(make_toy_set(folder, clips=(7, 7, 7), workers=1, overwrite=True)['train'])) == 7


def test_data_set(folder: Path) -> None:
    write_toy_folds(folder, FOLDS)
    train, test = (FoldDataset(2, [], data_root=str(folder), test_mode=mode) for mode in (False, True))
    assert (len(train), len(test)) == (21, 7)
    assert FoldDataset(1, [], split='test', data_root=str(folder)).ann_file.endswith('lists/fold1_test.csv')
    with pytest.raises(InputError, match="fold is 0 and split 'test'. Expected a number from 1, and 'train' or 'test'"):
        FoldDataset(0, [], test_mode=True)
    with pytest.raises(InputError, match="split 'val'"):
        FoldDataset(1, [], split='val')
    with pytest.raises(InputError, match=r'fold4_train.csv: there is no such annotation list'):
        FoldDataset(4, [], data_root=str(folder))
