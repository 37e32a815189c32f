"""What a file holds by its packets, which are read without being decoded (about 1 ms for a clip of 3 s)."""
from dataclasses import dataclass, field
from math import inf

import av
import numpy as np

from claip_emo_mm.media.lengths import found_share, is_unfinished
from claip_emo_mm.media.opening import REMEDY, open_media
from claip_emo_mm.media.streams import audio_stream, video_stream

# Whose headers say how long they are; of others FFmpeg guesses it from what is there.
_STATING_FORMATS = ('mov', 'matroska', 'avi', 'flv', 'asf', 'mxf', 'nut')
# Where a packet is a frame that is shown at the packet's time.
_TIMED_FORMATS = ('mov', 'matroska', 'flv')
_TIMED_CODECS = ('h264', 'hevc', 'vp9', 'av1', 'mjpeg', 'prores', 'ffv1')

_CUT_SHARE, _CUT_S = 0.02, 0.1  # a stream may be this much shorter than stated: padding, rounding


@dataclass
class StreamPackets:
    """The packets of one stream.

    Args:
        kind: 'video', 'audio' ...
        codec: FFmpeg's name; '' where it has none.
        unit_s: unit of the times.
        stated_s: length that the file says of it; None where it does not.
    """

    kind: str
    codec: str
    unit_s: float
    stated_s: float | None
    count: int = 0
    start_s: float = inf
    end_s: float = -inf
    longest_s: float = 0.  # from a packet to the next one
    times: list[int | None] = field(default_factory=list)  # at which they are shown
    keys: list[int] = field(default_factory=list)  # times of those that decoding can begin with
    is_odd: bool = False  # some are hidden by an edit list, or damaged
    _last_s: float = inf

    @property
    def found_s(self) -> float:
        return max(0., self.end_s - self.start_s)

    def add(self, packet: av.Packet) -> None:
        self.count += 1
        self.times.append(packet.pts)
        self.is_odd = self.is_odd or packet.is_discard or packet.is_corrupt
        if packet.is_keyframe and packet.pts is not None:
            self.keys.append(packet.pts)
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None and not packet.is_discard:
            time_s = time * self.unit_s
            self.start_s = min(self.start_s, time_s)
            self.end_s = max(self.end_s, time_s + (packet.duration or 0) * self.unit_s)
            self.longest_s = max(self.longest_s, time_s - self._last_s)
            self._last_s = time_s

    def shown_at(self) -> np.ndarray | None:
        """Times (n,) at which the packets are shown, ascending; None where they do not say so."""
        if not self.times or self.is_odd or None in self.times or self.keys[:1] != self.times[:1]:
            return None
        times = np.sort(np.array(self.times, np.int64))
        begins_with_key = times[0] == self.keys[0]  # what is shown before it could not be decoded
        return times if begins_with_key and (np.diff(times) > 0).all() else None


class FilePackets:
    """The packets of a file.

    Args:
        path: the file, which is opened and read to its end.
        remedy: what to do about a file that cannot be used, for the message.

    Raises:
        InputError: see `open_media`.
        av.error.FFmpegError: it cannot be read.

    Attributes:
        video, audio: those of the streams that are read; None without.
        times: when each frame is shown, in the video's unit; None where only decoding tells.
    """

    def __init__(self, path: str, remedy: str = REMEDY) -> None:
        with open_media(path, remedy) as container:
            self._format = container.format.name.partition(',')[0]
            self._stated_s = container.duration / 1e6 if container.duration else None  # in microseconds
            self._is_stated = self._format in _STATING_FORMATS and not is_unfinished(container, path)
            self._share = found_share(path) if self._format == 'avi' and self._is_stated else 1.
            streams = {stream.index: _packets_of(stream) for stream in container.streams}
            for packet in container.demux():
                if packet.size:
                    streams[packet.stream_index].add(packet)
            self.video, self.audio = (stream and streams[stream.index]
                                      for stream in (video_stream(container), audio_stream(container)))
        self._streams = [stream for stream in streams.values() if stream.count]
        is_timed = self._format in _TIMED_FORMATS and self.video and self.video.codec in _TIMED_CODECS
        self.times = self.video.shown_at() if is_timed else None

    def missing(self) -> tuple[str, float, float] | None:
        """What the file states and does not hold: kind of stream, its length and the stated one, in s.

        The streams that are read are compared with what is said of them, from their own start. Where that is nothing,
        the last packet of all streams (subtitles, too) is compared with the end of the file.
        """
        if not self._is_stated:
            return None
        if is_cut(self._share, 1., 0.) and self.video:
            return self.video.kind, self.video.found_s, self.video.found_s / self._share
        pairs = [(stream.kind, stream.found_s, min(stream.stated_s, self._stated_s or inf), stream.longest_s)
                 for stream in (self.video, self.audio) if stream and stream.count and stream.stated_s]
        if not pairs and self._streams and self._stated_s:
            last = max(self._streams, key=lambda stream: max(stream.end_s, stream.found_s))
            pairs = [(last.kind, max(last.end_s, last.found_s), self._stated_s, last.longest_s)]
        return next(((kind, found_s, expected_s) for kind, found_s, expected_s, packet_s in pairs
                     if is_cut(found_s + packet_s, expected_s)), None)


def is_cut(found: float, expected: float, slack: float = _CUT_S) -> bool:
    """Whether a length, in s, is so much below the expected one that something is missing."""
    return found < (1 - _CUT_SHARE) * expected - slack


def _packets_of(stream: av.stream.Stream) -> StreamPackets:
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else ''
    unit_s = float(stream.time_base or 0)
    return StreamPackets(stream.type, codec, unit_s, stream.duration and stream.duration * unit_s)
