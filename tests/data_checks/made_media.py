"""Tiny media files in the containers of public corpora, whose gray and loudness say which file was read."""
from pathlib import Path

import cv2
import numpy as np
import soundfile

from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.toy.clips import MediaForm, encode_clip

FPS, SECONDS = 10, .8
FORMS = {'.flv': ('flv', 'flv', 'libmp3lame', 44100), '.mp4': ('mp4', 'libx264', 'aac', 48000),
         '.avi': ('avi', 'mpeg4', 'libmp3lame', 44100)}


class FullDetector:
    """Finds a face that fills the frame, and none in a black one."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        height, width = frame.shape[:2]
        return [FaceBox(0, 0, width, height, .9)] if frame.mean() > 4 else []


def tone(loudness: float) -> np.ndarray:
    return (loudness * np.sin(2 * np.pi * 400 * np.arange(int(16000 * SECONDS)) / 16000)).astype(np.float32)


def write_video(path: Path, gray: int = 100, loudness: float = .5) -> Path:
    """A video evenly gray, with a tone of a loudness from 0 to 1; 0 for no audio."""
    container, video, audio, rate_hz = FORMS[path.suffix]
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.full((48, 64, 3), gray, np.uint8)] * int(FPS * SECONDS)
    encode_clip(path, frames, tone(loudness), FPS, MediaForm(container, video, audio if loudness else '', rate_hz))
    return path


def write_wav(path: Path, loudness: float, rate_hz: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(tone(loudness), rate_hz // 16000), rate_hz)
    return path


def write_pointer(path: Path) -> Path:
    """What a clone without git-lfs has in place of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'version https://git-lfs.github.com/spec/v1\noid sha256:{64 * "0"}\nsize 265922\n')
    return path


def gray_of(out: Path, clip_id: str) -> int:
    """Gray of a prepared clip, to the nearest ten."""
    image = cv2.imread(str(sorted((out / 'frames' / clip_id).iterdir())[3]))
    return round(float(image[100:150, 100:150].mean()), -1)


def loudness_of(out: Path, clip_id: str) -> float:
    samples, rate_hz = soundfile.read(out / 'audio' / f'{clip_id}.wav')
    assert rate_hz == 16000 and samples.ndim == 1
    return round(float(np.sqrt(2 * np.square(samples[2000:-2000]).mean())), 1)  # of a sine
