"""What the files of a clip hold."""
import hashlib
import json
import logging
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
from tqdm import tqdm

from claip_emo_mm.data_preparation.clips import UNUSABLE, reason
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import AudioFile, ClipReader
from claip_emo_mm.media.containers import open_media, video_stream
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.packets import states_length
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.parallel import run_parallel

_LOOKED_AT = 3  # frames of a clip that are decoded; the others are only looked at for being whole


@dataclass(frozen=True)
class ClipJob:
    """A clip to look at.

    Args:
        frames: video file, or folder of frames.
        audio: audio file of a folder of frames, '' without.
        needs_frames, needs_audio: what is to be read of it.
        every_frame: decode every frame.
    """

    frames: str
    audio: str
    needs_frames: bool = True
    needs_audio: bool = True
    every_frame: bool = False


@dataclass(frozen=True)
class ClipProbe:
    """What was found.

    Args:
        frame_error, audio_error: why they cannot be read; '' where they can.
        num_frames: frames.
        height, width: of the first frame, pixels.
        missing_numbers: numbers that the names of a folder's frames leave out.
        has_audio: whether there is any.
        frames_s: length that the video says; None for frames.
        audio_s: length of the audio.
        peak: largest absolute sample, 0 to 1.
        audio_note: what is to be known of how its channels were mixed; '' for nothing.
        states_length: whether the audio file says how long it is, so that a cut is found out.
        frame_hash, audio_hash: what they hold, without names and dates; '' where it was not read.
    """

    frame_error: str = ''
    audio_error: str = ''
    num_frames: int = 0
    height: int = 0
    width: int = 0
    missing_numbers: int = 0
    has_audio: bool = False
    frames_s: float | None = None
    audio_s: float = 0.
    peak: float = 0.
    audio_note: str = ''
    states_length: bool = True
    frame_hash: str = ''
    audio_hash: str = ''


def inspect_clip(job: ClipJob) -> ClipProbe:
    """Open a clip's files and decode some of its frames and all of its audio."""
    facts: dict[str, object] = {}
    try:
        clip = _open(job)
    except UNUSABLE as error:
        return ClipProbe(frame_error=reason(job.frames or job.audio, error))
    if clip.has_frames:
        facts['num_frames'] = clip.num_frames
    elif job.needs_frames:
        return ClipProbe(frame_error=f"{job.audio}: audio without frames. Set on_missing='mask' in "
                                       'DecodeFrames for a model that also takes clips without frames.')
    if job.needs_frames:
        try:
            facts |= _look_at(clip, job.every_frame)
        except UNUSABLE as error:
            facts['frame_error'] = reason(job.frames, error)
    if job.needs_audio and clip.has_audio:
        facts['has_audio'] = True
        try:
            samples, sample_rate_hz = clip.audio()
            facts |= dict(audio_s=len(samples) / sample_rate_hz, peak=float(np.abs(samples).max()),
                          audio_note=clip.audio_note, states_length=not job.audio or states_length(job.audio),
                          audio_hash=hashlib.sha1((samples * 2 ** 15).astype(np.int16).tobytes()).hexdigest())
        except UNUSABLE as error:
            facts['audio_error'] = reason(job.audio or job.frames, error)
    return ClipProbe(**facts)


def _open(job: ClipJob) -> ClipReader:
    if job.frames == job.audio:
        return AudioFile(job.audio, 1)
    return VideoFile(job.frames) if os.path.isfile(job.frames) else FrameFolder(job.frames, job.audio or None)


def _look_at(clip: VideoFile | FrameFolder, every_frame: bool) -> dict[str, object]:
    chosen = np.arange(clip.num_frames) if every_frame else np.unique(
        np.linspace(0, clip.num_frames - 1, _LOOKED_AT).round().astype(int))
    frames = clip.decode(chosen)
    found = dict(height=int(frames[0].shape[0]), width=int(frames[0].shape[1]))
    if isinstance(clip, FrameFolder):
        return found | dict(missing_numbers=_missing_numbers(clip.names), frame_hash=_hash_files(clip))
    return found | dict(frames_s=clip.duration_s, frame_hash=_hash_packets(clip.path))


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
    """Hash the coded frames, without what the file around them says."""
    digest = hashlib.sha1()
    with open_media(path) as container:
        for packet in container.demux(video_stream(container)):
            digest.update(bytes(packet))
    return digest.hexdigest()


_FORM = 2  # of what is kept; clips that were looked at for another are looked at again
_WORTH_A_WORKER = 200  # clips: looking at them takes about as long as starting a process
_logger = logging.getLogger(__name__)


def inspect_clips(jobs: Sequence[ClipJob], path: Path, workers: int) -> dict[ClipJob, ClipProbe]:
    """Look at clips that were not looked at before, or have changed since, with a progress bar.

    Args:
        jobs: the clips.
        path: file that keeps what was found, a line a clip; an interrupted check leaves what it has.
        workers: processes at most.
    Raises:
        InputError: the file cannot be written.
    """
    known = _read(path)
    keys = {job: _key(job) for job in jobs}
    facts = {job: known[key] for job, key in keys.items() if key in known}
    missing = [job for job in keys if job not in facts]
    if facts:
        _logger.info('%s: %d of %d clips were looked at before', path, len(facts), len(keys))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('a', encoding='utf-8') as file, tqdm(
                total=len(keys), initial=len(facts), unit='clip', desc='looking at clips', mininterval=.5,
                disable=not missing) as bar:
            run_parallel(_inspect, missing, workers, lambda result: _keep(result, facts, keys, file, bar),
                         _WORTH_A_WORKER)
    except OSError as error:
        raise InputError(f'{path}: cannot be written ({error.strerror or error}). Choose another folder with '
                         '--out.') from error
    return facts


def _inspect(job: ClipJob) -> tuple[ClipJob, ClipProbe]:
    return job, inspect_clip(job)


def _keep(result: tuple[ClipJob, ClipProbe], facts: dict[ClipJob, ClipProbe], keys: dict[ClipJob, str],
          file: IO[str], bar: tqdm) -> None:
    job, found = result
    facts[job] = found
    file.write(json.dumps([keys[job], asdict(found)], allow_nan=False) + '\n')
    file.flush()
    bar.update()


def _read(path: Path) -> dict[str, ClipProbe]:
    known = {}
    if path.is_file():
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                key, found = json.loads(line)
                known[key] = ClipProbe(**found)
            except (ValueError, TypeError):  # a line that was cut off, or of another version: looked at again
                continue
    return known


def _key(job: ClipJob) -> str:
    """What was to be looked at, and the names, sizes and dates of its files."""
    digest = hashlib.sha1(f'{_FORM} {job!r}'.encode())
    for path in filter(None, (job.frames, job.audio)):
        digest.update(repr(_files(path)).encode())
    return digest.hexdigest()


def _files(path: str) -> list[tuple[str, int, int]]:
    """Path, size and date of a file, or of those in a folder."""
    paths = [path]
    if os.path.isdir(path):
        with suppress(OSError):  # inspect_clip says what cannot be read
            paths = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    return [(file, *_size_and_date(file)) for file in paths]


def _size_and_date(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # a link to nowhere
        return 0, 0
    return status.st_size, status.st_mtime_ns
