"""DFEW and MAFW by folds."""
import logging
from pathlib import Path

import pytest
from mmaction.registry import DATASETS

from claip_emo_mm.datasets import official_splits
from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.official_lists import read_official_list
from claip_emo_mm.datasets.official_splits import OfficialSplit
from claip_emo_mm.errors import InputError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one clip in each list that the tests read."""
    for name, label in (('fold2_test.csv', 'fear'), ('single/fold1_train.csv', 'contempt'),
                        ('compound/fold5_test.csv', 'anger_sadness')):
        path = tmp_path / 'lists' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'frames,audio,label\nframes/00001,,{label}\n')
    (tmp_path / 'frames/00001').mkdir(parents=True)
    return tmp_path


def build(**options: object):
    return DATASETS.build(dict(options, pipeline=[]))


def test_each_fold_has_its_lists(root: Path) -> None:
    dfew = build(type='DFEWDataset', fold=2, split='test', data_root=str(root), test_mode=True)
    assert dfew[0] == dict(frame_dir=str(root / 'frames/00001'), audio_path='', label=6, sample_idx=0)
    assert dfew.published == OfficialSplit(DFEW, 2, 'test')
    assert build(type='DFEWDataset', fold=2, data_root=str(root), test_mode=True).published == dfew.published
    single = build(type='MAFWDataset', fold=1, data_root=str(root))
    assert single.published == OfficialSplit(MAFW, 1, 'train')
    assert single[0]['label'] == 7 and len(single.metainfo['classes']) == 11
    compound = build(type='MAFWDataset', fold=5, split='test', classes='compound', data_root=str(root))
    assert compound[0]['label'] == 26 and len(compound.metainfo['classes']) == 43
    assert compound.published == OfficialSplit(MAFW_COMPOUND, 5, 'test')


def test_another_list(root: Path) -> None:
    (root / 'mine.csv').write_text('frames,audio,label\nframes/00001,,sad\n')
    assert build(type='DFEWDataset', fold=1, split='train', data_root=str(root), ann_file='mine.csv')[0]['label'] == 1


@pytest.mark.parametrize(('options', 'message'), [
    (dict(type='DFEWDataset', fold=0, split='train'), 'DFEW: fold is 0. Expected 1 to 5'),
    (dict(type='MAFWDataset', fold=6, split='train'), 'MAFW single: fold is 6'),
    (dict(type='DFEWDataset', fold=1, split='val'), "split is 'val'. Expected 'train' or 'test'"),
    (dict(type='MAFWDataset', fold=1, split='test', classes='multi'), "is 'multi'. Expected 'single' or 'compound'"),
    (dict(type='DFEWDataset', fold=1, split='test', data_root='nowhere'),
     r'nowhere/lists/fold1_test\.csv: there is no such annotation list\. Have DFEW from its owners, then: python '
     r'tools/prepare_data\.py dfew DOWNLOAD --out nowhere; python tools/check_data\.py CONFIG'),
    (dict(type='MAFWDataset', fold=3, classes='compound', data_root='nowhere'),
     r'prepare_data\.py mafw DOWNLOAD --classes compound --out nowhere; ')])
def test_wrong_options(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(**options)


def test_counts_are_compared_with_the_published_ones(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = shared / 'annotations'
    logged = []
    monkeypatch.setattr(official_splits, 'print_log', lambda text, logger, level: logged.append((text, level)))
    labels = [clip.label for clip in
              read_official_list(lists / 'MAFW/audio_visual/single/split03/test.csv', MAFW).clips]
    OfficialSplit(MAFW, 3, 'test').log_counts('here.csv', labels)
    assert logged[-1] == (
        'here.csv: 1827 clips of MAFW single, fold 3, test, in each class as many as published', logging.INFO)
    OfficialSplit(MAFW, 2, 'test').log_counts('here.csv', labels)
    text, level = logged[-1]
    assert level == logging.WARNING and 'happiness 242 (249)' in text and 'anger' not in text
    labels = [clip.label for clip in read_official_list(lists / 'DFEW/audio_visual/split01/test.csv', DFEW).clips]
    OfficialSplit(DFEW, 1, 'test').log_counts('here.csv', labels[1:])  # the first clip is sad
    assert logged[-1] == (
        'here.csv: 2340 clips of DFEW, fold 1, test. Published are other numbers (in brackets): sad 378 (379)',
        logging.WARNING)
