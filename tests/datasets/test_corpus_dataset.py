"""Splits of public corpora as data sets of a config."""
import logging
from pathlib import Path

import pytest
from mmaction.registry import DATASETS

from claip_emo_mm.datasets import official_splits
from claip_emo_mm.datasets.labels import CREMAD, DFEW, MELD, RAVDESS, RAVDESS_7, get_schema
from claip_emo_mm.datasets.official_splits import OfficialSplit, excluded_counts, num_folds, official_counts
from claip_emo_mm.errors import InputError


def build(**options: object):
    return DATASETS.build(dict(type='CorpusDataset', pipeline=[], **options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, label in (('fold6_test', 'calm'), ('fold1_train', 'sad'), ('val', 'joy')):
        path = tmp_path / f'lists/{name}.csv'
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'frames,audio,label\nframes/a,,{label}\n')
    (tmp_path / 'frames/a').mkdir(parents=True)
    return tmp_path


def test_each_split_has_its_list(root: Path) -> None:
    ravdess = build(corpus='ravdess', fold=6, data_root=str(root), test_mode=True)
    assert ravdess[0] == dict(frame_dir=str(root / 'frames/a'), audio_path='', label=1, sample_idx=0)
    assert ravdess.published == OfficialSplit(RAVDESS, 6, 'test')
    assert build(corpus='cremad', fold=1, split='train', data_root=str(root))[0]['label'] == 5
    meld = build(corpus='meld', split='val', data_root=str(root), test_mode=True)
    assert meld[0]['label'] == 4 and meld.published.title == 'MELD, val'
    assert build(corpus='ravdess_7', fold=1, lazy_init=True).data_root == 'data/ravdess'


@pytest.mark.parametrize(('options', 'message'), [
    (dict(corpus='iemocap', fold=1), "corpus is 'iemocap'. Expected 'cremad', 'ravdess'"),
    (dict(corpus='cremad'), 'CREMA-D: fold is None. Expected 1 to 5'),
    (dict(corpus='ravdess', fold=7), 'RAVDESS: fold is 7. Expected 1 to 6'),
    (dict(corpus='savee', fold=5), 'SAVEE: fold is 5. Expected 1 to 4'),
    (dict(corpus='meld', fold=1), 'MELD: fold is 1, but the set has no folds: leave it out'),
    (dict(corpus='meld', split='dev'), "split is 'dev'. Expected 'train', 'val' or 'test'"),
    (dict(corpus='cremad', fold=1, split='val'), "split is 'val'. Expected 'train' or 'test'"),
    (dict(corpus='ravdess_7', fold=1), 'data/ravdess/lists/fold1_train.csv: there is no such annotation list. Have '
                                       'RAVDESS from https://zenodo.org/records/1188976: .*, then: python '
                                       'tools/prepare_data.py ravdess DOWNLOAD --classes 7 --out data/ravdess')])
def test_wrong_options(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(**options)


def test_both_variants_of_cremad_are_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = []
    monkeypatch.setattr(official_splits, 'print_log', lambda text, logger, level: logged.append((text, level)))
    all_clips = dict(zip(CREMAD.classes, official_counts(CREMAD, 4, 'test'), strict=True))
    for changes, level in (({}, logging.INFO), (dict(disgust=-1, sad=-1), logging.INFO),
                           (dict(disgust=-1), logging.WARNING)):
        counts = {name: count + changes.get(name, 0) for name, count in all_clips.items()}
        OfficialSplit(CREMAD, 4, 'test').log_counts('l.csv', [name for name in counts for _ in range(counts[name])])
        assert logged[-1][1] == level
    assert logged[1][0] == 'l.csv: 1474 clips of CREMA-D, fold 4, test, in each class as many as published'
    assert sum(official_counts(CREMAD, 4, 'train')) - sum(excluded_counts(CREMAD, 4, 'train')) == 5963
    assert [sum(official_counts(CREMAD, fold, 'test')) for fold in range(1, 6)] == [1463, 1470, 1476, 1476, 1557]


def test_schemas_map_to_each_other() -> None:
    assert CREMAD.map_to(DFEW) == (3, 5, 6, 0, 2, 1)
    assert RAVDESS.map_to(DFEW) == (2, None, 0, 1, 3, 6, 5, 4)
    assert MELD.map_to(RAVDESS) == (0, 7, 5, 3, 2, 6, 4)
    assert RAVDESS_7.map_to(RAVDESS) == (0, 2, 3, 4, 5, 6, 7)
    assert [CREMAD.label(code) for code in ('ANG', 'DIS', 'FEA', 'HAP', 'NEU', 'SAD')] == [0, 1, 2, 3, 4, 5]
    assert get_schema('enterface05').label('happy') == 3 and get_schema('savee').label('fearful') == 2
    with pytest.raises(InputError, match="'calm' is no class of CREMA-D"):
        CREMAD.label('calm')


def test_folds_of_a_set_that_is_not_published() -> None:
    assert [num_folds(get_schema(name)) for name in ('dfew', 'mafw', 'ravdess', 'savee', 'meld')] == [5, 5, 6, 4, 0]
    with pytest.raises(InputError, match='DFEW twice: no published data set. Expected one of dfew, mafw'):
        num_folds(type(DFEW)('twice', 'DFEW twice', ('a', 'b')))
