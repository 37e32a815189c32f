"""Names of people in file names."""
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.class_folders import LabeledVideo, assign_splits
from claip_emo_mm.data_preparation.speakers import guess_speakers, shared_people_warning


def videos_of(pattern: str, people: list[str]) -> list[LabeledVideo]:
    """Two videos of each person in each of two classes."""
    return [LabeledVideo(Path('data', label, pattern.format(name=name, number=number, label=label)), label,
                         f'{label}_{name}_{number}')
            for label in ('joy', 'anger') for name in people for number in range(2)]


@pytest.mark.parametrize(('pattern', 'people', 'expected'), [
    ('{name}_{number}.mp4', ['anna', 'ben', 'cem'], r'^([^_]+)_'),
    ('{name}-{label}-{number}.mp4', ['S01', 'S02', 'S03'], r'^([^-]+)-'),
    ('{label}_{name}_{number}.mp4', ['anna', 'ben', 'cem'], r'^[^_]+_([^_.]+)[_.]'),
    ('{number}_{number}_{name}.mp4', ['anna', 'ben', 'cem'], r'_([^_]+)\.[^.]+$'),
    ('{name}{number}.mp4', ['anna', 'ben', 'cem'], r'^([^\W\d]+?)_?\d+\.'),
    ('{name}_{label}_{number}.flv', ['1001', '1002', '1013'], r'^([^_]+)_'),
    ('{name}/{number}.mp4', ['anna', 'ben', 'cem'], r'^([^/]+)/')])
def test_people_are_found_where_names_have_them(pattern: str, people: list[str], expected: str) -> None:
    videos = videos_of(pattern, people)
    regex, found = guess_speakers(videos)
    assert regex == expected
    assert found == {video.clip_id: video.clip_id.split('_')[1] for video in videos}
    assigned = assign_splits(videos, (34, 33, 33), seed=0, speaker_regex=regex)  # what the hint says works
    assert shared_people_warning(assigned) is None


@pytest.mark.parametrize('pattern', [
    '{label}_{number}{name}.mp4',  # every name once
    'clip_{number}.mp4',  # numbers
    '{label}.{number}.mp4'])  # the class
def test_other_names_are_no_people(pattern: str) -> None:
    assert guess_speakers(videos_of(pattern, ['0', '1', '2'])) is None


def test_the_warning_says_who_is_where() -> None:
    anna, ben, cem = (videos_of('{name}_{number}.mp4', [name]) for name in ('anna', 'ben', 'cem'))
    warning = shared_people_warning(dict(train=[*anna, *ben[:2]], val=cem, test=ben[2:]))
    assert 'look like those of 3 people (anna, ben, cem; train 2, val 1, test 1), and 1 of them are in' in warning
    assert 'ben in train, test, for instance' in warning and warning.endswith("--speaker-regex '^([^_]+)_'")
