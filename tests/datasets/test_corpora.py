"""Descriptions of data sets: every public list again, clip by clip, from names of files alone."""
import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from claip_emo_mm.datasets.corpora import Corpus, NamedClip
from claip_emo_mm.datasets.known_corpora import CORPORA, cremad, enterface05, meld, ravdess, savee
from claip_emo_mm.datasets.labels import MELD, LabelSchema
from claip_emo_mm.datasets.official_splits import count_by_class, excluded_counts, official_counts
from claip_emo_mm.errors import InputError

CLASSES = LabelSchema('own', 'Own', ('calm', 'loud'))
OWN = dict(schema=CLASSES, videos=(r'(?P<person>\d)_(?P<emotion>[cl])\.mp4',), clip_id='{person}_{emotion}',
           labels=dict(c='calm', l='loud'), folds=(('1',), ('2', '3')))


def named(corpus: Corpus, paths: list[str]) -> list[NamedClip]:
    """The clips of the videos that are not left out."""
    return [corpus.find(path, 'videos')[1] for path in paths if corpus.exclusion(path) is None]


def numbers(corpus: Corpus, clips: list[NamedClip]) -> dict[str, str]:
    return {clip.clip_id: str(corpus.schema.classes.index(clip.label)) for clip in clips}


@pytest.mark.parametrize('all_clips', [False, True])
def test_lists_of_cremad(shared: Path, all_clips: bool) -> None:
    folder = shared / 'annotations' / 'CREMA-D'
    rows = (folder / 'owners/SentenceFilenames.csv').read_text().splitlines()[1:]
    names = [row.split('"')[1] for row in rows]
    corpus = cremad(all_clips)
    lists = corpus.lists(named(corpus, [f'VideoFlash/{name}.flv' for name in names]))
    assert len(names) == 7442 and sum(len(lists[f'lists/fold{fold}_test.csv']) for fold in range(1, 6)) == (
        7442 if all_clips else 7437)
    left_out = {'1040_ITH_SAD_XX', '1064_IEO_DIS_MD', '1064_TIE_SAD_XX', '1076_MTI_NEU_XX', '1076_MTI_SAD_XX'}
    for fold in range(1, 6):
        for split in ('train', 'test'):
            published = {}
            for row in (folder / f'audio_visual/split0{fold}/{split}.csv').read_text().splitlines():
                frames, audio, number = row.split()
                published[Path(frames).name] = number
                assert Path(frames).name == Path(audio).stem
            ours = numbers(corpus, lists[f'lists/fold{fold}_{split}.csv'])
            assert {name: ours[name] for name in ours if name not in left_out} == published
            assert ({*ours} & left_out != set()) <= all_clips
            check_counts(corpus, lists[f'lists/fold{fold}_{split}.csv'], fold, split)


def check_counts(corpus: Corpus, clips: list[NamedClip], fold: int | None, split: str) -> None:
    official, excluded = (counts(corpus.schema, fold, split) for counts in (official_counts, excluded_counts))
    found = count_by_class([clip.label for clip in clips], corpus.schema)
    less = excluded if corpus.excluded and any(excluded) else (0,) * len(official)
    assert found == tuple(count - fewer for count, fewer in zip(official, less, strict=True))


def ravdess_names(shared: Path) -> dict[str, dict[tuple[int, str], str]]:
    """Names of all 1,440 videos, and number by name of each of HiCMAE's lists."""
    lists = {}
    for fold in range(1, 7):
        for split in ('train', 'test'):
            rows = (shared / f'annotations/RAVDESS/audio_visual/split0{fold}/{split}.csv').read_text().splitlines()
            lists[fold, split] = {Path(row.split()[0]).name: row.split()[2] for row in rows}
    return lists


def test_lists_of_ravdess(shared: Path) -> None:
    published = ravdess_names(shared)
    names = sorted(set().union(*published.values()))
    both = [f'Actor_{name[-2:]}/{kind}{name[2:]}.mp4' for name in names for kind in ('02', '01')]
    corpus = ravdess()
    lists = corpus.lists({clip.clip_id: clip for clip in named(corpus, both)}.values())  # each performance once
    for (fold, split), rows in published.items():
        clips = lists[f'lists/fold{fold}_{split}.csv']
        assert numbers(corpus, clips) == rows
        assert len(clips) == (240 if split == 'test' else 1200)
        check_counts(corpus, clips, fold, split)
    seven = ravdess(7)
    lists = seven.lists(named(seven, both[::2]))
    for fold in range(1, 7):
        check_counts(seven, lists[f'lists/fold{fold}_test.csv'], fold, 'test')
        ours = {clip.clip_id for clip in lists[f'lists/fold{fold}_test.csv']}
        assert ours == {name for name in published[fold, 'test'] if name[6:8] != '02'}


def test_songs_of_ravdess() -> None:
    song, speech = 'Actor_03/02-02-03-01-01-01-03.mp4', 'Actor_03/01-01-03-01-01-01-03.mp4'
    assert 'songs takes them' in ravdess().exclusion(song).reason and ravdess().exclusion(speech) is None
    corpus = ravdess(songs=True)
    assert corpus.exclusion(song) is None
    assert [clip.clip_id for clip in named(corpus, [song, speech])] == ['02-02-03-01-01-01-03', '02-01-03-01-01-01-03']
    assert corpus.find('Actor_03/03-02-03-01-01-01-03.wav', 'audio')[0] == 0
    assert corpus.find(speech, 'audio') == (1, corpus.find(speech, 'videos')[1])
    assert corpus.find('Actor_25/02-01-03-01-01-01-25.mp4', 'videos') is None
    with pytest.raises(InputError, match='num_classes is 6'):
        ravdess(6)


def test_lists_of_enterface(shared: Path) -> None:
    corpus, published = enterface05(), {}
    for fold in range(1, 6):
        for split in ('train', 'test'):
            rows = (shared / f'annotations/eNTERFACE05/split0{fold}/{split}.csv').read_text().splitlines()
            published[fold, split] = dict(row.rsplit(' ', 1) for row in rows)
    videos = {path: re.sub(r'.*/subject_(\d+)/(\w+)/sentence_(\d)/', r'enterface database/subject \1/\2/sentence \3/',
                           path) + '.avi' for rows in published.values() for path in rows}
    assert len(videos) == 1287 and 'enterface database/subject 11/anger/sentence 1/s12_an_1.avi' in videos.values()
    ids = {path: corpus.find(video, 'videos')[1].clip_id for path, video in videos.items()}
    assert len(set(ids.values())) == 1287
    lists = corpus.lists(named(corpus, [*videos.values(), 'enterface database/subject 6/anger/sentence 1/s6_an_1.avi']))
    for (fold, split), rows in published.items():
        clips = lists[f'lists/fold{fold}_{split}.csv']
        assert numbers(corpus, clips) == {ids[path]: number for path, number in rows.items()}
        check_counts(corpus, clips, fold, split)
    assert 'no folders of sentences' in corpus.exclusion('x/subject 6/anger/s6_an.avi').reason
    assert corpus.exclusion('x/subject 16/anger/sentence 1/s16_an_1.avi') is None


def test_lists_of_meld(shared: Path) -> None:
    """Names alone tell clip and split; the emotions are the owners' lists'."""
    folders = dict(train='train_splits', val='dev_splits_complete', test='output_repeated_splits_test')
    sizes = {}
    for split, file in meld().table.files.items():
        with (shared / 'annotations/MELD' / file).open(encoding='utf-8', newline='') as text:
            rows = list(csv.DictReader(text))
        paths = [f'MELD.Raw/{folders[split]}/dia{row["Dialogue_ID"]}_utt{row["Utterance_ID"]}.mp4' for row in rows]
        for corpus in (meld(), meld(all_clips=True)):
            clips = corpus.lists(named(corpus, paths))[f'lists/{split}.csv']
            sizes[split, bool(corpus.excluded)] = len(clips)
        assert {clip.clip_id for clip in clips} == {
            f'{split}_dia{row["Dialogue_ID"]}_utt{row["Utterance_ID"]}' for row in rows}
        assert official_counts(MELD, None, split) == count_by_class([row['Emotion'] for row in rows], MELD)
    assert sizes == {('train', False): 9989, ('train', True): 9988, ('val', False): 1109, ('val', True): 1109,
                     ('test', False): 2610, ('test', True): 2608}


def test_names_of_savee() -> None:
    corpus = savee()
    assert corpus.find('AudioVisualClip/DC/sa01.avi', 'videos') == (0, NamedClip('DC_sa01', 'sadness', 'DC'))
    assert corpus.find('AudioData/DC_sa01.wav', 'audio')[1].clip_id == 'DC_sa01'
    assert corpus.find('AudioVisualClip/JK/n30.avi', 'videos')[1].label == 'neutral'
    counts = dict(a=15, d=15, f=15, h=15, n=30, sa=15, su=15)
    names = [f'{person}/{emotion}{number:02d}.avi' for person in ('DC', 'JE', 'JK', 'KL')
             for emotion, count in counts.items() for number in range(1, count + 1)]
    lists = corpus.lists(named(corpus, names))
    assert len(names) == 480 and {clip.person for clip in lists['lists/fold2_test.csv']} == {'JE'}
    for fold in range(1, 5):
        check_counts(corpus, lists[f'lists/fold{fold}_train.csv'], fold, 'train')


def test_names_that_are_none_of_the_set() -> None:
    for path in ('output_repeated_splits_test/final_videos_testdia101_utt0.mp4', 'train/dia1_utt1.mp4'):
        assert meld().find(path, 'videos') is None
    assert cremad().find('VideoFlash/1001_DFA_XXX_XX.flv', 'videos') is None
    assert cremad().find('AudioWAV/1040_ITH_SAD_X.wav', 'audio')[1].clip_id == '1040_ITH_SAD_XX'
    assert [cremad().find(path, 'audio')[0] for path in (
        'CREMA-D/AudioWAV/1001_DFA_ANG_XX.wav', '1001_DFA_ANG_XX.wav', 'AudioMP3/1001_DFA_ANG_XX.mp3')] == [0, 1, 2]


def test_every_set_says_where_it_is_had() -> None:
    assert [*CORPORA] == ['cremad', 'ravdess', 'ravdess_7', 'enterface05', 'meld', 'savee']
    for corpus in CORPORA.values():
        assert corpus.address and corpus.license and corpus.protocol
        assert all(entry.reason for entry in corpus.excluded)


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(videos=(r'(?P<person>\d',)), r"Own: videos '\(\?P<person>\\\\d' is no regular expression"),
    (dict(videos=(r'(?P<person>\d)\.mp4',)), 'lacks the groups emotion'),
    (dict(audio=(r'(?P<emotion>\d)\.wav',)), "audio .* lacks the groups person"),
    (dict(labels=dict(c='calm', l='noisy')), 'labels names noisy, which are none of the classes calm, loud'),
    (dict(folds=(('1',), ('1', '2'))), 'in which each person is tested once'),
    (dict(folds=()), 'expected two folds or more'),
    (dict(folds=(('1', '2'),)), 'expected two folds or more')])
def test_descriptions_that_contradict_themselves(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Corpus(**OWN | changes)


def test_what_a_name_may_lack() -> None:
    corpus = Corpus(**OWN)
    with pytest.raises(InputError, match='4_c: person 4 is in none of the 2 folds of Own'):
        corpus.lists([corpus.find('4_c.mp4', 'videos')[1]])
    with pytest.raises(InputError, match="5_l.mp4: emotion 'l' is none of c in the description of Own"):
        replace(corpus, labels=dict(c='calm')).find('5_l.mp4', 'videos')
    lists = corpus.lists([corpus.find(f'a/{name}.mp4', 'videos')[1] for name in ('2_l', '1_c', '3_c')])
    assert {path: [clip.clip_id for clip in clips] for path, clips in lists.items()} == {
        'lists/fold1_train.csv': ['2_l', '3_c'], 'lists/fold1_test.csv': ['1_c'],
        'lists/fold2_train.csv': ['1_c'], 'lists/fold2_test.csv': ['2_l', '3_c']}
    assert Counter(clip.label for clip in lists['lists/fold2_test.csv']) == dict(loud=1, calm=1)
