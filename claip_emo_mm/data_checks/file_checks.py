"""Checks of frames, audio and faces."""
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, CheckedSplit, Issue
from claip_emo_mm.data_checks.clip_probe import ClipProbe, Probes
from claip_emo_mm.data_preparation.clips import UNUSABLE, reason
from claip_emo_mm.data_preparation.crop_policy import clip_face_ratio, sample_clips
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.errors import printable
from claip_emo_mm.faces.crop import FACE_RATIO, ratio_of_face_frames
from claip_emo_mm.faces.detector import FaceDetector
from claip_emo_mm.media.audio_signal import SILENT
from claip_emo_mm.media.containers import is_system_file
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile

_AUDIO_RATIO = .5  # of the frames' length that the audio must have
_MOST_FRAMES_PER_S, _FEWEST_FRAMES_PER_S = 65, 4  # of frame folders, by their audio
_FACES, _SCENES = .7, .3  # of the sampled clips
_PREPARE = 'Prepare the clips again (tools/prepare_data.py), or leave them out; --fix does.'


def check_files(split: CheckedSplit, probes: Probes) -> Iterator[Issue]:
    """Yield what is wrong with the files of a split."""
    clips = [(clip, probes[split.key(clip)]) for clip in split.clips if split.key(clip) in probes]
    missing = [clip for clip in split.clips if split.key(clip) not in probes]

    def report(check: str, severity: str, is_affected: Callable[[ListedClip, ClipProbe], bool], text: str,
               hint: str = _PREPARE) -> Iterator[Issue]:
        affected = [(clip, probe) for clip, probe in clips if is_affected(clip, probe)]
        if affected:
            clip, probe = affected[0]
            yield split.issue(check, severity, f'{len(affected)} of {len(split.clips)} clips: '
                              f'{text.format(clip=clip, probe=probe)}', hint, [clip for clip, _ in affected])

    if missing:
        gone = [path for clip in missing for path in split.key(clip) if path and not os.path.exists(path)]
        yield split.issue('missing files', ERROR, f'files of {len(missing)} of {len(split.clips)} clips are missing, '
                          f'{gone[0]} for instance', f'Correct data_root (now {split.dataset.data_root!r}). {_PREPARE}',
                          missing)
    if split.needs_frames:
        yield from report('unreadable frames', ERROR, lambda clip, probe: bool(probe.frame_error),
                          '{probe.frame_error}')
        yield from report(
            'frame folders', ERROR,
            lambda clip, probe: bool(probe.num_frames) and clip.num_frames not in (None, probe.num_frames),
            'other numbers of frames than the list says: {clip.name} has {probe.num_frames}, the list '
            '{clip.num_frames}', 'Unpack or prepare these clips again.')
        yield from report(
            'frame folders', WARNING, lambda clip, probe: probe.missing_numbers > 0,
            'gaps in the numbers of the frames: {clip.name} lacks {probe.missing_numbers}',
            'Frames without a face may be left out on purpose, as in the frames that come with DFEW; else unpack or '
            'prepare these clips again.')
    if split.needs_audio:
        yield from report(
            'missing audio', WARNING if split.silence_allowed else ERROR,
            lambda clip, probe: not (probe.frame_error or probe.has_audio or probe.audio_error),
            'no audio, {clip.name} for instance',
            'They are read as silence, or as a missing modality (on_missing).' if split.silence_allowed else
            "Set on_missing='silence' in LoadAudioWindows, or leave the clips out; --fix does.")
        yield from report('unreadable audio', ERROR,
                          lambda clip, probe: not probe.frame_error and bool(probe.audio_error), '{probe.audio_error}')
        clips = [(clip, probe) for clip, probe in clips  # all that follows is of readable audio
                 if probe.has_audio and not probe.frame_error and not probe.audio_error]
        yield from report('silent audio', WARNING, lambda clip, probe: probe.peak < SILENT,
                          'silence, {clip.name} for instance (largest sample {probe.peak:.1g} of 1)',
                          'Listen to some: is this the right audio?')
        yield from report('cancelled audio', WARNING, lambda clip, probe: bool(probe.audio_note),
                          '{clip.name}: {probe.audio_note}', 'Invert one of the channels, or keep one of them.')
        yield from report('unstated length', NOTE, lambda clip, probe: not probe.states_length,
                          'the audio file does not state its length, {clip.name} for instance: whether it was cut off '
                          'cannot be told', '')
        yield from report('short audio', ERROR, lambda clip, probe: _is_too_short(probe),
                          'audio too short for the frames: {clip.name} has {probe.audio_s:.2f} s of audio')
        yield from report('short audio', WARNING, lambda clip, probe: _frames_per_s(probe) < _FEWEST_FRAMES_PER_S,
                          'few frames for the audio: {clip.name} has {probe.num_frames} frames, {probe.audio_s:.2f} s '
                          'of audio', 'Is the folder complete? The frames of an audio window are found by its position '
                          'relative to the length of the clip.')


def check_unlisted(splits: Sequence[CheckedSplit]) -> Iterator[Issue]:
    """Yield how many frame folders beside those of the lists no list names."""
    listed = {os.path.normpath(split.key(clip)[0]) for split in splits for clip in split.clips if clip.frames}
    lists = ', '.join(dict.fromkeys(split.path for split in splits))
    unlisted = []
    for parent in sorted({os.path.dirname(path) for path in listed}):
        try:
            names = os.listdir(parent) if os.path.isdir(parent) else ()
        except OSError as error:  # one that may be entered, not listed
            yield Issue('frame folders', WARNING, lists, f'{parent}: this folder cannot be listed '
                        f'({error.strerror or error})', 'Correct the permissions.')
            continue
        paths = (os.path.join(parent, name) for name in names if not is_system_file(name))
        unlisted += [path for path in paths if os.path.normpath(path) not in listed and os.path.isdir(path)]
    if unlisted:
        yield Issue('frame folders', NOTE, lists, f'{len(unlisted)} folders beside those that are listed are in none '
                    f'of the lists, {printable(min(unlisted))} for instance')


def is_usable(split: CheckedSplit, probe: ClipProbe) -> bool:
    """Whether a clip has what the pipeline of a split reads."""
    if probe.frame_error:
        return False
    if not split.needs_audio:
        return True
    if not probe.has_audio:
        return split.silence_allowed
    return not probe.audio_error and not _is_too_short(probe)


def _is_too_short(probe: ClipProbe) -> bool:
    if probe.audio_s < .1:
        return True
    if probe.frames_s is not None:
        return probe.audio_s < _AUDIO_RATIO * probe.frames_s
    return _frames_per_s(probe) > _MOST_FRAMES_PER_S


def _frames_per_s(probe: ClipProbe) -> float:
    """Frames per second of a frame folder, by its audio; of others something ordinary."""
    by_folder = probe.num_frames and probe.audio_s and probe.frames_s is None
    return probe.num_frames / probe.audio_s if by_folder else 25.


def check_identical(splits: Sequence[CheckedSplit], probes: Probes) -> Iterator[Issue]:
    """Yield clips that hold the same frames or the same audio under different names."""
    for what, hash_of in (('frames', lambda probe: probe.frame_hash),
                          ('audio', lambda probe: probe.audio_hash if probe.peak >= SILENT else '')):
        groups: dict[str, dict[str, tuple[CheckedSplit, ListedClip]]] = defaultdict(dict)
        for split in splits:
            for clip in split.clips:
                probe = probes.get(split.key(clip))
                if probe is not None and hash_of(probe):
                    groups[hash_of(probe)].setdefault(split.key(clip)[0], (split, clip))
        identical = [list(members.values()) for members in groups.values() if len(members) > 1]
        if not identical:
            continue
        across = [members for members in identical
                  if 'train' in (names := {split.name for split, _ in members}) and len(names) > 1]
        contrary = [members for members in identical if len({clip.label for _, clip in members}) > 1]
        shown = (across or contrary or identical)[0]
        yield shown[0][0].issue(
            'identical clips', ERROR if across and what == 'frames' else WARNING,
            f'{len(identical)} groups of clips have the same {what} ({len(across)} of them in training and in '
            f'validation or test, {len(contrary)} with different labels): '
            f'{" and ".join(f"{clip.name} ({split.name}, {clip.label})" for split, clip in shown[:2])}',
            'Keep one of each group.' + (' --fix leaves those out of the training that are tested.' if across else ''),
            [clip for members in identical for _, clip in members])


def check_faces(split: CheckedSplit, probes: Probes, detector: FaceDetector) -> Iterator[Issue]:
    """Yield what a sample of a split's clips shows instead of faces."""
    readable = [clip for clip in split.clips
                if split.key(clip) in probes and not probes[split.key(clip)].frame_error and not clip.is_audio_alone]
    if not readable or not split.needs_frames:
        return
    ratios: dict[ListedClip, float | None] = {}
    errors: dict[ListedClip, str] = {}
    for clip in sample_clips(readable):
        path = split.key(clip)[0]
        try:
            ratios[clip] = clip_face_ratio(FrameFolder(path) if clip.frames else VideoFile(path), detector)
        except UNUSABLE as error:  # in a frame that was not probed
            errors[clip] = reason(path, error)
    if errors:
        yield split.issue('unreadable frames', ERROR, f'{len(errors)} of {len(errors) + len(ratios)} sampled clips: '
                          f'{next(iter(errors.values()))}', 'Look at all frames: --every-frame.', list(errors))
    if not ratios:
        return
    face_clips = ratio_of_face_frames(ratios.values())
    if face_clips is None:
        yield split.issue('faces', WARNING, f'no face found in any of {len(ratios)} sampled clips',
                          'Look at some with tools/browse_dataset.py: the model expects faces.', list(ratios))
        return
    scenes = [clip for clip, ratio in ratios.items() if ratio is not None and ratio < FACE_RATIO]
    if face_clips < _FACES:
        yield split.issue('faces', ERROR if face_clips < _SCENES else WARNING,
                          f'{len(scenes)} of {len(ratios)} sampled clips show more than a face, {scenes[0].name} for '
                          'instance: the frames are scenes, or crops that are too wide',
                          'Crop the faces: tools/prepare_data.py with --faces crop.', scenes)
    else:
        faces = sum(ratio is not None for ratio in ratios.values()) - len(scenes)
        yield split.issue('faces', NOTE, f'{faces} of {len(ratios)} sampled clips show a face and little else, '
                          f'{len(scenes)} a scene')
