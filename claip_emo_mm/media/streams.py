"""Which streams of a file are read: the same ones in training, in inference and in the checks."""
from collections.abc import Iterator

import av
from av.stream import Disposition


def video_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The frames that are read: FFmpeg's choice among the streams that it can decode, without images of a cover."""
    return _chosen(container, 'video')


def audio_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The audio that is read: FFmpeg's choice among the streams that it can decode."""
    return _chosen(container, 'audio')


def decode_stream(container: av.container.InputContainer, stream: av.stream.Stream) -> Iterator[av.frame.Frame]:
    """Yield what a stream shows (or sounds like), in that order: frames that an edit list hides are not among it.

    A file that begins within a group of frames has some at its beginning that nothing can be made of; they are left
    out. An empty packet (avi: the frame stays) gives none.

    Raises:
        av.error.FFmpegError: nothing can be decoded, or not all.
    """
    end = error = None
    has_begun = False
    for packet in container.demux(stream):
        if not packet.size:
            end = packet
            continue
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as found:
            if has_begun:
                raise
            error = found
            continue
        has_begun = has_begun or bool(frames)
        yield from frames
    if end is not None:  # PyAV's last packet, which gets the frames that the decoder still holds
        for frame in end.decode():
            has_begun = True
            yield frame
    if error is not None and not has_begun:
        raise error


def _chosen(container: av.container.InputContainer, kind: str) -> av.stream.Stream | None:
    usable = [stream for stream in getattr(container.streams, kind)
              if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic]
    best = container.streams.best(kind)
    return best if best in usable else next(iter(usable), None)
