"""Finding the folds among all lists."""
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.fold_lists import read_fold_lists
from claip_emo_mm.data_preparation.source_scan import find_distribution
from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND, LabelSchema
from claip_emo_mm.errors import InputError

DFEW_ROWS = [f'{number:05d},{number}' for number in range(1, 8)]  # clip i shows class i, counted from 1


def write(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(rows) + '\n', encoding='utf-8')


def write_official(root: Path, rows: list[str] = DFEW_ROWS, fold: int = 1) -> None:
    for split in ('train', 'test'):
        write(root / f'{split}(single-labeled)' / f'{split}_set_{fold}.csv', ['video_name,label', *rows])


def write_audiovisual(root: Path, numbers: list[int]) -> None:
    for split in ('train', 'test'):
        write(root / 'split01' / f'{split}.csv',
              [f'data/frames/{number:05d} data/audio/{number}.wav {number - 1}' for number in numbers])


def read(root: Path, schema: LabelSchema = DFEW, folds: tuple[int, ...] = (1,), kind: str = '') -> dict:
    """Clip id -> label, for each fold and split."""
    lists = read_fold_lists(root, find_distribution(root).lists, schema, folds, kind)
    return {key: {clip_id: clip.label for clip_id, clip in clips.items()} for key, clips in lists.items()}


@pytest.mark.parametrize(('folder', 'schema', 'kind', 'counts'), [
    # Of the official lists, counted with `wc -l`; MAFW's single ones have no header.
    ('DFEW', DFEW, '', [(9356, 2341), (9356, 2341), (9357, 2340), (9358, 2339), (9361, 2336)]),
    ('MAFW', MAFW, 'single', [(7333, 1839), (7335, 1837), (7339, 1833), (7340, 1832), (7341, 1831)]),
    ('MAFW', MAFW_COMPOUND, 'compound', [(7178, 1818), (7187, 1809), (7198, 1798), (7208, 1788), (7213, 1783)])])
def test_the_real_lists(shared: Path, folder: str, schema: LabelSchema, kind: str,
                        counts: list[tuple[int, int]]) -> None:
    lists = read(shared / 'annotations' / folder, schema, (1, 2, 3, 4, 5), kind)
    assert [(len(lists[fold, 'train']), len(lists[fold, 'test'])) for fold in range(1, 6)] == counts


def test_the_family_with_the_most_clips(tmp_path: Path) -> None:
    write_audiovisual(tmp_path / 'audio_visual', [1, 2, 3, 4, 5, 7])
    write_official(tmp_path / 'EmoLabel_DataSplit')
    assert len(read(tmp_path)[1, 'test']) == 7
    assert len(read(tmp_path / 'audio_visual')[1, 'test']) == 6  # as --lists audio_visual


def test_labels_of_both_families(tmp_path: Path) -> None:
    write_official(tmp_path / 'official')
    write_audiovisual(tmp_path / 'audio_visual', [1, 2, 3, 4, 5, 6, 7])
    expected = {f'{number:05d}': name for number, name in enumerate(
        ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear'), 1)}
    for root in (tmp_path, tmp_path / 'official', tmp_path / 'audio_visual'):
        assert read(root) == {(1, 'train'): expected, (1, 'test'): expected}


@pytest.mark.parametrize('name', [
    'EmoLabel_DataSplit/{split}(single_labeled)/set_{fold}.csv',  # DFEW's own
    'EmoLabel_DataSplit/{split}(single-labeled)/{split}_set_{fold}.csv', 'Train & Test '
                                                                         'Set/single/set_{fold}/{split}.txt',
    'fold{fold}/{split}.csv', 'split0{fold}-{split}.csv'])
def test_names_of_lists(tmp_path: Path, name: str) -> None:
    for fold, label in ((1, 1), (2, 7)):
        for split, clip in (('train', 10), ('test', 20)):
            write(tmp_path / name.format(split=split, fold=fold), ['video_name,label', f'{clip + fold},{label}', '9,7'])
    assert read(tmp_path, folds=(1, 2)) == {
        (1, 'train'): {'00011': 'happy', '00009': 'fear'}, (1, 'test'): {'00021': 'happy', '00009': 'fear'},
        (2, 'train'): {'00012': 'fear', '00009': 'fear'}, (2, 'test'): {'00022': 'fear', '00009': 'fear'}}


def test_families_that_contradict_each_other(tmp_path: Path) -> None:
    write_official(tmp_path / 'official')
    write_official(tmp_path / 'other', [*DFEW_ROWS[:2], '00003,4', *DFEW_ROWS[3:]])
    with pytest.raises(InputError, match='contradict each other: clip 00003 is neutral in one, angry in the other '
                                         r'\(1 clips differ\).*--lists'):
        read(tmp_path)


def test_a_fold_under_two_names(tmp_path: Path) -> None:
    write_official(tmp_path)
    write(tmp_path / 'test(single-labeled)' / 'test_set_01.csv', ['video_name,label', *DFEW_ROWS[::-1]])
    with pytest.raises(InputError, match=r'test_set_0?1.csv and .*test_set_0?1.csv are both the test list of fold 1'):
        read(tmp_path)


def test_missing_folds_are_named(tmp_path: Path) -> None:
    write_official(tmp_path, fold=2)
    (tmp_path / 'test(single-labeled)' / 'test_set_2.csv').unlink()
    with pytest.raises(InputError, match='not complete: .*train_set_2.csv is there, '
                                         'test of fold 2, train of fold 3, test of fold 3 not.*--folds'):
        read(tmp_path, folds=(2, 3))


def test_no_lists(tmp_path: Path) -> None:
    write(tmp_path / 'set_1' / 'notes.txt', ['x'])
    with pytest.raises(InputError, match=r'no lists of folds \(csv or txt\) found.*--lists'):
        read(tmp_path)


def test_the_other_kind_of_labels_is_not_taken(tmp_path: Path) -> None:
    for split in ('train', 'test'):
        write(tmp_path / 'compound' / 'set_1' / f'{split}.txt', ['00001.mp4 anger', '00002.mp4 anger_disgust'])
    assert read(tmp_path, MAFW_COMPOUND, kind='compound')[1, 'train'] == {'00001': 'anger', '00002': 'anger_disgust'}
    for root in (tmp_path, tmp_path / 'compound'):
        with pytest.raises(InputError, match='no single lists of folds'):
            read(root, MAFW, kind='single')


def test_the_nearest_folder_says_the_kind(tmp_path: Path) -> None:
    root = tmp_path / 'compound'
    for split in ('train', 'test'):
        write(root / 'single' / 'set_1' / f'{split}.txt', ['00001.mp4 anger'])
    assert read(root, MAFW, kind='single')[1, 'test'] == {'00001': 'anger'}
    with pytest.raises(InputError, match='no compound lists of folds'):
        read(root, MAFW_COMPOUND, kind='compound')


def test_single_labels_are_no_compound_ones(tmp_path: Path) -> None:
    for split in ('train', 'test'):
        write(tmp_path / 'set_1' / f'{split}.txt', ['00001.mp4 anger', '00002.mp4 fear'])
    with pytest.raises(InputError, match='only labels of single emotions.*--lists'):
        read(tmp_path, MAFW_COMPOUND, kind='compound')


def test_a_clip_that_is_listed_twice(tmp_path: Path) -> None:
    write_official(tmp_path, [*DFEW_ROWS, '00003,3'])
    with pytest.raises(InputError, match=r'train_set_1.csv:9: clip 00003 was listed in line 4 already'):
        read(tmp_path)


def test_clips_that_other_lists_leave_out_are_named(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level('INFO'):
        read(shared / 'annotations' / 'MAFW', MAFW, (1, 2, 3, 4, 5), 'single')
    line = next(message for message in caplog.messages if 'clips fewer' in message)
    assert 'audio_visual/single/split01/train.csv (16 clips fewer: 00903, 03414, 03440, 03721,' in line
    assert line.endswith('03931, 09529)')
