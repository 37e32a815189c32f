"""Checks of frames, audio and faces."""
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, CheckedSplit, Issue
from claip_emo_mm.data_checks.clip_probe import ClipProbe
from claip_emo_mm.data_preparation.clips import UNUSABLE, reason
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.errors import printable
from claip_emo_mm.faces.crop import FACE_RATIO, face_ratio, ratio_of_face_frames
from claip_emo_mm.faces.detector import FaceDetector
from claip_emo_mm.media.audio_signal import SILENT
from claip_emo_mm.media.containers import is_system_file
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile

Metadata = Mapping[tuple[str, str], ClipProbe]

SHORT_S = .1
_SOUND_RATIO = .5  # of the frames' length that the audio must have
_MOST_FRAMES_PER_S, _FEWEST_FRAMES_PER_S = 65, 4  # of frame folders, by their audio

_PREPARE = 'Prepare the clips again (tools/prepare_data.py), or leave them out; --fix does.'


def check_files(split: CheckedSplit, facts: Metadata) -> Iterator[Issue]:
    """Yield what is off in the files of a data set.

    Args:
        split: the data set.
        facts: files of a clip, see ``CheckedSplit.key`` -> what was found in them; clips whose files are not there have
            none.
    """
    there = [clip for clip in split.clips if split.key(clip) in facts]
    absent = [clip for clip in split.clips if split.key(clip) not in facts]
    if absent:
        gone = [path for clip in absent for path in split.key(clip) if path and not os.path.exists(path)]
        yield Issue('missing files', ERROR, split.path,
                      f'files of {len(absent)} of {len(split.clips)} clips are not there, {gone[0]} for instance',
                      f'Correct data_root (now {split.dataset.data_root!r}). {_PREPARE}', _names(absent))
    if split.needs_frames:
        yield from _check_frames(split, there, facts)
    if split.needs_audio:
        yield from _check_audio(split, there, facts)


def _check_frames(split: CheckedSplit, clips: Sequence[ListedClip], facts: Metadata) -> Iterator[Issue]:
    def having(fits: Callable[[ListedClip, ClipProbe], bool]) -> list[ListedClip]:
        return [clip for clip in clips if fits(clip, facts[split.key(clip)])]

    broken = having(lambda clip, found: bool(found.frame_error))
    if broken:
        yield Issue('unreadable frames', ERROR, split.path, f'{len(broken)} clips: '
                      f'{facts[split.key(broken[0])].frame_error}', _PREPARE, _names(broken))
    miscounted = having(lambda clip, found: bool(found.num_frames) and clip.num_frames not in (None, found.num_frames))
    if miscounted:
        first = miscounted[0]
        yield Issue('frame folders', ERROR, split.path, f'{len(miscounted)} folders have other numbers of frames than '
                      f'the list says: {first.name} has {facts[split.key(first)].num_frames}, the list '
                      f'{first.num_frames}', 'Unpack or prepare these clips again.', _names(miscounted))
    gaps = having(lambda clip, found: found.missing_numbers > 0)
    if gaps:
        yield Issue('frame folders', WARNING, split.path, f'{len(gaps)} folders have gaps in the numbers of their '
                      f'frames: {gaps[0].name} lacks {facts[split.key(gaps[0])].missing_numbers}',
                      'Frames without a face may be left out on purpose, as in the frames that come with DFEW; else '
                      'unpack or prepare these clips again.', _names(gaps))


def check_unlisted(splits: Sequence[CheckedSplit]) -> Iterator[Issue]:
    """Yield how many frame folders beside those of the lists no list names."""
    listed = {os.path.normpath(split.key(clip)[0]) for split in splits for clip in split.clips if clip.frames}
    lists = ', '.join(dict.fromkeys(split.path for split in splits))
    beside = []
    for parent in sorted({os.path.dirname(path) for path in listed}):
        try:
            names = os.listdir(parent) if os.path.isdir(parent) else ()
        except OSError as error:  # one that may be entered, not listed
            yield Issue('frame folders', WARNING, lists, f'{parent}: this folder cannot be listed '
                          f'({error.strerror or error})', 'Correct the permissions.')
            continue
        paths = (os.path.join(parent, name) for name in names if not is_system_file(name))
        beside += [path for path in paths if os.path.normpath(path) not in listed and os.path.isdir(path)]
    if beside:
        yield Issue('frame folders', NOTE, lists, f'{len(beside)} folders beside those that are listed are in none '
                      f'of the lists, {printable(min(beside))} for instance')


def _check_audio(split: CheckedSplit, clips: Sequence[ListedClip], facts: Metadata) -> Iterator[Issue]:
    def report(check: str, severity: str, fits: Callable[[ClipProbe], bool], what: str,
               hint: str = _PREPARE) -> Iterator[Issue]:
        found = [clip for clip in clips if not facts[split.key(clip)].frame_error and fits(facts[split.key(clip)])]
        if found:
            first = facts[split.key(found[0])]
            yield Issue(check, severity, split.path,
                          f'{len(found)} of {len(split.clips)} clips: {what.format(name=found[0].name, facts=first)}',
                          hint, _names(found))

    yield from report('missing audio', WARNING if split.silence_allowed else ERROR,
                      lambda found: not found.has_audio and not found.audio_error, 'no audio, {name} for instance',
                      "Set on_missing='silence' in LoadAudioWindows, or leave the clips out; --fix does."
                      if not split.silence_allowed else 'They are heard as silence, or left out (on_missing).')
    yield from report('unreadable audio', ERROR, lambda found: bool(found.audio_error), '{facts.audio_error}')

    def readable(fits: Callable[[ClipProbe], bool]) -> Callable[[ClipProbe], bool]:
        return lambda found: found.has_audio and not found.audio_error and fits(found)

    yield from report('silent audio', WARNING, readable(lambda found: found.peak < SILENT),
                      'nothing to hear, {name} for instance (largest sample {facts.peak:.1g} of 1)',
                      'Listen to some: is this the right audio?')
    yield from report('cancelled audio', WARNING, readable(lambda found: bool(found.audio_note)),
                      '{name}: {facts.audio_note}', 'Invert one of the channels, or keep one of them.')
    yield from report('unstated length', NOTE, readable(lambda found: not found.states_length),
                      'the audio file does not state its length, {name} for instance: whether it was cut off cannot be '
                      'told', '')
    yield from report('short audio', ERROR, readable(_is_too_short),
                      'audio too short for the frames: {name} has {facts.audio_s:.2f} s of audio')
    yield from report('short audio', WARNING, readable(lambda found: _frames_per_s(found) < _FEWEST_FRAMES_PER_S),
                      'few frames for the audio: {name} has {facts.num_frames} frames, {facts.audio_s:.2f} s of audio',
                      'Is this the whole folder? The frames that belong to a window of audio are found by their share '
                      'of the clip.')


def is_usable(split: CheckedSplit, found: ClipProbe) -> bool:
    """Whether a clip has what the pipeline of a data set reads."""
    if found.frame_error:
        return False
    if not split.needs_audio:
        return True
    if not found.has_audio:
        return split.silence_allowed
    return not found.audio_error and not _is_too_short(found)


def _is_too_short(found: ClipProbe) -> bool:
    if found.audio_s < SHORT_S:
        return True
    if found.frames_s is not None:
        return found.audio_s < _SOUND_RATIO * found.frames_s
    return _frames_per_s(found) > _MOST_FRAMES_PER_S


def _frames_per_s(found: ClipProbe) -> float:
    """Frames a second of a frame folder, by its audio; of others something ordinary."""
    by_folder = found.num_frames and found.audio_s and found.frames_s is None
    return found.num_frames / found.audio_s if by_folder else 25.


def check_identical(splits: Sequence[CheckedSplit], facts: Metadata) -> Iterator[Issue]:
    """Yield clips that hold the same frames or the same audio under different names."""
    for what, hash_of in (('frames', lambda found: found.frame_hash),
                          ('audio', lambda found: found.audio_hash if found.peak >= SILENT else '')):
        groups: dict[str, dict[str, tuple[CheckedSplit, ListedClip]]] = defaultdict(dict)
        for split in splits:
            for clip in split.clips:
                found = facts.get(split.key(clip))
                if found is not None and hash_of(found):
                    groups[hash_of(found)].setdefault(split.key(clip)[0], (split, clip))
        doubles = [list(members.values()) for members in groups.values() if len(members) > 1]
        if doubles:
            yield _describe_identical(what, doubles)


def _describe_identical(what: str, doubles: Sequence[Sequence[tuple[CheckedSplit, ListedClip]]]) -> Issue:
    across = [members for members in doubles
              if 'train' in {split.name for split, _ in members} and len({split.name for split, _ in members}) > 1]
    contrary = [members for members in doubles if len({clip.label for _, clip in members}) > 1]
    shown = (across or contrary or doubles)[0]
    text = (f'{len(doubles)} groups of clips have the same {what} ({len(across)} of them in training and in validation '
            f'or test, {len(contrary)} with different labels): '
            f'{" and ".join(f"{clip.name} ({split.name}, {clip.label})" for split, clip in shown[:2])}')
    hint = 'Keep one of each group.' + (' --fix leaves those out of the training that are tested.' if across else '')
    severity = ERROR if across and what == 'frames' else WARNING
    return Issue('identical clips', severity, shown[0][0].path, text, hint,
                   [clip.name for members in doubles for _, clip in members])


def _names(clips: Sequence[ListedClip]) -> list[str]:
    return [clip.name for clip in clips]


_SAMPLED_CLIPS, _SAMPLED_FRAMES = 24, 3
_FACES, _SCENES = .7, .3  # of the sampled clips


def check_faces(split: CheckedSplit, facts: Mapping[tuple[str, str], ClipProbe],
                finder: FaceDetector) -> Iterator[Issue]:
    """Yield what a sample of a data set's clips shows in place of faces.

    Args:
        split: the data set.
        facts: files of a clip -> what was found in them.
        finder: finds faces.
    """
    readable = [clip for clip in split.clips
                if split.key(clip) in facts and not facts[split.key(clip)].frame_error and not clip.is_audio_alone]
    if not readable or not split.needs_frames:
        return
    chosen = np.unique(np.linspace(0, len(readable) - 1, min(len(readable), _SAMPLED_CLIPS)).round().astype(int))
    ratios, broken = {}, {}
    for index in chosen:
        path, name = split.key(readable[index])[0], readable[index].name
        try:
            clip = FrameFolder(path) if readable[index].frames else VideoFile(path)
            places = np.linspace(0, clip.num_frames - 1, _SAMPLED_FRAMES + 2)[1:-1].round().astype(int)
            ratios[name] = face_ratio(list(clip.decode(np.unique(places))), finder)
        except UNUSABLE as error:  # in a frame that was not looked at before
            broken[name] = reason(path, error)
    if broken:
        yield Issue('unreadable frames', ERROR, split.path, f'{len(broken)} of {len(chosen)} sampled clips: '
                      f'{next(iter(broken.values()))}', 'Look at all frames: --every-frame.', list(broken))
    if not ratios:
        return
    of_faces = ratio_of_face_frames(ratios.values())
    if of_faces is None:
        yield Issue('faces', WARNING, split.path, f'no face found in any of {len(ratios)} sampled clips',
                      'Look at some with tools/browse_dataset.py: the model expects faces.', list(ratios))
        return
    scenes = [name for name, ratio in ratios.items() if ratio is not None and ratio < FACE_RATIO]
    shown = f'{len(scenes)} of {len(ratios)} sampled clips show more than a face'
    if of_faces < _FACES:
        yield Issue('faces', ERROR if of_faces < _SCENES else WARNING, split.path,
                      f'{shown}, {scenes[0]} for instance: the frames are scenes, or crops that are too wide',
                      'Crop the faces: tools/prepare_data.py with --faces crop.', scenes)
    else:
        faces = sum(ratio is not None for ratio in ratios.values()) - len(scenes)
        yield Issue('faces', NOTE, split.path,
                      f'{faces} of {len(ratios)} sampled clips show a face and little else, {len(scenes)} a scene')
