"""Assignment of videos to splits."""
from collections import Counter
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.class_folders import LabeledVideo, assign_splits
from claip_emo_mm.errors import InputError


def videos_of(**counts: int) -> list[LabeledVideo]:
    return [LabeledVideo(Path(f'{label}/p{number % 5}_{number}.mp4'), label, f'{label}_{number}')
            for label, count in counts.items() for number in range(count)]


def test_each_class_is_split_by_the_ratios() -> None:
    videos = videos_of(joy=20, anger=10, fear=3)
    assigned = assign_splits(videos, (70, 10, 20), seed=0)
    assert {split: dict(Counter(video.label for video in members)) for split, members in assigned.items()} == {
        'train': dict(joy=14, anger=7, fear=1),
        'val': dict(joy=2, anger=1, fear=1),
        'test': dict(joy=4, anger=2, fear=1)}
    assert sorted(video.clip_id for members in assigned.values() for video in members) == sorted(
        video.clip_id for video in videos)
    assert assign_splits(videos, (70, 10, 20), seed=0) == assigned
    assert assign_splits(videos, (70, 10, 20), seed=1) != assigned


def test_fractions_of_a_video_are_rounded() -> None:
    assigned = assign_splits(videos_of(joy=9, anger=13), (70, 10, 20), seed=0)  # test, val: 1.8, .9; 2.6, 1.3
    assert {split: Counter(video.label for video in members) for split, members in assigned.items()} == {
        'train': dict(joy=6, anger=9), 'val': dict(joy=1, anger=1), 'test': dict(joy=2, anger=3)}


def test_a_person_is_in_one_split() -> None:
    assigned = assign_splits(videos_of(joy=20, anger=15), (60, 20, 20), seed=3, speaker_regex='^(p[0-9])_')
    people = {split: {video.path.name[:2] for video in members} for split, members in assigned.items()}
    assert {split: len(names) for split, names in people.items()} == dict(train=3, val=1, test=1)
    assert len(set.union(*people.values())) == 5


@pytest.mark.parametrize(('changed', 'message'), [
    (dict(ratios=(70, 20, 20)), r'--split 70 20 20: expected three percentages'),
    (dict(ratios=(100, 0, 0)), r'expected three percentages from 1'),
    (dict(seed=-1), r'--seed -1: must be 0 or more'),
    (dict(speaker_regex='('), r'--speaker-regex \(: no regular expression'),
    (dict(speaker_regex='p'), r"expected a group that is the person's name"),
    (dict(speaker_regex='^(x)'), r'joy/p0_0.mp4: --speaker-regex \^\(x\) does not fit'),
    (dict(speaker_regex='^(p)'), r'1 people found \(p\). Expected at least 3'),
    (dict(videos=videos_of(joy=3, anger=2)), r'anger: 2 videos. Expected at least 3'),
    (dict(videos=[*videos_of(joy=9), LabeledVideo(Path('anger/p0_1.mp4'), 'anger', 'x')], speaker_regex='^(p.)'),
     r'anger: not shown by any of the people in the \w+ split'),
    (dict(speaker_regex='^(x)?'), r'joy/p0_0.mp4: --speaker-regex \^\(x\)\? does not fit')])
def test_what_cannot_be_split(changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        assign_splits(**(dict(videos=videos_of(joy=9, anger=9), ratios=(70, 10, 20), seed=0) | changed))
