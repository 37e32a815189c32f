"""Preparation of one clip: a folder of face images and a wav file."""
import errno
import io
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import soxr

from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.faces.crop import crop_face
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.faces.tracking import follow_face
from claip_emo_mm.media.audio import audio_duration_s, read_audio_file
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.file_errors import WriteError
from claip_emo_mm.utils.io import PART_SUFFIX, atomic_folder, atomic_write, write_csv
from claip_emo_mm.utils.parallel import run_parallel

FAILURES_FILE, NOTES_FILE = 'failures.csv', 'notes.csv'
LONGEST_ENDING = len('.wav' + PART_SUFFIX)  # bytes that are put behind a clip's id
# What reading a clip may end in: an error of ours, or of a library that no reader knew. It is never the next clip's.
UNUSABLE = (InputError, av.error.FFmpegError, cv2.error, soundfile.SoundFileError, MemoryError)

_SAMPLE_RATE_HZ = 16000
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a clip or folder cannot be used."""
    clip_id: str
    file: str
    stage: str  # 'folder' or 'source' (the search for files), 'video' (opening it), 'audio', 'frames' or 'face'
    reason: str  # and what to do


@dataclass(frozen=True)
class PreparedClip:
    """What became of a clip."""
    clip_id: str
    frames: Path | None = None  # folder of images
    audio: Path | None = None  # None where the clip has no audio
    failure: Failure | None = None


@dataclass(frozen=True)
class ClipPreparation:
    """Prepares clips into `out/frames/00001/00001.jpg ...` and `out/audio/00001.wav`.

    Faces are cropped in frame folders and in videos, each if it is asked for. Else frame folders are used where they
    lie, and videos are unpacked as they are. Audio files are used where they lie, too, unless they are to be copied.
    """
    out: Path
    crop_frames: bool
    crop_videos: bool
    make_detector: Callable[[], FaceDetector] = default_detector  # called once in each process
    copy_audio: bool = False

    def open_folder(self) -> None:
        """Make the folders, and remove what a killed run left half-written."""
        for name in ('frames', 'audio'):
            folder = self.out / name
            folder.mkdir(parents=True, exist_ok=True)
            for part in folder.glob(f'*{PART_SUFFIX}'):
                shutil.rmtree(part) if part.is_dir() else part.unlink()

    def crops(self, clip: ClipSource) -> bool:
        return self.crop_videos if clip.frames is None else self.crop_frames

    def frame_folder(self, clip: ClipSource) -> Path:
        if clip.frames is not None and not self.crop_frames:
            return clip.frames
        return self.out / 'frames' / clip.clip_id

    def wav_file(self, clip: ClipSource) -> Path:
        return self.out / 'audio' / f'{clip.clip_id}.wav'

    def is_ready(self, clip: ClipSource) -> bool:
        """Whether all that is to be made of the clip exists; it is complete, as it is written atomically."""
        makes_audio = clip.audio is None or self.copy_audio
        return makes_audio and self.wav_file(clip).is_file() and self.frame_folder(clip).is_dir()

    def __call__(self, clip: ClipSource) -> PreparedClip:
        """Make what is missing of the clip."""
        stage, file = 'video', clip.video
        try:
            video = self._open_video(clip)
            stage, file = 'audio', clip.audio or clip.video
            audio = self._prepare_audio(clip, video)
            stage, file = 'frames', clip.frames or clip.video
            frames = self._prepare_frames(clip, video)
        except (*UNUSABLE, OSError) as error:
            is_of_disk = isinstance(error, WriteError) or not isinstance(error, UNUSABLE)
            if is_of_disk and error.errno != errno.ENAMETOOLONG:  # would stop the next clip, too
                raise
            return PreparedClip(clip.clip_id, failure=Failure(clip.clip_id, str(file), stage, reason(file, error)))
        if frames is None:
            return PreparedClip(clip.clip_id, failure=Failure(clip.clip_id, str(file), 'face', 'no face'))
        return PreparedClip(clip.clip_id, frames, audio)

    def _open_video(self, clip: ClipSource) -> VideoFile | None:
        """Open the clip's video; None if nothing needs to be read from it."""
        has_audio = clip.audio is not None or self.wav_file(clip).is_file()
        has_frames = clip.frames is not None or self.frame_folder(clip).is_dir()
        return None if clip.video is None or (has_audio and has_frames) else VideoFile(str(clip.video))

    def _prepare_audio(self, clip: ClipSource, video: VideoFile | None) -> Path | None:
        if clip.audio is not None and not self.copy_audio:
            audio_duration_s(str(clip.audio))  # checks the file
            return clip.audio
        path = self.wav_file(clip)
        if path.is_file():
            return path
        if clip.audio is not None:
            samples, _, sample_rate_hz = read_audio_file(str(clip.audio))
        elif video is not None and video.has_audio:
            samples, sample_rate_hz = video.audio()
        else:
            return None
        samples = soxr.resample(samples, sample_rate_hz, _SAMPLE_RATE_HZ)
        wav = io.BytesIO()
        soundfile.write(wav, np.clip(samples, -1, 1), _SAMPLE_RATE_HZ, subtype='PCM_16', format='WAV')
        with atomic_write(path) as part:
            part.write_bytes(wav.getvalue())
        return path

    def _prepare_frames(self, clip: ClipSource, video: VideoFile | None) -> Path | None:
        """Return the folder of images; None if no frame has a face."""
        folder = self.frame_folder(clip)
        if folder.is_dir():
            return folder
        reader = video if clip.frames is None else FrameFolder(str(clip.frames))
        images = reader.every_frame()
        if self.crops(clip):
            detector = _shared_detector(self.make_detector)
            squares = follow_face([detector.find(frame) for frame in reader.every_frame()])
            if squares is None:
                return None
            images = map(crop_face, images, squares)
        with atomic_folder(folder) as part:
            for number, image in enumerate(images, 1):
                _write_jpeg(part / f'{number:05d}.jpg', image)
        return folder


def prepare_clips(preparation: ClipPreparation, clips: Sequence[ClipSource], workers: int) -> dict[str, PreparedClip]:
    """Prepare clips, or what is still missing of them; return what became of each, by its id."""
    preparation.open_folder()
    ready = {clip.clip_id: PreparedClip(clip.clip_id, preparation.frame_folder(clip), preparation.wav_file(clip))
             for clip in clips if preparation.is_ready(clip)}
    if ready:
        _logger.info('%s: %d of %d clips are there already', preparation.out, len(ready), len(clips))
    missing = [clip for clip in clips if clip.clip_id not in ready]
    worth_a_worker = 8 if any(map(preparation.crops, missing)) else 200
    return ready | {clip.clip_id: clip for clip in run_parallel(preparation, missing, workers, 'clips', worth_a_worker,
                                                                len(ready))}


def reason(file: Path | str, error: Exception) -> str:
    """Say why a clip cannot be used."""
    if isinstance(error, InputError):
        return str(error)
    found = getattr(error, 'strerror', None) or str(error).strip() or 'no memory for it'
    return f'{file}: cannot be read ({" ".join(found.split())}). Copy or convert the file again.'


def list_cell(path: Path | None, out: Path) -> str:
    """Return a path as the lists in `out` hold it: relative to them; '' for None."""
    return '' if path is None else Path(os.path.relpath(path.resolve(), out.resolve())).as_posix()


def write_failures(out: Path, failures: Iterable[Failure], notes: Iterable[tuple[str, str]]) -> None:
    """Write `failures.csv` (clip, file, stage, reason) and `notes.csv` (clip, note); only a header means none."""
    write_csv(out / FAILURES_FILE, ('clip', 'file', 'stage', 'reason'),
              (tuple(map(printable, (failure.clip_id, failure.file, failure.stage, failure.reason)))
               for failure in failures))
    write_csv(out / NOTES_FILE, ('clip', 'note'), notes)


@cache
def _shared_detector(make_detector: Callable[[], FaceDetector]) -> FaceDetector:
    return make_detector()


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    _, data = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
    path.write_bytes(data.tobytes())
