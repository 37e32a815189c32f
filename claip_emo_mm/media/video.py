"""Frames of a video file."""
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import check_finite
from claip_emo_mm.media.audio_signal import mix_down
from claip_emo_mm.media.containers import audio_stream, decode_stream, open_media, video_stream
from claip_emo_mm.media.packets import FilePackets, is_cut


class ToImage:
    """Converts decoded frames to (H, W, 3) uint8 RGB, turned as their display matrix says.

    FFmpeg's converter is kept from frame to frame: making it takes 20 times as long as using it.

    Args:
        largest_side: larger frames are made this small, in pixels; None for none.
    """

    def __init__(self, largest_side: int | None = None) -> None:
        self._largest_side = largest_side
        self._convert = VideoReformatter().reformat

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        shrink = min(1, (self._largest_side or np.inf) / max(frame.width, frame.height))
        size = [max(1, round(side * shrink)) for side in (frame.width, frame.height)]
        image = self._convert(frame, *size, format='rgb24').to_ndarray()
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


_KEPT_BYTES = 2 ** 26  # of frames that were decoded to be counted
_SKIPPED = 12  # frames between two that are read, from which on looking for the second in the file is worth it


class FrameReader:
    """Reads frames: number i is the i-th that is shown when the file is played.

    A video whose packets say when each frame is shown is read from the last frame that decoding can begin with. The
    time of every frame is compared with the packets' while it is read; where one does not agree, the video is decoded
    in order, and what is shown at the time counts. Every other video is decoded in order, at once, because its frames
    cannot be counted otherwise; where that fails, its packets are counted, and reading fails.

    Args:
        path: the file.
        packets: its packets, some of them of video.

    Attributes:
        num_frames: how many are shown; 0 where nothing can be decoded.
    """

    def __init__(self, path: str, packets: FilePackets) -> None:
        self._path, self._times = path, packets.times
        self._kept: list[av.VideoFrame] | None = None
        self._error: av.error.FFmpegError | None = None
        if self._times is None:
            self.num_frames = self._count(packets.video.count)
        else:
            self.num_frames = len(self._times)
            self._keys = np.searchsorted(self._times, np.sort(packets.video.keys))  # numbers of key frames

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield all frames in order, (H, W, 3) uint8 RGB."""
        return map(ToImage(), self._decode() if self._kept is None else self._kept)

    def read(self, numbers: Sequence[int]) -> np.ndarray | list[np.ndarray]:
        """Read frames of ascending, distinct numbers below `num_frames`.

        Returns: (U, H, W, 3) uint8 RGB; a list of (H, W, 3) where their sizes differ.
        Raises:
            av.error.FFmpegError: one cannot be decoded.
        """
        if self._error is not None:
            raise self._error
        if self._kept is not None:
            return _images((self._kept[number] for number in numbers), len(numbers))
        if self._times is None:
            wanted = set(numbers)
            return _images((frame for number, frame in enumerate(islice(self._decode(), max(wanted) + 1))
                            if number in wanted), len(numbers))
        try:
            return _images(self._seek(numbers), len(numbers))
        except _OtherTimeError:
            return _images(self._shown_at([self._times[number] for number in numbers]), len(numbers))

    def _count(self, num_packets: int) -> int:
        """Count the frames, and keep them where they are small: they are about to be read."""
        count = size = 0
        self._kept = []
        try:
            for frame in self._decode():
                count += 1
                size += sum(plane.buffer_size for plane in frame.planes)
                if size > _KEPT_BYTES:
                    self._kept = None
                if self._kept is not None:
                    self._kept.append(frame)
        except av.error.FFmpegError as error:
            self._error, self._kept = error, None
            return num_packets
        return count

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield all frames in order."""
        with open_media(self._path) as container:
            yield from decode_stream(container, _in_one_thread(container))

    def _seek(self, numbers: Sequence[int]) -> Iterator[av.VideoFrame]:
        """Yield frames of ascending numbers, leaving out what need not be decoded for them.

        Raises:
            _OtherTimeError: frames are shown at other times than the packets say.
        """
        with open_media(self._path) as container:
            stream = _in_one_thread(container)
            frames, following = decode_stream(container, stream), 0
            for number in numbers:
                key = int(self._keys[np.searchsorted(self._keys, number, side='right') - 1])
                if key - following >= _SKIPPED:
                    container.seek(int(self._times[key]), stream=stream)
                    frames, following = _shown_from(decode_stream(container, stream), self._times[key]), key
                while following <= number:
                    frame = next(frames, None)
                    if frame is None or frame.pts != self._times[following]:
                        raise _OtherTimeError
                    following += 1
                yield frame

    def _shown_at(self, times: Sequence[int]) -> Iterator[av.VideoFrame]:
        """Yield what is shown at ascending times; decodes in order."""
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
    """Leave out what is shown before the frame that decoding began with: it may refer to what was not decoded."""
    return (frame for frame in frames if frame.pts is None or frame.pts >= time)


def _in_one_thread(container: av.container.InputContainer) -> av.VideoStream:
    """The stream that is read, to be decoded by one thread: data loaders have processes enough."""
    stream = video_stream(container)
    stream.codec_context.thread_count = 1
    return stream


def _images(frames: Iterator[av.VideoFrame], count: int) -> np.ndarray | list[np.ndarray]:
    """Convert as many frames one by one, as decoded ones take memory, too."""
    to_image = ToImage()
    images: np.ndarray | list[np.ndarray] = []
    for place, image in enumerate(map(to_image, frames)):
        if not place:
            images = np.empty((count, *image.shape), np.uint8)
        if isinstance(images, np.ndarray) and image.shape != images.shape[1:]:
            images = list(images[:place])
        if isinstance(images, np.ndarray):
            images[place] = image
        else:
            images.append(image)
    return images


_REMEDY = 'Copy or convert the file again (mp4 with h264 and aac is safe), or take it out of the list.'


class VideoFile:
    """A video file, with or without audio.

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
        has_audio = bool(packets.audio and packets.audio.count)
        if not (packets.video and packets.video.count):
            raise InputError(f'{path}: no frames in it{", only audio" if has_audio else ""}. {_REMEDY}')
        self._frames = FrameReader(path, packets)
        if not self._frames.num_frames:
            raise InputError(f'{path}: no frames in it that can be decoded. {_REMEDY}')
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

    def audio(self) -> tuple[np.ndarray, int]:
        """Read the audio; see `ClipReader.audio`."""
        to_float = av.AudioResampler(format='flt')  # PyAV 18 crashes on the planes of more than 7 channels
        try:
            with open_media(self.path, _REMEDY) as container:
                stream = audio_stream(container)
                chunks = [chunk.to_ndarray().reshape(-1, chunk.layout.nb_channels)  # (n, channels)
                          for frame in container.decode(stream) for chunk in to_float.resample(frame)]
                sample_rate_hz = stream.rate
        except (av.error.FFmpegError, ValueError) as error:
            raise InputError(f'{self.path}: the audio cannot be decoded ({error}). {_REMEDY}') from error
        samples, self.audio_note = mix_down(np.concatenate(chunks) if chunks else np.zeros((0, 1), np.float32))
        if not len(samples) or is_cut(len(samples) / sample_rate_hz, self._audio_s):
            raise InputError(f'{self.path}: {len(samples) / sample_rate_hz:.2f} s of audio can be decoded, '
                             f'{self._audio_s:.2f} s expected. {_REMEDY}')
        check_finite(samples, self.path, _REMEDY)
        return samples, sample_rate_hz
