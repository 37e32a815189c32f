"""Probes of a clip's files: what they hold, and whether they can be read."""
import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from claip_emo_mm.data_preparation.clips import UNUSABLE, reason
from claip_emo_mm.media.audio import AudioFile, ClipReader
from claip_emo_mm.media.containers import best_stream, open_media
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.packets import missing_end
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.io import writing_into
from claip_emo_mm.utils.parallel import run_parallel

_DECODED_FRAMES = 3  # of a clip; the others are only checked for being complete
_CACHE_VERSION = 3  # clips that were probed by another version are probed again
_WORTH_A_WORKER = 200  # clips: probing them takes about as long as starting a process
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipJob:
    """A clip to probe."""
    frames: str  # video file, or folder of frames; the audio file again where there are no frames
    audio: str  # audio file of a folder of frames, '' without
    needs_frames: bool = True
    needs_audio: bool = True
    every_frame: bool = False  # decode all of them


@dataclass(frozen=True)
class ClipProbe:
    """What the files of a clip hold."""
    frame_error: str = ''  # why frames cannot be read; '' if they can
    audio_error: str = ''
    num_frames: int = 0
    height: int = 0  # of the first frame, pixels
    width: int = 0
    missing_numbers: int = 0  # gaps in the numbers of a folder's frames
    has_audio: bool = False
    frames_s: float | None = None  # length of a video; None for a folder of frames
    audio_s: float = 0.
    peak: float = 0.  # largest absolute sample, 0 to 1
    audio_note: str = ''  # on how the channels were mixed
    states_length: bool = True  # whether the audio file says how long it is, so that truncation is detected
    frame_hash: str = ''  # of the content, without names and dates
    audio_hash: str = ''


Probes = Mapping[tuple[str, str], ClipProbe]  # by the files of a clip, see CheckedSplit.key


def probe_clip(job: ClipJob) -> ClipProbe:
    """Open a clip's files, and decode some of its frames and all of its audio."""
    probe: dict[str, object] = {}
    try:
        clip = _open(job)
    except UNUSABLE as error:
        return ClipProbe(frame_error=reason(job.frames or job.audio, error))
    if clip.has_frames:
        probe['num_frames'] = clip.num_frames
    elif job.needs_frames:
        return ClipProbe(frame_error=f"{job.audio}: audio without frames. Set on_missing='mask' in DecodeFrames for a "
                                     'model that also takes clips without frames.')
    if job.needs_frames:
        try:
            probe |= _probe_frames(clip, job.every_frame)
        except UNUSABLE as error:
            probe['frame_error'] = reason(job.frames, error)
    if job.needs_audio and clip.has_audio:
        probe['has_audio'] = True
        try:
            samples, sample_rate_hz = clip.audio()
            probe |= dict(audio_s=len(samples) / sample_rate_hz, peak=float(np.abs(samples).max()),
                          audio_note=clip.audio_note, states_length=not job.audio or missing_end(job.audio) is not None,
                          audio_hash=hashlib.sha1((samples * 2 ** 15).astype(np.int16).tobytes()).hexdigest())
        except UNUSABLE as error:
            probe['audio_error'] = reason(job.audio or job.frames, error)
    return ClipProbe(**probe)


def _open(job: ClipJob) -> ClipReader:
    if job.frames == job.audio:
        return AudioFile(job.audio, 1)
    return VideoFile(job.frames) if os.path.isfile(job.frames) else FrameFolder(job.frames, job.audio or None)


def _probe_frames(clip: VideoFile | FrameFolder, every_frame: bool) -> dict[str, object]:
    count = clip.num_frames if every_frame else _DECODED_FRAMES
    frames = clip.decode(np.unique(np.linspace(0, clip.num_frames - 1, count).round().astype(int)))
    probe: dict[str, object] = dict(height=int(frames[0].shape[0]), width=int(frames[0].shape[1]))
    digest = hashlib.sha1()
    if isinstance(clip, FrameFolder):
        probe['missing_numbers'] = _missing_numbers(clip.names)
        for index in range(clip.num_frames):
            digest.update(clip.read_file(index))
    else:
        probe['frames_s'] = clip.duration_s
        with open_media(clip.path) as container:  # the coded frames, without the container's metadata
            for packet in container.demux(best_stream(container, 'video')):
                digest.update(bytes(packet))
    return probe | dict(frame_hash=digest.hexdigest())


def _missing_numbers(names: list[str]) -> int:
    """Count the numbers between the first and the last frame that are missing, if every name ends in an integer."""
    stems = [os.path.splitext(name)[0] for name in names]
    numbers = [re.findall(r'\d+', stem) for stem in stems]
    if not all(numbers) or any(re.search(r'\d\.\d', stem) for stem in stems):
        return 0
    steps = np.diff(sorted({int(found[-1]) for found in numbers}))
    return int((steps - steps.min()).sum() // steps.min()) if len(steps) else 0


def probe_clips(jobs: Sequence[ClipJob], cache_file: Path, workers: int) -> dict[ClipJob, ClipProbe]:
    """Probe clips that were not probed before, or have changed since; the cache file gets a line a clip."""
    known = _read_cache(cache_file)
    keys = {job: _key(job) for job in jobs}
    probes = {job: known[key] for job, key in keys.items() if key in known}
    missing = [job for job in keys if job not in probes]
    if probes:
        _logger.info('%s: %d of %d clips were probed before', cache_file, len(probes), len(keys))
    with writing_into(cache_file, _logger):
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        with cache_file.open('a', encoding='utf-8') as file:
            for job, probe in run_parallel(_probe, missing, workers, 'probing clips', _WORTH_A_WORKER, len(probes)):
                probes[job] = probe
                file.write(json.dumps([keys[job], asdict(probe)], allow_nan=False) + '\n')
                file.flush()
    return probes


def _probe(job: ClipJob) -> tuple[ClipJob, ClipProbe]:
    return job, probe_clip(job)


def _read_cache(path: Path) -> dict[str, ClipProbe]:
    known = {}
    if path.is_file():
        for line in path.read_text(encoding='utf-8').splitlines():
            with suppress(ValueError, TypeError):  # a truncated line, or one of another version: probed again
                key, probe = json.loads(line)
                known[key] = ClipProbe(**probe)
    return known


def _key(job: ClipJob) -> str:
    """Hash what is to be probed, and the names, sizes and dates of its files."""
    digest = hashlib.sha1(f'{_CACHE_VERSION} {job!r}'.encode())
    for path in filter(None, (job.frames, job.audio)):
        files = [path]
        if os.path.isdir(path):
            with suppress(OSError):  # probe_clip says what cannot be read
                files = [os.path.join(path, name) for name in sorted(os.listdir(path))]
        digest.update(repr([(file, *_size_and_date(file)) for file in files]).encode())
    return digest.hexdigest()


def _size_and_date(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:  # a link to nowhere
        return 0, 0
    return status.st_size, status.st_mtime_ns
