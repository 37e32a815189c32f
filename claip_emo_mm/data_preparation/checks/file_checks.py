"""What the files of the clips tell: whether they are there, whole, and what they should be."""
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from claip_emo_mm.data_preparation.checks.checked_part import CheckedPart
from claip_emo_mm.data_preparation.checks.clip_facts import ClipFacts
from claip_emo_mm.data_preparation.checks.finding import ERROR, NOTE, WARNING, Finding
from claip_emo_mm.datasets.annotation_list import ListedClip
from claip_emo_mm.media import is_system_file
from claip_emo_mm.media.mixdown import SILENT
from claip_emo_mm.utils import printable

Facts = Mapping[tuple[str, str], ClipFacts]

SHORT_S = .1
_SOUND_SHARE = .5  # of the pictures' length that the sound must have
_MOST_FRAMES_PER_S, _FEWEST_FRAMES_PER_S = 65, 4  # of frame folders, by their sound

_PREPARE = 'Prepare the clips again (tools/prepare_data.py), or leave them out; --fix does.'


def check_files(part: CheckedPart, facts: Facts) -> Iterator[Finding]:
    """Yield what is off in the files of a data set.

    Args:
        part: the data set.
        facts: files of a clip, see ``CheckedPart.key`` -> what was found in them; clips whose files are not there have
            none.
    """
    there = [clip for clip in part.clips if part.key(clip) in facts]
    absent = [clip for clip in part.clips if part.key(clip) not in facts]
    if absent:
        gone = [path for clip in absent for path in part.key(clip) if path and not os.path.exists(path)]
        yield Finding('missing files', ERROR, part.path,
                      f'files of {len(absent)} of {len(part.clips)} clips are not there, {gone[0]} for instance',
                      f'Correct data_root (now {part.dataset.data_root!r}). {_PREPARE}', _names(absent))
    if part.needs_pictures:
        yield from _check_pictures(part, there, facts)
    if part.needs_sound:
        yield from _check_sound(part, there, facts)


def _check_pictures(part: CheckedPart, clips: Sequence[ListedClip], facts: Facts) -> Iterator[Finding]:
    def having(fits: Callable[[ListedClip, ClipFacts], bool]) -> list[ListedClip]:
        return [clip for clip in clips if fits(clip, facts[part.key(clip)])]

    broken = having(lambda clip, found: bool(found.picture_error))
    if broken:
        yield Finding('unreadable pictures', ERROR, part.path, f'{len(broken)} clips: '
                      f'{facts[part.key(broken[0])].picture_error}', _PREPARE, _names(broken))
    miscounted = having(lambda clip, found: bool(found.num_frames) and clip.num_frames not in (None, found.num_frames))
    if miscounted:
        first = miscounted[0]
        yield Finding('frame folders', ERROR, part.path, f'{len(miscounted)} folders have other numbers of frames than '
                      f'the list says: {first.name} has {facts[part.key(first)].num_frames}, the list '
                      f'{first.num_frames}', 'Unpack or prepare these clips again.', _names(miscounted))
    gaps = having(lambda clip, found: found.missing_numbers > 0)
    if gaps:
        yield Finding('frame folders', WARNING, part.path, f'{len(gaps)} folders have gaps in the numbers of their '
                      f'frames: {gaps[0].name} lacks {facts[part.key(gaps[0])].missing_numbers}',
                      'Frames without a face may be left out on purpose, as in the pictures that come with DFEW; else '
                      'unpack or prepare these clips again.', _names(gaps))


def check_unlisted(parts: Sequence[CheckedPart]) -> Iterator[Finding]:
    """Yield how many frame folders beside those of the lists no list names."""
    listed = {os.path.normpath(part.key(clip)[0]) for part in parts for clip in part.clips if clip.frames}
    lists = ', '.join(dict.fromkeys(part.path for part in parts))
    beside = []
    for parent in sorted({os.path.dirname(path) for path in listed}):
        try:
            names = os.listdir(parent) if os.path.isdir(parent) else ()
        except OSError as error:  # one that may be entered, not listed
            yield Finding('frame folders', WARNING, lists, f'{parent}: this folder cannot be listed '
                          f'({error.strerror or error})', 'Correct the permissions.')
            continue
        paths = (os.path.join(parent, name) for name in names if not is_system_file(name))
        beside += [path for path in paths if os.path.normpath(path) not in listed and os.path.isdir(path)]
    if beside:
        yield Finding('frame folders', NOTE, lists, f'{len(beside)} folders beside those that are listed are in none '
                      f'of the lists, {printable(min(beside))} for instance')


def _check_sound(part: CheckedPart, clips: Sequence[ListedClip], facts: Facts) -> Iterator[Finding]:
    def report(check: str, grade: str, fits: Callable[[ClipFacts], bool], what: str,
               remedy: str = _PREPARE) -> Iterator[Finding]:
        found = [clip for clip in clips if not facts[part.key(clip)].picture_error and fits(facts[part.key(clip)])]
        if found:
            first = facts[part.key(found[0])]
            yield Finding(check, grade, part.path,
                          f'{len(found)} of {len(part.clips)} clips: {what.format(name=found[0].name, facts=first)}',
                          remedy, _names(found))

    yield from report('missing sound', WARNING if part.silence_allowed else ERROR,
                      lambda found: not found.has_sound and not found.sound_error, 'no sound, {name} for instance',
                      "Set on_missing='silence' in LoadSoundWindows, or leave the clips out; --fix does."
                      if not part.silence_allowed else 'They are heard as silence, or left out (on_missing).')
    yield from report('unreadable sound', ERROR, lambda found: bool(found.sound_error), '{facts.sound_error}')

    def readable(fits: Callable[[ClipFacts], bool]) -> Callable[[ClipFacts], bool]:
        return lambda found: found.has_sound and not found.sound_error and fits(found)

    yield from report('silent sound', WARNING, readable(lambda found: found.peak < SILENT),
                      'nothing to hear, {name} for instance (largest sample {facts.peak:.1g} of 1)',
                      'Listen to some: is this the right sound?')
    yield from report('cancelled sound', WARNING, readable(lambda found: bool(found.sound_note)),
                      '{name}: {facts.sound_note}', 'Invert one of the channels, or keep one of them.')
    yield from report('unstated length', NOTE, readable(lambda found: not found.states_length),
                      'the sound file does not state its length, {name} for instance: whether it was cut off cannot be '
                      'told', '')
    yield from report('short sound', ERROR, readable(_is_too_short),
                      'sound too short for the pictures: {name} has {facts.sound_s:.2f} s of sound')
    yield from report('short sound', WARNING, readable(lambda found: _frames_per_s(found) < _FEWEST_FRAMES_PER_S),
                      'few frames for the sound: {name} has {facts.num_frames} frames, {facts.sound_s:.2f} s of sound',
                      'Is this the whole folder? The frames that belong to a window of sound are found by their share '
                      'of the clip.')


def is_usable(part: CheckedPart, found: ClipFacts) -> bool:
    """Whether a clip has what the pipeline of a data set reads."""
    if found.picture_error:
        return False
    if not part.needs_sound:
        return True
    if not found.has_sound:
        return part.silence_allowed
    return not found.sound_error and not _is_too_short(found)


def _is_too_short(found: ClipFacts) -> bool:
    if found.sound_s < SHORT_S:
        return True
    if found.pictures_s is not None:
        return found.sound_s < _SOUND_SHARE * found.pictures_s
    return _frames_per_s(found) > _MOST_FRAMES_PER_S


def _frames_per_s(found: ClipFacts) -> float:
    """Frames a second of a frame folder, by its sound; of others something ordinary."""
    by_folder = found.num_frames and found.sound_s and found.pictures_s is None
    return found.num_frames / found.sound_s if by_folder else 25.


def check_identical(parts: Sequence[CheckedPart], facts: Facts) -> Iterator[Finding]:
    """Yield clips that hold the same pictures or the same sound under different names."""
    for what, hash_of in (('pictures', lambda found: found.picture_hash),
                          ('sound', lambda found: found.sound_hash if found.peak >= SILENT else '')):
        groups: dict[str, dict[str, tuple[CheckedPart, ListedClip]]] = defaultdict(dict)
        for part in parts:
            for clip in part.clips:
                found = facts.get(part.key(clip))
                if found is not None and hash_of(found):
                    groups[hash_of(found)].setdefault(part.key(clip)[0], (part, clip))
        doubles = [list(members.values()) for members in groups.values() if len(members) > 1]
        if doubles:
            yield _describe_identical(what, doubles)


def _describe_identical(what: str, doubles: Sequence[Sequence[tuple[CheckedPart, ListedClip]]]) -> Finding:
    across = [members for members in doubles
              if 'train' in {part.name for part, _ in members} and len({part.name for part, _ in members}) > 1]
    contrary = [members for members in doubles if len({clip.label for _, clip in members}) > 1]
    shown = (across or contrary or doubles)[0]
    text = (f'{len(doubles)} groups of clips have the same {what} ({len(across)} of them in training and in validation '
            f'or test, {len(contrary)} with different labels): '
            f'{" and ".join(f"{clip.name} ({part.name}, {clip.label})" for part, clip in shown[:2])}')
    remedy = 'Keep one of each group.' + (' --fix leaves those out of the training that are tested.' if across else '')
    grade = ERROR if across and what == 'pictures' else WARNING
    return Finding('identical clips', grade, shown[0][0].path, text, remedy,
                   [clip.name for members in doubles for _, clip in members])


def _names(clips: Sequence[ListedClip]) -> list[str]:
    return [clip.name for clip in clips]
