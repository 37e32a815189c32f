"""Packets of a media file: frame times, and whether the file is cut off."""
import os
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from claip_emo_mm.media.containers import CONVERT_HINT, best_stream, found_ratio, is_unfinished, open_media

_UNKNOWN_SIZE = 0xFFFFFFFF  # that a wav file states which was written into a pipe
_LARGEST_PAGE = 27 + 255 + 255 * 255  # bytes of an ogg file
_LENGTH_TAGS = (b'Xing', b'Info', b'VBRI')  # in the first frame of an mp3 file: how many follow
# Whose headers state their length; of others FFmpeg guesses it from what is there.
_STATING_FORMATS = ('mov', 'matroska', 'avi', 'flv', 'asf', 'mxf', 'nut')
# Where a packet is a frame that is shown at the packet's time.
_TIMED_FORMATS = ('mov', 'matroska', 'flv')
_TIMED_CODECS = ('h264', 'hevc', 'vp9', 'av1', 'mjpeg', 'prores', 'ffv1')
_KEPT_BYTES = 2 ** 25
_CUT_RATIO, _CUT_S = 0.02, 0.1  # a stream may be this much shorter than stated: padding, rounding


def missing_end(path: str | os.PathLike) -> str | None:
    """Say what of a wav, ogg or mp3 file's stated size, length or end is missing; '' for nothing, or another format.

    None where the file cannot tell: mp3 without a length, aac in ADTS, and wav that was written into a pipe.
    """
    with Path(path).open('rb') as file:
        head = file.read(12)
        if head[:4] in (b'RIFF', b'RF64'):
            return _missing_of_wav(file, head)
        if head[:4] == b'OggS':
            return '' if _has_last_page(file) else 'the page that ends the stream is not there'
        _skip_tag(file)
        frame = file.read(4096)
    if len(frame) > 1 and frame[0] == 0xFF:
        if frame[1] & 0xE6 == 0xE2:  # MPEG audio, layer III
            return _missing_of_mp3(path) if any(tag in frame for tag in _LENGTH_TAGS) else None
        if frame[1] & 0xF6 == 0xF0:  # ADTS
            return None
    return ''


def _missing_of_wav(file: BinaryIO, head: bytes) -> str | None:
    size = os.fstat(file.fileno()).st_size
    stated = int.from_bytes(head[4:8], 'little')
    if head[:4] == b'RF64':  # the size is in the chunk behind
        chunk = file.read(16)
        stated = int.from_bytes(chunk[8:], 'little') if chunk[:4] == b'ds64' else 0
    elif stated == _UNKNOWN_SIZE:
        return None
    return f'{size} bytes found, {8 + stated} expected' if size < 8 + stated else ''


def _has_last_page(file: BinaryIO) -> bool:
    """Whether the last page of an ogg file is complete and marked as the last."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 2 * _LARGEST_PAGE, 0))
    data = file.read()
    page = data[max(data.rfind(b'OggS'), 0):]
    if len(page) < 27 or not page[5] & 4:
        return False
    segments = page[27:27 + page[26]]
    return len(segments) == page[26] and len(page) >= 27 + page[26] + sum(segments)


def _skip_tag(file: BinaryIO) -> None:
    """Seek behind the ID3v2 tags at the start, whose sizes have 7 bits in a byte."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(10)
        if head[:3] != b'ID3' or len(head) < 10:
            file.seek(place)
            return
        place += 10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _missing_of_mp3(path: str | os.PathLike) -> str:
    with open_media(path) as container:
        stream = container.streams.audio[0]
        lengths = [packet.duration or 0 for packet in container.demux(stream) if packet.size]
        found, frame, stated = sum(lengths), max(lengths, default=0), stream.duration or 0
        if found >= stated - frame:  # some encoders count the frame that states the length, too
            return ''
        return f'{float(found * stream.time_base):.2f} s found, {float(stated * stream.time_base):.2f} s expected'


class StreamPackets:
    """The packets of one stream, given by pts, dts, duration, and whether each is a key frame, hidden, damaged."""

    def __init__(self, stream: av.stream.Stream, stated: int | None, packets: Sequence[tuple]) -> None:
        unit_s = float(stream.time_base or 0)
        self.kind = stream.type  # 'video', 'audio' ...
        self.codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else ''
        self.stated_s = stated and stated * unit_s  # length in the header
        self.count = len(packets)
        self.keys = [pts for pts, _, _, is_key, _, _ in packets if is_key and pts is not None]
        self._times = [pts for pts, *_ in packets]  # at which they are shown
        self._is_odd = any(is_hidden or is_damaged for *_, is_hidden, is_damaged in packets)
        spans = [(dts if pts is None else pts, duration or 0) for pts, dts, duration, _, is_hidden, _ in packets
                 if not is_hidden and (pts, dts) != (None, None)]
        starts_s, lengths_s = np.array(spans, np.float64).reshape(-1, 2).T * unit_s
        self.end_s = float((starts_s + lengths_s).max(initial=-inf))
        self.found_s = max(0., self.end_s - float(starts_s.min(initial=inf)))
        self.longest_s = float(np.diff(starts_s).max(initial=0.))  # from a packet to the next one

    def shown_at(self) -> np.ndarray | None:
        """Ascending times (n,) at which the packets are shown; None where they do not state them."""
        if not self._times or self._is_odd or None in self._times or self.keys[:1] != self._times[:1]:
            return None
        times = np.sort(np.array(self._times, np.int64))
        begins_with_key = times[0] == self.keys[0]  # what is shown before it could not be decoded
        return times if begins_with_key and (np.diff(times) > 0).all() else None


class FilePackets:
    """The packets of a file, which is read to its end; raises as `open_media` does.

    Those of a small file are kept, with the open file: opening it again takes as long as decoding some frames.
    """

    def __init__(self, path: str, hint: str = CONVERT_HINT) -> None:
        self._path = path
        container = open_media(path, hint)
        self._format = container.format.name.partition(',')[0]
        self._stated_s = container.duration / 1e6 if container.duration else None  # in microseconds
        self._is_stated = self._format in _STATING_FORMATS and not is_unfinished(container, path)
        self._ratio = found_ratio(path) if self._format == 'avi' and self._is_stated else 1.
        stated = [stream.duration for stream in container.streams]  # before FFmpeg learns more
        packets, kept, size = [[] for _ in stated], [], 0
        for packet in container.demux():
            size += packet.size
            if size <= _KEPT_BYTES:
                kept.append(packet)
            if packet.size:
                packets[packet.stream_index].append((packet.pts, packet.dts, packet.duration, packet.is_keyframe,
                                                     packet.is_discard, packet.is_corrupt))
        streams = list(map(StreamPackets, container.streams, stated, packets))
        read = {kind: best_stream(container, kind) for kind in ('video', 'audio')}
        self.video, self.audio = (stream and streams[stream.index] for stream in read.values())
        self._kept: dict[str, list[av.Packet]] = {}
        if size <= _KEPT_BYTES:
            self._kept = {kind: [packet for packet in kept if packet.stream is stream] for kind, stream in read.items()}
            in_one_thread(read['video'])
        else:
            kept.clear()
            container.close()
        self._streams = [stream for stream in streams if stream.count]
        is_timed = self._format in _TIMED_FORMATS and self.video and self.video.codec in _TIMED_CODECS
        self.times = self.video.shown_at() if is_timed else None  # of each frame, in the video's unit

    def demux(self, kind: str, key: int | None = None) -> Iterator[av.Packet]:
        """Yield the packets of the 'video' or 'audio' that is read, from its beginning, or from a key frame's time on.

        Of one kind they are decoded by one reader at a time.
        """
        # Audio once: the noise of an aac decoder goes on where it was.
        packets = self._kept.get(kind) if kind == 'video' else self._kept.pop(kind, None)
        if packets is None:
            with open_media(self._path) as container:
                stream = best_stream(container, kind)
                in_one_thread(stream)
                if key is not None:
                    container.seek(key, stream=stream)
                yield from container.demux(stream)
            return
        codec = packets[0].stream.codec_context
        codec.flush_buffers()
        codec.skip_frame = 'DEFAULT'
        first = 0 if key is None else next(
            place for place, packet in enumerate(packets) if packet.is_keyframe and packet.pts == key)
        yield from packets[first:]

    def missing(self) -> str:
        """Say what is missing of a stream that is read; '' for nothing.

        Where lengths are not stated, the last packet of all streams, subtitles too, is compared with the file's end.
        """
        if not self._is_stated:
            return ''
        if is_cut(self._ratio, 1., 0.) and self.video:
            cut = [(self.video.kind, self.video.found_s, self.video.found_s / self._ratio)]
        else:
            pairs = [(stream.kind, stream.found_s, min(stream.stated_s, self._stated_s or inf), stream.longest_s)
                     for stream in (self.video, self.audio) if stream and stream.count and stream.stated_s]
            if not pairs and self._streams and self._stated_s:
                last = max(self._streams, key=lambda stream: max(stream.end_s, stream.found_s))
                pairs = [(last.kind, max(last.end_s, last.found_s), self._stated_s, last.longest_s)]
            cut = [(kind, found_s, expected_s) for kind, found_s, expected_s, packet_s in pairs
                   if is_cut(found_s + packet_s, expected_s)]
        return ''.join(f'{found_s:.2f} s of {kind} found, {expected_s:.2f} s expected'
                       for kind, found_s, expected_s in cut[:1])


def in_one_thread(stream: av.stream.Stream | None) -> None:
    """Let a video be decoded by one thread: data loaders have processes enough."""
    if stream is not None and stream.type == 'video':
        stream.codec_context.thread_count = 1


def is_cut(found: float, expected: float, slack: float = _CUT_S) -> bool:
    """Whether a length, in s, is so far below the expected one that something is missing."""
    return found < (1 - _CUT_RATIO) * expected - slack
