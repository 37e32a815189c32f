"""Video files."""
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio_signal import ToSamples, check_finite, mix_down
from claip_emo_mm.media.containers import best_stream, decode_packets, decode_stream, open_media
from claip_emo_mm.media.packets import FilePackets, in_one_thread, is_cut

_KEPT_BYTES = 2 ** 26  # of frames that were decoded to be counted
_SKIPPED = 12  # frames between two that are read, from which on seeking is worth it
_SKIPPING_CODECS = ('h264', 'hevc')  # whose decoders skip a frame that no other refers to, when they are told to
_HINT = 'Copy or convert the file again (mp4 with h264 and aac is safe), or take it out of the list.'


def shrink(frame: np.ndarray, scale: float) -> np.ndarray:
    """Scale a frame down by averaging over the pixels that become one; from a scale of 1 on it stays as it is."""
    if scale >= 1:
        return frame
    size = [max(1, round(side * scale)) for side in frame.shape[1::-1]]
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def stack_frames(frames: Iterable[np.ndarray]) -> np.ndarray | list[np.ndarray]:
    """Stack frames (H, W, 3) to (U, H, W, 3); a list where their sizes differ."""
    frames = list(frames)
    return np.stack(frames) if len({frame.shape for frame in frames}) == 1 else frames


class ToImage:
    """Converts decoded frames to (H, W, 3) uint8 RGB, rotated by their display matrix and shrunk to a largest side.

    FFmpeg's converter is kept from frame to frame: making it takes 20 times as long as using it.
    """

    def __init__(self, largest_side: int | None = None) -> None:
        self._largest_side = largest_side
        self._convert = VideoReformatter().reformat

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        scale = min(1, (self._largest_side or np.inf) / max(frame.width, frame.height))
        size = [max(1, round(side * scale)) for side in (frame.width, frame.height)]
        image = self._convert(frame, *size, format='rgb24').to_ndarray()
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class FrameReader:
    """Reads frames of a file by their number in presentation order; `num_frames` is 0 where nothing can be decoded.

    A video whose packets state the times of its frames is read from the nearest key frame on, without the frames
    between that no other refers to. The times of frames are compared with the packets' while they are read; where one
    differs, none is left out, and where one differs still, the video is decoded in order, and what is shown at the time
    counts. Every other video is decoded in order, at once, because its frames cannot be counted otherwise; where that
    fails, its packets are counted, and reading fails.
    """

    def __init__(self, path: str, packets: FilePackets) -> None:
        self._path, self._packets, self._times = path, packets, packets.times
        self._kept: list[av.VideoFrame] | None = None
        self._error: av.error.FFmpegError | None = None
        if self._times is None:
            self.num_frames = self._count(packets.video.count)
        else:
            self.num_frames = len(self._times)
            self._can_skip = packets.video.codec in _SKIPPING_CODECS
            self._keys = np.searchsorted(self._times, np.sort(packets.video.keys))  # numbers of key frames

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield all frames in order, (H, W, 3) uint8 RGB."""
        return map(ToImage(), self._decode())

    def read(self, numbers: Sequence[int]) -> np.ndarray | list[np.ndarray]:
        """Read frames of ascending, distinct numbers: (U, H, W, 3) uint8 RGB; a list where their sizes differ."""
        if self._error is not None:
            raise self._error
        if self._times is None:
            wanted = set(numbers)
            frames = (frame for number, frame in enumerate(islice(self._decode(), max(wanted) + 1)) if number in wanted)
            return stack_frames(map(ToImage(), frames))
        for skips in (True, False) if self._can_skip else (False,):
            try:
                return stack_frames(map(ToImage(), self._seek(numbers, skips)))
            except _OtherTimeError:
                continue
        return stack_frames(map(ToImage(), self._shown_at([self._times[number] for number in numbers])))

    def _count(self, num_packets: int) -> int:
        """Count the frames by decoding them, and keep small ones: they are about to be read."""
        count = size = 0
        kept = []
        try:
            for frame in self._decode():
                count += 1
                size += sum(plane.buffer_size for plane in frame.planes)
                if size <= _KEPT_BYTES:
                    kept.append(frame)
                else:
                    kept.clear()
        except av.error.FFmpegError as error:
            self._error = error
            return num_packets
        self._kept = kept if size <= _KEPT_BYTES else None
        return count

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield all frames in order."""
        if self._kept is not None:
            yield from self._kept
            return
        with open_media(self._path) as container:
            stream = best_stream(container, 'video')
            in_one_thread(stream)
            yield from decode_stream(container, stream)

    def _seek(self, numbers: Sequence[int], skips: bool) -> Iterator[av.VideoFrame]:
        """Yield frames of ascending numbers, seeking over others; raises where times differ from the packets'.

        With `skips`, others that no frame refers to are not decoded; raises for fields, two of which are a frame.
        """
        wanted = set(self._times[numbers].tolist()) if skips else None
        frames, following = decode_packets(self._packets.demux('video'), wanted), 0
        for number in numbers:
            key = int(self._keys[np.searchsorted(self._keys, number, side='right') - 1])
            if key - following >= _SKIPPED:
                time = int(self._times[key])
                frames, following = _shown_from(decode_packets(self._packets.demux('video', time), wanted), time), key
            while following <= number:
                frame = next(frames, None)
                if frame is None or skips and frame.interlaced_frame:
                    raise _OtherTimeError
                place = following
                if skips and frame.pts is not None:
                    place += int(np.searchsorted(self._times[following:number], frame.pts))
                if frame.pts != self._times[place]:
                    raise _OtherTimeError
                following = place + 1
            yield frame

    def _shown_at(self, times: Sequence[int]) -> Iterator[av.VideoFrame]:
        """Yield what is shown at ascending times, decoding in order."""
        place, shown = 0, None
        for frame in self._decode():
            while shown and place < len(times) and frame.pts is not None and frame.pts > times[place]:
                yield shown
                place += 1
            shown = frame
        yield from [shown] * (len(times) - place) if shown else ()


class _OtherTimeError(Exception):
    """A frame has another time than its packet said."""


def _shown_from(frames: Iterable[av.VideoFrame], time: int) -> Iterator[av.VideoFrame]:
    """Skip what is shown before the key frame: it may refer to frames that were not decoded."""
    return (frame for frame in frames if frame.pts is None or frame.pts >= time)


class VideoFile:
    """A video file, with or without audio.

    Opening reads all packets (about 1 ms for a clip of 3 s) and compares them with the lengths that the file states,
    because decoders read a cut file without an error; a small file stays open. Frames are in presentation order; see
    `FrameReader`.

    Args:
        path: the file.
    Raises:
        InputError: the file is missing, empty, cut off, no video, or has no frames.
    """

    has_frames = True

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            packets = FilePackets(path, _HINT)
        except av.error.FFmpegError as error:
            raise InputError(f'{path}: no video that can be opened ({error.strerror}): it is cut off, or not a video. '
                             f'{_HINT}') from error
        missing = packets.missing()
        if missing:
            raise InputError(f'{path}: the file is cut off: {missing}. {_HINT}')
        has_audio = bool(packets.audio and packets.audio.count)
        if not (packets.video and packets.video.count):
            raise InputError(f'{path}: no frames in it{", only audio" if has_audio else ""}. {_HINT}')
        self._packets, self._frames = packets, FrameReader(path, packets)
        if not self._frames.num_frames:
            raise InputError(f'{path}: no frames in it that can be decoded. {_HINT}')
        self.num_frames = self._frames.num_frames
        self.duration_s = packets.video.found_s or None
        self.has_audio = has_audio
        self._audio_s = packets.audio.found_s if has_audio else 0.0
        self.audio_note = ''

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
        """Yield all frames in order, (H, W, 3) uint8 RGB, with few in memory at a time."""
        try:
            yield from self._frames
        except av.error.FFmpegError as error:
            raise self._broken(np.arange(self.num_frames), error.strerror) from error

    def _broken(self, indices: np.ndarray, reason: str) -> InputError:
        return InputError(f'{self.path}: frames {indices[0]} to {indices[-1]} of {self.num_frames} cannot be decoded '
                          f'({reason}). {_HINT}')

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the audio; see `ClipReader.audio`."""
        to_samples, chunks = ToSamples(), []  # (n, channels)
        try:
            for packet in self._packets.demux('audio'):
                chunks += [chunk for frame in packet.decode() for chunk in to_samples(frame)]
                sample_rate_hz = packet.stream.rate
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(f'{self.path}: the audio cannot be decoded ({error}). {_HINT}') from error
        samples, self.audio_note = mix_down(np.concatenate(chunks) if chunks else np.zeros((0, 1), np.float32))
        if not len(samples) or is_cut(len(samples) / sample_rate_hz, self._audio_s):
            raise InputError(f'{self.path}: {len(samples) / sample_rate_hz:.2f} s of audio can be decoded, '
                             f'{self._audio_s:.2f} s expected. {_HINT}')
        check_finite(samples, self.path, _HINT)
        return samples, sample_rate_hz
