"""One clip from what was handed out to ready files: a folder of face images and a wav file."""
import errno
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import soxr

from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.crop import crop_face
from claip_emo_mm.faces.detector import FaceDetector, SlimFaceDetector
from claip_emo_mm.faces.tracking import follow_face
from claip_emo_mm.media.audio import audio_duration_s
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.file_errors import WriteError
from claip_emo_mm.utils.io import PART_SUFFIX, atomic_folder, atomic_write

FRAME_FOLDER, AUDIO_FOLDER = 'frames', 'audio'
LONGEST_ENDING = len('.wav' + PART_SUFFIX)  # bytes that are put behind a clip's id
SAMPLE_RATE_HZ = 16000
NO_FACE = 'no face'
# What reading a clip may end in: an error of ours, or of a library that no reader knew. It is never the next clip's.
UNUSABLE = (InputError, av.error.FFmpegError, cv2.error, soundfile.SoundFileError, MemoryError)

_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Failure:
    """Why a clip is not ready.

    Args:
        clip_id: number of the clip.
        file: what could not be used.
        stage: 'folder' or 'source' (looking for files), 'video' (opening it), 'audio', 'frames' or 'face'.
        reason: what is wrong with it, and what to do.
    """
    clip_id: str
    file: str
    stage: str
    reason: str


@dataclass(frozen=True)
class PreparedClip:
    """What became of a clip.

    Args:
        clip_id: number of the clip.
        frames: folder of images; None where the clip failed.
        audio: audio file; None where the clip has no audio, or failed.
        failure: why it is not ready; None where it is.
    """
    clip_id: str
    frames: Path | None = None
    audio: Path | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class ClipPreparation:
    """How clips are made ready.

    Args:
        out: folder that gets `frames/00001/00001.jpg ...` and `audio/00001.wav`.
        crop_frames, crop_videos: whether faces are found and cropped in frame folders and in videos. Folders of faces
            are used where they lie; videos of faces are unpacked as they are.
        make_finder: makes the face finder, once in each process.
    """
    out: Path
    crop_frames: bool
    crop_videos: bool
    make_finder: Callable[[], FaceDetector] = SlimFaceDetector

    def open_folder(self) -> None:
        """Make the folders, and remove what a killed run left half-written."""
        for name in (FRAME_FOLDER, AUDIO_FOLDER):
            folder = self.out / name
            folder.mkdir(parents=True, exist_ok=True)
            for split in folder.glob(f'*{PART_SUFFIX}'):
                shutil.rmtree(split) if split.is_dir() else split.unlink()

    def crops(self, clip: ClipSource) -> bool:
        """Whether the clip's faces are cropped."""
        return self.crop_videos if clip.frames is None else self.crop_frames

    def frame_folder(self, clip: ClipSource) -> Path:
        """Where the ready images are."""
        if clip.frames is not None and not self.crop_frames:
            return clip.frames
        return self.out / FRAME_FOLDER / clip.clip_id

    def wav_file(self, clip: ClipSource) -> Path:
        """Where the audio of the clip's video goes."""
        return self.out / AUDIO_FOLDER / f'{clip.clip_id}.wav'

    def is_ready(self, clip: ClipSource) -> bool:
        """Whether all that is to be made of the clip is there; complete, as it takes its name last."""
        return clip.audio is None and self.wav_file(clip).is_file() and self.frame_folder(clip).is_dir()

    def __call__(self, clip: ClipSource) -> PreparedClip:
        """Make what the clip lacks.

        Raises:
            WriteError: a result cannot be written.
        """
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
            return PreparedClip(clip.clip_id, failure=Failure(clip.clip_id, str(file), 'face', NO_FACE))
        return PreparedClip(clip.clip_id, frames, audio)

    def _open_video(self, clip: ClipSource) -> VideoFile | None:
        """Open the clip's video, None where nothing needs to be read from it."""
        has_audio = clip.audio is not None or self.wav_file(clip).is_file()
        has_frames = clip.frames is not None or self.frame_folder(clip).is_dir()
        if clip.video is None or (has_audio and has_frames):
            return None
        return VideoFile(str(clip.video))

    def _prepare_audio(self, clip: ClipSource, video: VideoFile | None) -> Path | None:
        """Return the audio file, None where the clip has no audio."""
        if clip.audio is not None:
            audio_duration_s(str(clip.audio))  # checks the file
            return clip.audio
        path = self.wav_file(clip)
        if path.is_file():
            return path
        if video is None or not video.has_audio:
            return None
        samples, sample_rate_hz = video.audio()
        samples = soxr.resample(samples, sample_rate_hz, SAMPLE_RATE_HZ)
        wav = io.BytesIO()
        soundfile.write(wav, np.clip(samples, -1, 1), SAMPLE_RATE_HZ, subtype='PCM_16', format='WAV')
        with atomic_write(path) as split:
            split.write_bytes(wav.getvalue())
        return path

    def _prepare_frames(self, clip: ClipSource, video: VideoFile | None) -> Path | None:
        """Return the folder of images, None where no frame has a face."""
        folder = self.frame_folder(clip)
        if folder.is_dir():
            return folder
        reader = video
        if clip.frames is not None:
            reader = FrameFolder(str(clip.frames))
        images = reader.every_frame()
        if self.crops(clip):
            finder = _shared_finder(self.make_finder)
            squares = follow_face([finder.find(frame) for frame in reader.every_frame()])
            if squares is None:
                return None
            images = map(crop_face, images, squares)
        with atomic_folder(folder) as split:
            for number, image in enumerate(images, 1):
                _write_jpeg(split / f'{number:05d}.jpg', image)
        return folder


def reason(file: Path | str, error: Exception) -> str:
    """Say why a clip cannot be used."""
    if isinstance(error, InputError):
        return str(error)
    found = getattr(error, 'strerror', None) or str(error).strip() or 'no memory for it'
    return f'{file}: cannot be read ({" ".join(found.split())}). Copy or convert the file again.'


@cache
def _shared_finder(make_finder: Callable[[], FaceDetector]) -> FaceDetector:
    return make_finder()


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    _, data = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    path.write_bytes(data.tobytes())
