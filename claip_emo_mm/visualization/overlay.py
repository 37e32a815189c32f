"""Writes a copy of a video with face boxes, emotion labels and its audio."""
import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import best_stream, decode_stream, open_media
from claip_emo_mm.media.stream import LONGEST_GAP_S
from claip_emo_mm.media.video import ToImage
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.file_errors import write_error
from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.visualization.frame_labels import FrameLabels

_LARGEST_SIDE = 4096  # pixels, beyond which browsers and many players show no h264; larger frames are shrunk to it
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)
_TIME_BASE = Fraction(1, 90000)
_COPIED = ('aac', 'mp3')  # that players of mp4 read as it is
_EXACT_FORMATS = ('mov,mp4', 'matroska')  # whose packets all have times
_HIGHEST_RATE_HZ = 48000
_JITTER_S = .05  # times are coarser than samples in some containers


def write_overlay(video: str, result: EmotionResult, path: Path,
                  progress: Callable[[float], None] | None = None) -> None:
    """Write an mp4 copy (h264) of the result's video with its size, timestamps and audio, atomically.

    h264 has pixels in pairs: where a side is odd, its last row or column is repeated once. Audio in aac or mp3 is
    copied where mp4 can hold it as it is, other audio is encoded in aac. `progress` is called with the time up to which
    the copy is written, in s.
    """
    try:
        with (atomic_write(path) as temporary, open_media(video) as source,
              av.open(str(temporary), 'w', format='mp4') as target):
            target.metadata['comment'] = result.about  # what the model was trained on
            _copy(source, target, FrameLabels(result), *_image_format(video), progress or (lambda time_s: None))
    except av.error.FFmpegError as error:
        if error.errno in _NOT_WRITTEN:
            raise write_error(path, error) from error
        raise InputError(f'{video}: no overlay can be made of it ({error}).') from error


def write_image_overlay(image: np.ndarray, result: EmotionResult, path: Path) -> None:
    """Write an image (H, W, 3) uint8 RGB, of which the result is, with boxes and labels as png, atomically."""
    with atomic_write(path) as temporary:
        Image.fromarray(FrameLabels(result).draw(image, 0.)).save(temporary, format='PNG')


def _copy(source: av.container.InputContainer, target: av.container.OutputContainer, labels: FrameLabels,
          size: tuple[int, int], pixel_ratio: Fraction, progress: Callable[[float], None]) -> None:
    video, audio = best_stream(source, 'video'), best_stream(source, 'audio')
    origin_s = (source.start_time or 0) / 1e6
    rate = Fraction(video.average_rate or video.guessed_rate or 25)  # per second, as the file states it
    encoder = _video_stream(target, size, pixel_ratio, rate)
    if audio:
        is_copied = source.format.name.startswith(_EXACT_FORMATS) and audio.codec_context.name in _COPIED
        audio_copy = (_CopiedAudio if is_copied else _EncodedAudio)(audio, target, origin_s)
    last_pts, to_frame = -1, ToImage(_LARGEST_SIDE)
    for packet in _read(source, [stream for stream in (video, audio) if stream is not None]):
        if packet.stream is not video:
            audio_copy.write(packet)
            continue
        try:
            frames = packet.decode()
        except av.error.FFmpegError:  # a broken packet is skipped
            if last_pts < 0:
                raise
            continue
        for frame in frames:
            time_s = frame.time - origin_s if frame.time is not None else (last_pts + 1) * float(_TIME_BASE)
            if last_pts >= 0 and time_s - last_pts * _TIME_BASE > LONGEST_GAP_S:
                break
            image = _fitted(labels.draw(_fitted(to_frame(frame), size), time_s), (encoder.height, encoder.width))
            last_pts = max(round(time_s / _TIME_BASE), last_pts + 1)
            out = av.VideoFrame.from_ndarray(image, format='rgb24')
            out.pts, out.time_base = last_pts, _TIME_BASE
            target.mux(encoder.encode(out))
            progress(time_s)
    target.mux(encoder.encode(None))
    if audio:
        audio_copy.end()


def _fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring an image (H, W, 3) to a size: repeat one row or column, or resize where a video changes its size."""
    down, across = size[0] - image.shape[0], size[1] - image.shape[1]
    if down in (0, 1) and across in (0, 1):
        return image if not down and not across else np.pad(image, ((0, down), (0, across), (0, 0)), mode='edge')
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)


def _read(source: av.container.InputContainer, streams: list) -> Iterator[av.Packet]:
    """Yield packets up to the end, or to the first one that cannot be read."""
    with suppress(av.error.FFmpegError):
        yield from source.demux(streams)


def _image_format(video: str) -> tuple[tuple[int, int], Fraction]:
    """Height and width of the first image, upright, and its pixel aspect ratio, before any stream is copied."""
    with open_media(video) as container:
        stream = best_stream(container, 'video')
        frame = stream and next(decode_stream(container, stream), None)
        if not frame:
            raise InputError(f'{video}: no image to draw on.')
        ratio = Fraction(stream.sample_aspect_ratio or 1)
        return ToImage(_LARGEST_SIDE)(frame).shape[:2], 1 / ratio if round(frame.rotation / 90) % 2 else ratio


def _video_stream(target: av.container.OutputContainer, size: tuple[int, int], pixel_ratio: Fraction,
                  rate: Fraction) -> av.VideoStream:
    stream = target.add_stream('libx264', rate=min(rate, Fraction(240)).limit_denominator(60000))
    stream.height, stream.width = (side + side % 2 for side in size)
    stream.pix_fmt = 'yuv420p'
    stream.codec_context.time_base = _TIME_BASE
    stream.codec_context.sample_aspect_ratio = pixel_ratio
    stream.options = dict(preset='veryfast', crf='23')
    return stream


class _CopiedAudio:
    """Copies packets, at their times less `origin_s`, the first of the source."""

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


class _EncodedAudio:
    """Encodes packets to AAC in stereo, at their times less `origin_s`; gaps become silence."""

    def __init__(self, audio: av.AudioStream, target: av.container.OutputContainer, origin_s: float) -> None:
        self._target, self._origin_s = target, origin_s
        self._rate_hz = min(audio.rate, _HIGHEST_RATE_HZ)
        self._stream = target.add_stream('aac', rate=self._rate_hz, layout='stereo')
        self._resampler = av.AudioResampler(format='flt', layout='stereo', rate=self._rate_hz)
        self._written = 0  # samples
        self._is_over = False

    def write(self, packet: av.Packet) -> None:
        try:
            frames = () if self._is_over else packet.decode()
        except av.error.FFmpegError:  # the rest is dropped, as in the results
            frames, self._is_over = (), True
        for frame in frames:
            self._add(frame, None if frame.time is None else frame.time - self._origin_s)

    def _add(self, frame: av.AudioFrame | None, time_s: float | None = None) -> None:
        """Encode the samples of a frame that begins at a time; without one, what the resampler still holds."""
        chunks = [chunk.to_ndarray().reshape(-1, 2) for chunk in self._resampler.resample(frame)]
        samples = np.concatenate([np.zeros((0, 2), np.float32), *chunks])
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
        self._add(None)
        self._target.mux(self._stream.encode(None))
