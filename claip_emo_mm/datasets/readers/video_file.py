"""Clips that are one video file with its sound."""
import os
from collections.abc import Iterator

import av
import numpy as np

from claip_emo_mm.datasets.readers.sound_file import check_finite
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import FilePackets, FrameReader, audio_stream, open_media
from claip_emo_mm.media.mixdown import mix_down
from claip_emo_mm.media.packets import is_cut

_REMEDY = 'Copy or convert the file again (mp4 with h264 and aac is safe), or take it out of the list.'


class VideoFile:
    """A video file, with or without sound.

    Opening reads all packets (about 1 ms for a clip of 3 s) and compares them with the lengths that the file states,
    because decoders give the rest of a cut file without an error. Frames are those that are shown when the file is
    played, in this order; see `FrameReader`.

    Raises:
        InputError: the file is missing, empty, cut off, no video, or has no frames.
    """

    has_frames = True

    def __init__(self, path: str) -> None:
        self.path = path
        if not os.path.isfile(path):
            raise InputError(f'{path}: there is no such video file. {_REMEDY}')
        if not os.path.getsize(path):
            raise InputError(f'{path}: the video file is empty (0 bytes). {_REMEDY}')
        try:
            packets = FilePackets(path, _REMEDY)
        except av.error.FFmpegError as error:
            raise InputError(f'{path}: no video that can be opened ({error.strerror}): it is cut off, or not a video. '
                             f'{_REMEDY}') from error
        missing = packets.missing()
        if missing is not None:
            kind, found_s, expected_s = missing
            raise InputError(f'{path}: the file is cut off: {found_s:.2f} s of {kind} found, {expected_s:.2f} s '
                             f'expected. {_REMEDY}')
        has_sound = bool(packets.audio and packets.audio.count)
        if not (packets.video and packets.video.count):
            raise InputError(f'{path}: no frames in it{", only sound" if has_sound else ""}. {_REMEDY}')
        self._frames = FrameReader(path, packets)
        if not self._frames.num_frames:
            raise InputError(f'{path}: no frames in it that can be decoded. {_REMEDY}')
        self.num_frames = self._frames.num_frames
        self.duration_s = packets.video.found_s or None
        self.has_sound = has_sound
        self._sound_s = packets.audio.found_s if has_sound else 0.0
        self.sound_note = ''

    def decode(self, indices: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Read frames; see `ClipReader.decode`."""
        try:
            frames = self._frames.read(indices.tolist()) if indices[-1] < self.num_frames else ()
        except av.error.FFmpegError as error:
            raise self._broken(indices, error.strerror) from error
        if len(frames) < len(indices):
            raise self._broken(indices, 'they are not there')
        return frames

    def every_frame(self) -> Iterator[np.ndarray]:
        """Yield all frames in order, (H, W, 3) uint8 RGB, with few in memory at a time.

        Raises:
            InputError: one cannot be decoded.
        """
        try:
            yield from self._frames
        except av.error.FFmpegError as error:
            raise self._broken(np.arange(self.num_frames), error.strerror) from error

    def _broken(self, indices: np.ndarray, reason: str) -> InputError:
        return InputError(f'{self.path}: frames {indices[0]} to {indices[-1]} of {self.num_frames} cannot be decoded '
                          f'({reason}). {_REMEDY}')

    def sound(self) -> tuple[np.ndarray, int]:
        """Read the sound; see `ClipReader.sound`."""
        to_float = av.AudioResampler(format='flt')  # PyAV 18 crashes on the planes of more than 7 channels
        try:
            with open_media(self.path, _REMEDY) as container:
                stream = audio_stream(container)
                chunks = [chunk.to_ndarray().reshape(-1, chunk.layout.nb_channels)  # (n, channels)
                          for frame in container.decode(stream) for chunk in to_float.resample(frame)]
                sample_rate_hz = stream.rate
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(f'{self.path}: the sound cannot be decoded ({error}). {_REMEDY}') from error
        samples, self.sound_note = mix_down(np.concatenate(chunks) if chunks else np.zeros((0, 1), np.float32))
        if not len(samples) or is_cut(len(samples) / sample_rate_hz, self._sound_s):
            raise InputError(f'{self.path}: {len(samples) / sample_rate_hz:.2f} s of sound can be decoded, '
                             f'{self._sound_s:.2f} s expected. {_REMEDY}')
        check_finite(samples, self.path, _REMEDY)
        return samples, sample_rate_hz
