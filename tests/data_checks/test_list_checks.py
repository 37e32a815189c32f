"""A set like DFEW whose lists, labels or counts are wrong in every way that the checks name."""
import csv
import shutil
from pathlib import Path

import pytest
from checked_tree import TRAIN, check, fixed_names, found_by, only, rewrite
from mmengine.config import Config

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, read_splits
from claip_emo_mm.data_checks.list_checks import check_official, find_class_order
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.known_corpora import CORPORA
from claip_emo_mm.datasets.labels import DFEW, MAFW, OTHER_MAFW_ORDER
from claip_emo_mm.datasets.official_splits import OfficialSplit, official_counts


def list_of_counts(tree: Path, order: list[str], make_config) -> Config:
    """A test list of fold 1 with the published counts, its class names permuted; all rows show a few folders."""
    counts = official_counts(DFEW, 1, 'test')
    rows = [order[label] for label, count in enumerate(counts) for _ in range(count)]
    with open(tree / 'lists/fold1_test.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('frames', 'audio', 'label'))
        writer.writerows((f'frames/{number:05d}', '', label) for number, label in enumerate(rows, 1000))
    cfg = make_config(tree)
    dataset = cfg.test_dataloader.dataset
    return Config(dict(test_dataloader=dict(dataset=dict(
        type='DFEWDataset', fold=1, split='test', data_root=str(tree), pipeline=dataset.pipeline))))


@pytest.mark.parametrize('transform', ['DecodeFrames', 'LoadAudioWindows'])  # with frames, and by its name alone
def test_a_clip_in_training_and_test(tree: Path, make_config, transform: str) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [
        *rows, dict(frames='frames/00016', audio='audio/00016.wav', label=DFEW.classes[2])])
    outcome = check(make_config(tree, **{f'{split}_dataloader.dataset.pipeline': [dict(type=transform)]
                                         for split in ('train', 'test')}), tree)
    issue = only(outcome, 'train and test')
    assert issue.severity == ERROR and list(issue.clips) == ['frames/00016']
    assert fixed_names(outcome, 'train') == TRAIN


def test_a_clip_under_two_names(tree: Path, make_config) -> None:
    shutil.rmtree(tree / 'frames/00012')
    shutil.copytree(tree / 'frames/00017', tree / 'frames/00012')
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'identical clips')
    assert issue.severity == ERROR and set(issue.clips) == {'frames/00012', 'frames/00017'}
    assert '1 groups of clips have the same frames (1 of them in training and in validation or test' in issue.found
    assert fixed_names(outcome, 'train') == [name for name in TRAIN if name != '00012']


def test_the_same_audio_twice(tree: Path, make_config) -> None:
    shutil.copy(tree / 'audio/00001.wav', tree / 'audio/00002.wav')
    issue = only(check(make_config(tree), tree), 'identical clips')
    assert issue.severity == WARNING and 'the same audio (0 of them in training and' in issue.found
    assert '1 with different labels' in issue.found


def test_rows_that_repeat_a_clip(tree: Path, make_config) -> None:
    def repeat(rows: list[dict]) -> list[dict]:
        return [*rows, rows[0], dict(rows[1], label='fear')]

    rewrite(tree / 'lists/fold1_train.csv', repeat)
    outcome = check(make_config(tree), tree)
    several, again = found_by(outcome, 'repeated clips')
    assert list(several.clips) == ['frames/00002'] and 'with several labels' in several.found
    assert list(again.clips) == ['frames/00001'] and 'several times' in again.found
    assert fixed_names(outcome, 'train') == [name for name in TRAIN if name != '00002']


def test_labels_that_are_no_class(tree: Path, make_config) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [dict(rows[0], label='3'), *rows[1:]])
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'labels')
    assert "'3' (1)" in issue.found and list(issue.clips) == ['frames/00001']
    assert fixed_names(outcome, 'train') == TRAIN[1:]


def test_a_class_that_is_never_shown(tree: Path, make_config) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [row for row in rows if row['label'] != 'fear'])
    issue = only(check(make_config(tree), tree), 'counts')
    assert issue.severity == ERROR and 'no clip of fear' in issue.found


def test_classes_that_differ(tree: Path, make_config) -> None:
    other = [DFEW.classes[1], DFEW.classes[0], *DFEW.classes[2:]]
    cfg = make_config(tree, **{'test_dataloader.dataset.classes': other, 'model.cls_head.num_classes': 11})
    issues = found_by(check(cfg, tree), 'class order')
    assert [issue.where for issue in issues] == ['test_dataloader', 'model.cls_head']
    assert 'num_classes is 11, the data have 7 classes' in issues[1].found


def test_published_counts(tree: Path, make_config) -> None:
    outcome = check(list_of_counts(tree, list(DFEW.classes), make_config), tree)
    assert any(issue.check == 'counts' and '2341 clips, in each class as many as published' in issue.found
               for issue in outcome.issues)
    assert not found_by(outcome, 'class order')


@pytest.mark.parametrize(('order', 'title'), [
    ([*DFEW.classes[1:], DFEW.classes[0]], 'one too high'), ([DFEW.classes[-1], *DFEW.classes[:-1]], 'one too low')])
def test_labels_that_are_shifted(tree: Path, make_config, order: list[str], title: str) -> None:
    outcome = check(list_of_counts(tree, order, make_config), tree)
    issue, = found_by(outcome, 'class order')
    assert issue.severity == ERROR and title in issue.found and 'happy' in issue.found


def test_labels_in_alphabetical_order(tree: Path, make_config) -> None:
    # label 0 was written for 'angry', the first by the alphabet, and read as 'happy'
    alphabet = sorted(DFEW.classes)
    order = [DFEW.classes[alphabet.index(name)] for name in DFEW.classes]
    cfg = list_of_counts(tree, order, make_config)
    for number in range(1000, 1000 + 2341):
        (tree / f'frames/{number:05d}').symlink_to(tree / 'frames/00001')
    cfg.test_dataloader.dataset.pipeline = [dict(type='DecodeFrames')]
    outcome = check(cfg, tree)
    assert 'alphabetical' in found_by(outcome, 'class order')[0].found
    written, = outcome.write_fixed_lists().values()
    labels = [clip.label for clip in read_annotation_list(written[0])]
    assert labels == [name for name, count in zip(DFEW.classes, official_counts(DFEW, 1, 'test'), strict=True)
                      for _ in range(count)]


def test_labels_in_the_other_order_of_mafw() -> None:
    """Numbers of a list that begins with happiness, read as ours."""
    counts = dict(zip(MAFW.classes, official_counts(MAFW, 1, 'test'), strict=True))
    labels = [MAFW.classes[number] for number, name in enumerate(OTHER_MAFW_ORDER) for _ in range(counts[name])]
    title, names = find_class_order(labels, OfficialSplit(MAFW, 1, 'test'))
    assert 'begins with happiness' in title
    assert [names[name] for name in MAFW.classes] == list(OTHER_MAFW_ORDER)


def test_other_counts(tree: Path, make_config) -> None:
    cfg = list_of_counts(tree, list(DFEW.classes), make_config)
    rewrite(tree / 'lists/fold1_test.csv', lambda rows: rows[5:])
    issue, = found_by(check(cfg, tree), 'counts')
    assert issue.severity == WARNING and 'happy 484 (489)' in issue.found


def test_the_owners_list(shared: Path, tree: Path, make_config) -> None:
    """MAFW's audiovisual list leaves out three clips of the official one, and one label was changed here."""
    lists = shared / 'annotations/MAFW'
    rows = [row.split() for row in (lists / 'audio_visual/single/split01/test.csv').read_text().splitlines()]
    rows[0][2] = '3'
    (tree / 'mine.csv').write_text('\n'.join(' '.join(row) for row in rows))
    cfg = Config(dict(test_dataloader=dict(dataset=dict(
        type='MAFWDataset', fold=1, split='test', data_root=str(tree), ann_file='mine.csv', pipeline=[]))))
    outcome = check(cfg, tree, official=lists / 'single/no_caption')
    absent, = found_by(outcome, 'official list')
    assert list(absent.clips) == ['00903', '03414', '03724'] and '3 of its 1839 clips are not here' in absent.found
    wrong, = found_by(outcome, 'labels')
    assert list(wrong.clips) == ['00025'] and 'is happiness here, anger there' in wrong.found


@pytest.mark.parametrize(('name', 'folder', 'split', 'clips'), [('cremad', 'CREMA-D', 'test', 1475),
                                                               ('ravdess', 'RAVDESS', 'train', 1200)])
def test_public_lists_of_corpora(shared: Path, tmp_path: Path, name: str, folder: str, split: str, clips: int) -> None:
    """Lists by names of files alone, compared clip by clip with HiCMAE's."""
    corpus, lists = CORPORA[name], shared / 'annotations' / folder / 'audio_visual'
    names = {Path(row.split()[0]).name for path in lists.glob('split0*/test.csv')
             for row in path.read_text().splitlines()}
    suffix = Path('.flv' if name == 'cremad' else '.mp4')
    listed = corpus.lists(corpus.find(f'{clip}{suffix}', 'videos')[1] for clip in names)[f'lists/fold3_{split}.csv']
    path = tmp_path / f'lists/fold3_{split}.csv'
    path.parent.mkdir()
    rows = [f'frames/{clip.clip_id},,{clip.label}\n' for clip in listed]
    path.write_text('frames,audio,label\n' + ''.join(rows))
    cfg = Config({f'{split}_dataloader': dict(dataset=dict(
        type='CorpusDataset', corpus=name, fold=3, split=split, data_root=str(tmp_path), pipeline=[]))})
    checked, = read_splits(cfg)
    issue, = check_official(checked, lists)
    assert (issue.severity, issue.found) == (NOTE, f'{clips} clips have the label that the official list names')
    rows[0] = rows[0].replace(listed[0].label, corpus.schema.classes[-1])
    path.write_text('frames,audio,label\n' + ''.join(rows))
    wrong, = check_official(read_splits(cfg)[0], lists)
    assert wrong.severity == ERROR and list(wrong.clips) == [listed[0].clip_id]
