"""People in the names of files: which video shows whom, said by the user or guessed."""
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from claip_emo_mm.data_preparation.class_folders import LabeledVideo, speaker_of
from claip_emo_mm.errors import named, printable

# Where the names of people stand: folders in the class folders, the parts of file names, names before numbers.
_LETTERS = r'\w*[^\W\d_]\w*'
_GUESSES = (
    r'^([^/]+)/', r'^([^_]+)_', r'^([^-]+)-', r'^([^ ]+) ', r'^([^.]+)\.[^.]+\.',
    r'^[^_]+_([^_.]+)[_.]', r'^[^-]+-([^-.]+)[-.]', r'_([^_]+)\.[^.]+$', r'-([^-]+)\.[^.]+$', r'^([^\W\d]+?)_?\d+\.')
_CODE = re.compile(r'\d{3,}')  # such as CREMA-D's 1001


def guess_speakers(videos: Sequence[LabeledVideo]) -> tuple[str, dict[str, str]] | None:
    """Guess from the file names whom the videos show.

    Names of people are a part of every file's name, the same for several videos, some of them of several classes. They
    have letters, or are all numbers of as many digits, three at least.

    Returns: a regular expression for `--speaker-regex`, and clip id -> name; None where nothing looks like people.
    """
    for regex in _GUESSES:
        people = {video.clip_id: speaker_of(video, re.compile(regex)) for video in videos}
        names = set(people.values())
        if None in names or not 2 <= len(names) <= len(videos) / 2:
            continue
        is_code = all(_CODE.fullmatch(name) for name in names) and len({len(name) for name in names}) == 1
        if not (is_code or all(re.fullmatch(_LETTERS, name.replace('-', '')) for name in names)):
            continue
        classes = defaultdict(set)
        for video in videos:
            classes[people[video.clip_id]].add(video.label)
        if max(map(len, classes.values())) > 1:
            return regex, people
    return None


def shared_people_warning(splits: Mapping[str, Sequence[LabeledVideo]]) -> str | None:
    """Warn of names that look like people and are in several splits; None where there are none."""
    guessed = guess_speakers([video for videos in splits.values() for video in videos])
    if guessed is None:
        return None
    regex, people = guessed
    places = defaultdict(list)
    for split, videos in splits.items():
        for name in sorted({people[video.clip_id] for video in videos}):
            places[name].append(split)
    shared = sorted(name for name, found in places.items() if len(found) > 1)
    if not shared:
        return None
    counts = ', '.join(f'{split} {sum(split in found for found in places.values())}' for split in splits)
    return (f'the file names look like those of {len(places)} people ({named(sorted(places))}; {counts}), and '
            f'{len(shared)} of them are in more than one split: {printable(shared[0])} in '
            f'{", ".join(places[shared[0]])}, for instance. A model that is tested on people of its training looks '
            f"better than it is. If they are people, keep each in one split: --speaker-regex '{regex}'")
