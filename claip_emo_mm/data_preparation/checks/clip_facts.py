"""What the files of one clip hold, found out by opening them."""
import hashlib
import os
import re
from dataclasses import dataclass

import numpy as np

from claip_emo_mm.data_preparation.clip_preparation import UNUSABLE, reason
from claip_emo_mm.datasets.readers import ClipReader, FrameFolder, SoundAlone, VideoFile
from claip_emo_mm.media import open_media, video_stream
from claip_emo_mm.media.audio_end import states_length

_LOOKED_AT = 3  # frames of a clip that are decoded; the others are only looked at for being whole


@dataclass(frozen=True)
class ClipJob:
    """A clip to look at.

    Args:
        pictures: video file, or folder of frames.
        sound: sound file of a folder of frames, '' without.
        needs_pictures, needs_sound: what is to be read of it.
        every_frame: decode every frame.
    """

    pictures: str
    sound: str
    needs_pictures: bool = True
    needs_sound: bool = True
    every_frame: bool = False


@dataclass(frozen=True)
class ClipFacts:
    """What was found.

    Args:
        picture_error, sound_error: why they cannot be read; '' where they can.
        num_frames: frames.
        height, width: of the first frame, pixels.
        missing_numbers: numbers that the names of a folder's frames leave out.
        has_sound: whether there is any.
        pictures_s: length that the video says; None for frames.
        sound_s: length of the sound.
        peak: largest absolute sample, 0 to 1.
        sound_note: what is to be known of how its channels were mixed; '' for nothing.
        states_length: whether the sound file says how long it is, so that a cut is found out.
        picture_hash, sound_hash: what they hold, without names and dates; '' where it was not read.
    """

    picture_error: str = ''
    sound_error: str = ''
    num_frames: int = 0
    height: int = 0
    width: int = 0
    missing_numbers: int = 0
    has_sound: bool = False
    pictures_s: float | None = None
    sound_s: float = 0.
    peak: float = 0.
    sound_note: str = ''
    states_length: bool = True
    picture_hash: str = ''
    sound_hash: str = ''


def inspect_clip(job: ClipJob) -> ClipFacts:
    """Open a clip's files and decode some of its frames and all of its sound."""
    facts: dict[str, object] = {}
    try:
        clip = _open(job)
    except UNUSABLE as error:
        return ClipFacts(picture_error=reason(job.pictures or job.sound, error))
    if clip.has_frames:
        facts['num_frames'] = clip.num_frames
    elif job.needs_pictures:
        return ClipFacts(picture_error=f"{job.sound}: sound without picture. Set on_missing='leave_out' in "
                                       'DecodeFrames for a model that also takes clips without picture.')
    if job.needs_pictures:
        try:
            facts |= _look_at(clip, job.every_frame)
        except UNUSABLE as error:
            facts['picture_error'] = reason(job.pictures, error)
    if job.needs_sound and clip.has_sound:
        facts['has_sound'] = True
        try:
            samples, sample_rate_hz = clip.sound()
            facts |= dict(sound_s=len(samples) / sample_rate_hz, peak=float(np.abs(samples).max()),
                          sound_note=clip.sound_note, states_length=not job.sound or states_length(job.sound),
                          sound_hash=hashlib.sha1((samples * 2 ** 15).astype(np.int16).tobytes()).hexdigest())
        except UNUSABLE as error:
            facts['sound_error'] = reason(job.sound or job.pictures, error)
    return ClipFacts(**facts)


def _open(job: ClipJob) -> ClipReader:
    if job.pictures == job.sound:
        return SoundAlone(job.sound, 1)
    return VideoFile(job.pictures) if os.path.isfile(job.pictures) else FrameFolder(job.pictures, job.sound or None)


def _look_at(clip: VideoFile | FrameFolder, every_frame: bool) -> dict[str, object]:
    chosen = np.arange(clip.num_frames) if every_frame else np.unique(
        np.linspace(0, clip.num_frames - 1, _LOOKED_AT).round().astype(int))
    frames = clip.decode(chosen)
    found = dict(height=int(frames[0].shape[0]), width=int(frames[0].shape[1]))
    if isinstance(clip, FrameFolder):
        return found | dict(missing_numbers=_missing_numbers(clip.names), picture_hash=_hash_files(clip))
    return found | dict(pictures_s=clip.duration_s, picture_hash=_hash_packets(clip.path))


def _missing_numbers(names: list[str]) -> int:
    """Numbers that are left out between the first and the last frame, where every name ends in a whole one."""
    numbers = [re.findall(r'\d+', os.path.splitext(name)[0]) for name in names]
    if not all(numbers) or any(re.search(r'\d\.\d', os.path.splitext(name)[0]) for name in names):
        return 0
    last = sorted({int(found[-1]) for found in numbers})
    steps = np.diff(last)
    return int((steps - steps.min()).sum() // steps.min()) if len(steps) else 0


def _hash_files(clip: FrameFolder) -> str:
    digest = hashlib.sha1()
    for index in range(clip.num_frames):
        digest.update(clip.read_file(index))
    return digest.hexdigest()


def _hash_packets(path: str) -> str:
    """Hash the coded pictures, without what the file around them says."""
    digest = hashlib.sha1()
    with open_media(path) as container:
        for packet in container.demux(video_stream(container)):
            digest.update(bytes(packet))
    return digest.hexdigest()
