"""Votes of CREMA-D's raters: the owners' file, and data sets with soft labels."""
import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS

from claip_emo_mm.datasets.known_corpora import cremad
from claip_emo_mm.datasets.labels import CREMAD
from claip_emo_mm.datasets.transforms import PackAudioVisualInputs
from claip_emo_mm.datasets.votes import MODALITIES, read_owners_votes, read_votes, write_votes
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.votes import human_baseline

HEADER = '"","A","D","F","H","N","S","fileName","numResponses"'
ROWS = ('"100001",1,2,3,4,5,6,"1001_IEO_ANG_HI",21', '"200001",0,0,0,0,7,3,"1001_IEO_ANG_HI",10',
        '"300001",9,1,0,0,0,0,"1001_IEO_ANG_HI",10')


@pytest.fixture
def owners(tmp_path: Path) -> Path:
    path = tmp_path / 'tabulatedVotes.csv'
    path.write_text('\n'.join((HEADER, *ROWS, '')))
    return path


def test_raters_of_the_real_file(shared: Path) -> None:
    """The figures of the owners' raters, and their own summary, clip by clip."""
    folder = shared / 'annotations/CREMA-D/owners'
    votes, corpus = read_owners_votes(folder / 'tabulatedVotes.csv'), cremad(all_clips=True)
    assert len(votes) == 7442
    with (folder / 'summaryTable.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    labels = np.array([CREMAD.classes.index(corpus.find(f'{row["FileName"]}.flv', 'videos')[1].label) for row in rows])
    table = np.stack([votes[row['FileName']] for row in rows])
    baseline = [human_baseline(labels, table[:, place]) for place in range(3)]
    assert [round(named, 2) for named, _ in baseline] == [40.00, 57.44, 63.07]
    assert [round(alone, 2) for _, alone in baseline] == [41.64, 66.26, 72.21]
    assert table.sum(axis=(0, 2)).tolist() == [68568, 71654, 71778]
    most = table == table.max(axis=2, keepdims=True)
    assert (most.sum(axis=2) > 1).sum(axis=0).tolist() == [644, 470, 420]
    codes = {name[0].upper(): place for place, name in enumerate(CREMAD.classes)}
    for place, column in enumerate(('VoiceVote', 'FaceVote', 'MultiModalVote')):
        for row, winners in zip(rows, most[:, place], strict=True):
            assert {codes[code] for code in row[column].split(':')} == set(np.flatnonzero(winners))


def test_the_owners_file_and_ours(owners: Path, tmp_path: Path) -> None:
    votes = read_owners_votes(owners)
    assert votes['1001_IEO_ANG_HI'].tolist() == [[1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 7, 3], [9, 1, 0, 0, 0, 0]]
    write_votes(tmp_path / 'votes.csv', votes, CREMAD.classes)
    assert (tmp_path / 'votes.csv').read_text().splitlines()[:2] == [
        'clip,raters,anger,disgust,fear,happy,neutral,sad', '1001_IEO_ANG_HI,voice,1,2,3,4,5,6']
    again = read_votes(tmp_path / 'votes.csv', CREMAD.classes[::-1])
    assert again['1001_IEO_ANG_HI'][2].tolist() == [0, 0, 0, 0, 1, 9]


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('"F"', '"X"', r'columns , a, d, x, .* found, f missing. Expected votes as in tabulatedVotes.csv'),
    ('"100001"', '"400001"', r":2: the row is '400001'. Expected a number that begins with 1 \(voice\)"),
    ('"200001"', '"100002"', ':3: a second row of 1001_IEO_ANG_HI, voice'),
    (ROWS[1] + '\n', '', 'no votes of face on 1001_IEO_ANG_HI'),
    ('9,1,0', 'nine,1,0', ':4: votes nine, 1, .* Expected numbers'),
    ('9,1,0', '-9,1,0', 'Expected numbers from 0, not all of them 0'),
    ('9,1,0', '0,0,0', 'not all of them 0')])
def test_files_that_are_none(owners: Path, old: str, new: str, message: str) -> None:
    owners.write_text(owners.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        read_owners_votes(owners)


@pytest.fixture
def root(tmp_path: Path, owners: Path) -> Path:
    """A prepared CREMA-D of one clip."""
    (tmp_path / 'frames/1001_IEO_ANG_HI').mkdir(parents=True)
    (tmp_path / 'lists').mkdir()
    for split in ('train', 'test'):
        (tmp_path / f'lists/fold1_{split}.csv').write_text('frames,audio,label\nframes/1001_IEO_ANG_HI,,anger\n')
    write_votes(tmp_path / 'votes.csv', read_owners_votes(owners), CREMAD.classes)
    return tmp_path


def build(root: Path, **options: object):
    return DATASETS.build(dict(type='CorpusDataset', corpus='cremad', fold=1, pipeline=[], data_root=str(root),
                               **options))


def test_soft_labels_are_ratios_of_votes(root: Path) -> None:
    acted = build(root)[0]
    assert acted['label'] == 0 and 'soft_label' not in acted and acted['votes'].shape == (3, 6)
    assert build(root, labels='votes')[0]['soft_label'].tolist() == [.9, .1, 0, 0, 0, 0]
    assert build(root, labels='votes', votes='face')[0]['soft_label'].tolist() == [0, 0, 0, 0, .7, .3]
    voice = build(root, labels='votes', votes='voice')[0]
    np.testing.assert_allclose(voice['soft_label'], np.arange(1, 7) / 21)
    assert voice['label'] == 0  # for samplers and held-out splits
    tested = build(root, labels='votes', test_mode=True)[0]  # on the acted emotion, with the votes beside it
    assert 'soft_label' not in tested and tested['votes'].tolist()[1] == [0, 0, 0, 0, 7, 3]


def test_packed_samples_have_them(root: Path) -> None:
    mel = dict(mel=torch.zeros(1, 1, 3, 2), audio_index=np.zeros(1, np.int64))
    sample = PackAudioVisualInputs()(build(root, labels='votes')[0] | mel)['data_samples']
    assert sample.gt_label.tolist() == pytest.approx([.9, .1, 0, 0, 0, 0]) and sample.gt_label.is_floating_point()
    sample = PackAudioVisualInputs()(build(root, test_mode=True)[0] | mel)['data_samples']
    assert sample.gt_label.tolist() == [0] and sample.get('votes').sum() == 41


def test_what_is_missing(root: Path) -> None:
    with pytest.raises(InputError, match="labels='votes' with corpus='ravdess'. Only cremad has votes"):
        DATASETS.build(dict(type='CorpusDataset', corpus='ravdess', fold=1, pipeline=[], labels='votes'))
    with pytest.raises(InputError, match="votes is 'all'. Expected 'voice', 'face' or 'both'"):
        build(root, labels='votes', votes='all')
    with pytest.raises(InputError, match="labels is 'soft'. Expected 'acted' or 'votes'"):
        build(root, labels='soft')
    text = (root / 'votes.csv').read_text()
    (root / 'votes.csv').write_text(text.replace('1001', '1002'))
    assert 'votes' not in build(root)[0]
    with pytest.raises(InputError, match='votes.csv: no votes on 1001_IEO_ANG_HI, which .*fold1_train.csv lists'):
        build(root, labels='votes')
    (root / 'votes.csv').write_text(text.replace('voice', 'nobody'))
    with pytest.raises(InputError, match=f"raters of 'nobody'. Expected one of {', '.join(MODALITIES)}"):
        build(root)
    (root / 'votes.csv').unlink()
    with pytest.raises(InputError, match='the votes of people are not there. Put tabulatedVotes.csv of CREMA-D into'):
        build(root, labels='votes')
