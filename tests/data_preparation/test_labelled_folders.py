import os
from collections import Counter
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.labelled_folders import LabelledVideo, deal_out, find_labelled_videos
from claip_emo_mm.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'')


def videos_of(**counts: int) -> list[LabelledVideo]:
    return [LabelledVideo(Path(f'{label}/p{number % 5}_{number}.mp4'), label, f'{label}_{number}')
            for label, count in counts.items() for number in range(count)]


def test_a_subfolder_is_a_class(tmp_path: Path) -> None:
    touch(tmp_path, 'joy/b.MP4', 'joy/deep/a.mov', 'anger/a.mp4', 'anger/notes.txt', 'anger/.hidden.mp4', '.git/x.mp4',
          'empty/readme.md', 'list.csv', 'joy /c.mp4')
    found = find_labelled_videos(tmp_path)
    assert [(video.clip_id, video.label) for video in found] == [
        ('anger_a.mp4', 'anger'), ('joy_b.MP4', 'joy'), ('joy_deep_a.mov', 'joy'),
        ('joy _c.mp4', 'joy')]
    assert found[2].path == tmp_path / 'joy' / 'deep' / 'a.mov'


@pytest.mark.parametrize(('names', 'message'), [
    (['a/1.mp4'], r'in 1 subfolders \(a\). Expected at least two'),
    (['a/1.txt', 'b/1.txt'], r'in 0 subfolders \(none\)'),
    (['a/1.mp4', 'b/1.mp4', 'c.mp4'], r'1 videos lie beside the subfolders \(c.mp4 ...\)'),
    (['a/b/1.mp4', 'a/b_1.mp4', 'b/1.mp4'], r'would both be called a_b_1.mp4')])
def test_other_folders_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        find_labelled_videos(tmp_path)


def test_a_name_that_no_list_can_hold(tmp_path: Path) -> None:
    touch(tmp_path, 'joy/a.mp4', os.fsdecode(b'joy/caf\xe9.mp4'))
    with pytest.raises(InputError, match=r"joy/caf\\xe9.mp4': its name is not in UTF-8"):
        find_labelled_videos(tmp_path)


def test_each_class_is_dealt_out_by_the_shares() -> None:
    videos = videos_of(joy=20, anger=10, fear=3)
    dealt = deal_out(videos, (70, 10, 20), seed=0)
    assert {part: dict(Counter(video.label for video in members)) for part, members in dealt.items()} == {
        'train': dict(joy=14, anger=7, fear=1),
        'val': dict(joy=2, anger=1, fear=1),
        'test': dict(joy=4, anger=2, fear=1)}
    assert sorted(video.clip_id for members in dealt.values() for video in members) == sorted(
        video.clip_id for video in videos)
    assert deal_out(videos, (70, 10, 20), seed=0) == dealt
    assert deal_out(videos, (70, 10, 20), seed=1) != dealt


def test_shares_of_a_video_are_rounded() -> None:
    dealt = deal_out(videos_of(joy=9, anger=13), (70, 10, 20), seed=0)  # 1.8 and .9; 2.6 and 1.3 in test and val
    assert {part: Counter(video.label for video in members) for part, members in dealt.items()} == {
        'train': dict(joy=6, anger=9), 'val': dict(joy=1, anger=1), 'test': dict(joy=2, anger=3)}


def test_a_person_is_in_one_part() -> None:
    dealt = deal_out(videos_of(joy=20, anger=15), (60, 20, 20), seed=3, person='^(p[0-9])_')
    people = {part: {video.path.name[:2] for video in members} for part, members in dealt.items()}
    assert {part: len(names) for part, names in people.items()} == dict(train=3, val=1, test=1)
    assert len(set.union(*people.values())) == 5


@pytest.mark.parametrize(('changed', 'message'), [
    (dict(shares=(70, 20, 20)), r'--split 70 20 20: expected three percentages'),
    (dict(shares=(100, 0, 0)), r'expected three percentages from 1'),
    (dict(seed=-1), r'--seed -1: must be 0 or more'),
    (dict(person='('), r'--person \(: no regular expression'),
    (dict(person='p'), r"expected a group that is the person's name"),
    (dict(person='^(x)'), r'joy/p0_0.mp4: --person \^\(x\) does not fit'),
    (dict(person='^(p)'), r'1 people found \(p\). Expected at least 3'),
    (dict(videos=videos_of(joy=3, anger=2)), r'anger: 2 videos. Expected at least 3'),
    (dict(videos=[*videos_of(joy=9), LabelledVideo(Path('anger/p0_1.mp4'), 'anger', 'x')], person='^(p.)'),
     r'anger: not shown by any of the people in the \w+ part'),
    (dict(person='^(x)?'), r'joy/p0_0.mp4: --person \^\(x\)\? does not fit')])
def test_what_cannot_be_dealt_out(changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        deal_out(**(dict(videos=videos_of(joy=9, anger=9), shares=(70, 10, 20), seed=0) | changed))
