"""Clips that are one video file with its sound."""
import os
from dataclasses import dataclass
from math import inf

import av
import decord
import numpy as np

from claip_emo_mm.datasets.readers.sound_file import check_finite
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import open_media
from claip_emo_mm.media.mixdown import mix_down

_REMEDY = 'Copy or convert the file again (mp4 with h264 and aac is safe), or take it out of the list.'
_CUT_SHARE, _CUT_S = 0.02, 0.1  # a stream may be this much shorter than stated: padding, rounding


@dataclass
class _Stream:
    """What the container says of a stream, and what of it there is."""

    kind: str
    stated_s: float | None
    packets: int = 0
    start_s: float = inf
    end_s: float = -inf

    @property
    def found_s(self) -> float:
        return max(0.0, self.end_s - self.start_s)


class VideoFile:
    """A video file, with or without sound; frames through decord, sound through PyAV.

    Opening reads all packets without decoding them (about 1 ms for a clip of 3 s) and compares them with the
    lengths that the container states, because decoders give the rest of a cut file without an error.

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
            with open_media(path, _REMEDY) as container:
                self.duration_s = container.duration / 1e6 if container.duration else None  # stated in microseconds
                streams = _scan(container)
        except av.error.FFmpegError as error:
            raise InputError(f'{path}: no video that can be opened ({error.strerror}): it is cut off, or not a video. '
                             f'{_REMEDY}') from error
        self._check_whole(streams)
        if 'video' not in streams or not streams['video'].packets:
            raise InputError(f'{path}: no frames in it{", only sound" if "audio" in streams else ""}. {_REMEDY}')
        self.num_frames = streams['video'].packets
        self.has_sound = 'audio' in streams and streams['audio'].packets > 0
        self._sound_s = streams['audio'].found_s if self.has_sound else 0.0
        self.sound_note = ''

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """Read frames; see `ClipReader.decode`."""
        try:
            reader = decord.VideoReader(self.path, ctx=decord.cpu(0), num_threads=1)
            frames = reader.get_batch(indices).asnumpy()
        except (decord.DECORDError, RuntimeError, IndexError) as error:  # decord raises any of them
            reason = str(error).strip().partition('\n')[0].split(': ', 1)[-1]  # without decord's source line and stack
            raise InputError(f'{self.path}: frames {indices[0]} to {indices[-1]} of {self.num_frames} cannot be '
                             f'decoded ({reason}). {_REMEDY}') from error
        return frames

    def sound(self) -> tuple[np.ndarray, int]:
        """Read the sound; see `ClipReader.sound`."""
        to_float = av.AudioResampler(format='flt')  # PyAV 18 crashes on the planes of more than 7 channels
        try:
            with open_media(self.path, _REMEDY) as container:
                stream = container.streams.best('audio')
                chunks = [chunk.to_ndarray().reshape(-1, chunk.layout.nb_channels)  # (n, channels)
                          for frame in container.decode(stream) for chunk in to_float.resample(frame)]
                sample_rate_hz = stream.rate
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(f'{self.path}: the sound cannot be decoded ({error}). {_REMEDY}') from error
        samples, self.sound_note = mix_down(np.concatenate(chunks) if chunks else np.zeros((0, 1), np.float32))
        if not len(samples) or _is_cut(len(samples) / sample_rate_hz, self._sound_s):
            raise InputError(f'{self.path}: {len(samples) / sample_rate_hz:.2f} s of sound can be decoded, '
                             f'{self._sound_s:.2f} s expected. {_REMEDY}')
        check_finite(samples, self.path, _REMEDY)
        return samples, sample_rate_hz

    def _check_whole(self, streams: dict[str, _Stream]) -> None:
        """Compare each stream with its stated length; where only the file has one, the longest stream with that."""
        stated = [stream for stream in streams.values() if stream.stated_s]
        pairs = [(stream.kind, stream.found_s, min(stream.stated_s, self.duration_s or inf)) for stream in stated]
        if not stated and streams and self.duration_s:
            longest = max(streams.values(), key=lambda stream: stream.found_s)
            pairs = [(longest.kind, longest.found_s, self.duration_s)]
        for kind, found_s, expected_s in pairs:
            if _is_cut(found_s, expected_s):
                raise InputError(f'{self.path}: the file is cut off: {found_s:.2f} s of {kind} found, '
                                 f'{expected_s:.2f} s expected. {_REMEDY}')


def _scan(container: av.container.InputContainer) -> dict[str, _Stream]:
    """Count the packets of the best video and sound stream."""
    found = [stream for kind in ('video', 'audio') if (stream := container.streams.best(kind)) is not None]
    streams = {stream.index: _Stream(stream.type, stream.duration and float(stream.duration * stream.time_base))
               for stream in found}
    units = {stream.index: float(stream.time_base) for stream in found}
    for packet in container.demux(found) if found else ():
        if not packet.size:
            continue
        stream, unit = streams[packet.stream_index], units[packet.stream_index]
        stream.packets += 1
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            stream.start_s = min(stream.start_s, time * unit)
            stream.end_s = max(stream.end_s, (time + (packet.duration or 0)) * unit)
    return {stream.kind: stream for stream in streams.values()}


def _is_cut(found_s: float, expected_s: float) -> bool:
    return found_s < (1 - _CUT_SHARE) * expected_s - _CUT_S
