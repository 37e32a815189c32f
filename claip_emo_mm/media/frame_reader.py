"""The frames of a file by their number in the order in which they are shown."""
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import av
import numpy as np

from claip_emo_mm.media.images import ToImage
from claip_emo_mm.media.opening import open_media
from claip_emo_mm.media.packets import FilePackets
from claip_emo_mm.media.streams import decode_stream, video_stream

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
