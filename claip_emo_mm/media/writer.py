"""Audio of a video in an mp4 copy: copied where mp4 can hold it, otherwise encoded again."""
from collections.abc import Iterator

import av
import numpy as np

from claip_emo_mm.media.stream import LONGEST_GAP_S

_COPIED = ('aac', 'mp3')  # that players of mp4 read as it is
_EXACT_FORMATS = ('mov,mp4', 'matroska')  # whose packets all have times
_HIGHEST_RATE_HZ = 48000
_JITTER_S = .05  # times are coarser than samples in some containers


def overlay_audio(audio: av.AudioStream, source: av.container.InputContainer,
                  target: av.container.OutputContainer, origin_s: float) -> 'CopiedAudio | EncodedAudio':
    """Add an audio stream to a file, which writes packets at their times less `origin_s`, the first of the source."""
    exact = source.format.name.startswith(_EXACT_FORMATS)
    kind = CopiedAudio if exact and audio.codec_context.name in _COPIED else EncodedAudio
    return kind(audio, target, origin_s)


class CopiedAudio:
    """Copies packets."""

    def __init__(self, audio: av.AudioStream, target: av.container.OutputContainer, origin_s: float) -> None:
        self._target, self._shift = target, round(origin_s / audio.time_base)
        self._stream = target.add_stream_from_template(audio)

    def write(self, packet: av.Packet) -> None:
        if packet.dts is not None:  # it is None for the empty packet at the end
            packet.pts, packet.dts = packet.pts - self._shift, packet.dts - self._shift
            packet.stream = self._stream
            self._target.mux(packet)

    def end(self) -> None:
        pass


class EncodedAudio:
    """Encodes to AAC in stereo; gaps become silence."""

    def __init__(self, audio: av.AudioStream, target: av.container.OutputContainer, origin_s: float) -> None:
        self._target, self._origin_s = target, origin_s
        self._rate_hz = min(audio.rate, _HIGHEST_RATE_HZ)
        self._stream = target.add_stream('aac', rate=self._rate_hz, layout='stereo')
        self._resampler = av.AudioResampler(format='flt', layout='stereo', rate=self._rate_hz)
        self._written = 0  # samples
        self._is_over = False

    def write(self, packet: av.Packet) -> None:
        if self._is_over:
            return
        for frame in self._decode(packet):
            self._add([chunk.to_ndarray().reshape(-1, 2) for chunk in self._resampler.resample(frame)],
                      None if frame.time is None else frame.time - self._origin_s)

    def _decode(self, packet: av.Packet) -> Iterator[av.AudioFrame]:
        try:
            yield from packet.decode()
        except av.error.FFmpegError:  # the rest is dropped, as in the results
            self._is_over = True

    def _add(self, chunks: list[np.ndarray], time_s: float | None) -> None:
        """Encode (n, 2) samples that begin at a time."""
        samples = np.concatenate(chunks) if chunks else np.zeros((0, 2), np.float32)
        late = 0 if time_s is None else round(time_s * self._rate_hz) - self._written
        if late > LONGEST_GAP_S * self._rate_hz:
            self._is_over = True
            return
        if late > _JITTER_S * self._rate_hz:
            samples = np.pad(samples, ((late, 0), (0, 0)))
        elif late < -_JITTER_S * self._rate_hz:  # audio before the beginning, or twice
            samples = samples[-late:]
        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format='flt', layout='stereo')
        frame.sample_rate, frame.pts = self._rate_hz, self._written
        self._written += len(samples)
        self._target.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._add([chunk.to_ndarray().reshape(-1, 2) for chunk in self._resampler.resample(None)], None)
        self._target.mux(self._stream.encode(None))
