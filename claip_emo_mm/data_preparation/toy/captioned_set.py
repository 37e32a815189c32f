"""Drawn faces and voices with captions, on which the toy towers are pretrained: identities that no toy clip shows."""
import io
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...datasets.sound_windows import fill_window
from ...datasets.transforms import LogMel
from ...utils.io import atomic_write
from .captions import describe_face, describe_voice
from .face import FaceCanvas, FaceControls
from .face_identity import FaceIdentity
from .streams import identity_stream
from .voice import SAMPLE_RATE_HZ, Prosody, VoiceIdentity, babble

_LARGEST_SHIFT = .02  # of the head, in sides of the picture
_LARGEST_ROLL = 4.  # degrees
_SHORTEST_S, _LONGEST_S = 1.5, 3.
_WINDOW_SAMPLES = round(3.072 * SAMPLE_RATE_HZ)
_FIRST_VOICE = 1_000_000  # the numbers below are the faces'
_IDENTITIES_PER_FILE = 20


@dataclass(frozen=True)
class CaptionedSettings:
    """What a captioned set holds.

    Args:
        kind: ``'faces'`` or ``'voices'``.
        identities: number of faces or voices.
        per_identity: pictures of each face, or utterances of each voice.
        seed: of the whole set.
        size: side of the pictures in pixels.
    """
    kind: str
    identities: int
    per_identity: int
    seed: int = 0
    size: int = 64

    @property
    def file_names(self) -> dict[int, str]:
        """Number of the first identity in each of the set's files -> name of the file."""
        size = f'_{self.size}px' if self.kind == 'faces' else ''
        name = f'{self.kind}_{self.identities}x{self.per_identity}{size}_seed{self.seed}'
        return {start: f'{name}_{start:05d}.npz' for start in range(0, self.identities, _IDENTITIES_PER_FILE)}


def make_captioned_set(out: Path, settings: CaptionedSettings, workers: int = 2) -> list[Path]:
    """Draw a captioned set, or what is still missing of it.

    Args:
        out: folder for the files.
        settings: what to draw.
        workers: processes.
    Returns: the files; each holds ``captions`` (identities, n, phrases) and either ``faces``
        (identities, n, size, size, 3) uint8 RGB, or ``voices`` (identities, n, M, F) float16 log-mel spectrograms, as
        the toy configs make them.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {start: out / name for start, name in settings.file_names.items()}
    missing = [(start, path) for start, path in files.items() if not path.is_file()]
    with tqdm(total=len(files), initial=len(files) - len(missing), unit='file', desc=f'captioned {settings.kind}',
              disable=not missing) as bar, \
            ProcessPoolExecutor(workers, multiprocessing.get_context('spawn')) as pool:
        for _ in pool.map(partial(_draw_file, settings), missing):
            bar.update()
    return list(files.values())


def _draw_file(settings: CaptionedSettings, job: tuple[int, Path]) -> None:
    """Draw the identities of one file; it takes its name when it is complete."""
    cv2.setNumThreads(1)
    start, path = job
    draw = _draw_faces if settings.kind == 'faces' else _draw_voices
    drawn = [draw(settings, index) for index in range(start, min(start + _IDENTITIES_PER_FILE, settings.identities))]
    shown, captions = zip(*drawn, strict=True)
    content = io.BytesIO()
    np.savez(content, captions=np.array(captions), **{settings.kind: np.stack(shown)})
    with atomic_write(path) as part:
        part.write_bytes(content.getvalue())


def _draw_faces(settings: CaptionedSettings, index: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    rng = identity_stream(settings.seed, 'pretrain', index)
    face = FaceIdentity.sample(rng)
    canvas = FaceCanvas(face, settings.size)
    pictures, captions = [], []
    for _ in range(settings.per_identity):
        controls = FaceControls.sample(rng)
        talk, blink = rng.uniform(0, 1), max(0., rng.uniform(-2, 1))
        dx, dy = rng.uniform(-_LARGEST_SHIFT, _LARGEST_SHIFT, 2)
        pictures.append(canvas.draw(controls, talk, blink, dx, dy, rng.uniform(-_LARGEST_ROLL, _LARGEST_ROLL)))
        captions.append(describe_face(face, controls, talk, blink))
    return np.stack(pictures), captions


def _draw_voices(settings: CaptionedSettings, index: int) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    rng = identity_stream(settings.seed, 'pretrain', _FIRST_VOICE + index)
    voice = VoiceIdentity.sample(rng)
    log_mel = LogMel(SAMPLE_RATE_HZ, window_ms=25, shift_ms=12, num_frames=256)
    sounds, captions = [], []
    for _ in range(settings.per_identity):
        prosody = Prosody.sample(rng)
        sound = babble(rng, voice, prosody, rng.uniform(_SHORTEST_S, _LONGEST_S))
        sound = np.roll(fill_window(sound, _WINDOW_SAMPLES), rng.integers(_WINDOW_SAMPLES))
        sounds.append(log_mel(dict(audios=[sound], sample_rate_hz=SAMPLE_RATE_HZ))['mel'][0, 0].half().numpy())
        captions.append(describe_voice(voice, prosody))
    return np.stack(sounds), captions
