"""Clips without pictures: a sound file."""
import numpy as np

from claip_emo_mm.datasets.readers.sound_file import read_sound_file, sound_duration_s
from claip_emo_mm.errors import InputError


class SoundAlone:
    """A wav, flac, ogg or mp3 file as a clip, such as MMAction2's AudioDataset lists them.

    Args:
        audio_path: the file.
        num_frames: frames of the video that it belongs to, which views are counted in.

    Raises:
        InputError: the file is missing, empty, cut off, or holds no sound.
    """

    has_frames = False
    has_sound = True

    def __init__(self, audio_path: str, num_frames: int) -> None:
        self.path = audio_path
        self.num_frames = max(num_frames, 1)
        self.sound_note = ''
        self.duration_s = sound_duration_s(audio_path)

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """Refuse: there are no frames.

        Raises:
            InputError: always.
        """
        raise InputError(f'{self.path}: a sound file has no frames. Take DecodeFrames out of the pipeline.')

    def sound(self) -> tuple[np.ndarray, int]:
        """Read the sound; see `ClipReader.sound`."""
        samples, self.sound_note, sample_rate_hz = read_sound_file(self.path)
        return samples, sample_rate_hz
