"""A video with boxes, labels and its own sound."""
import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from claip_emo_mm.apis.emotion_result import EmotionResult, EmotionRow
from claip_emo_mm.apis.media_source import nominal_rate, upright
from claip_emo_mm.apis.sliding_windows import Box
from claip_emo_mm.errors import InputError

_COPIED = ('aac', 'mp3')  # sound that players of mp4 read as it is
_LARGEST_SIDE = 1280
_TIME_BASE = Fraction(1, 90000)
_SHOWN_S = .5  # that a box stays where no newer one is known
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))


def write_overlay(video: str, result: EmotionResult, path: Path) -> None:
    """Write an mp4 (h264) whose pictures keep their times, with the sound of the original.

    Sound in aac or mp3 is copied, other sound is encoded in aac. The file takes its name when it is complete.

    Raises:
        InputError: the video has no picture, or cannot be decoded from its beginning.
    """
    part = path.with_name(f'{path.name}.part')
    try:
        with av.open(video) as source, av.open(str(part), 'w', format='mp4') as target:
            _copy(source, target, _Labels(result), _picture_size(video))
        os.replace(part, path)
    except av.error.FFmpegError as error:
        raise InputError(f'{video}: no overlay can be made of it ({error}).') from error
    finally:
        part.unlink(missing_ok=True)


def _copy(source: av.container.InputContainer, target: av.container.OutputContainer, labels: '_Labels',
          size: tuple[int, int]) -> None:
    video, sound = source.streams.best('video'), source.streams.best('audio')
    origin_s = (source.start_time or 0) / 1e6
    drawn = _video_stream(target, size, nominal_rate(video))
    copied = encoded = None
    if sound is not None and sound.codec_context.name in _COPIED:
        copied = target.add_stream_from_template(sound)
    elif sound is not None:
        encoded = target.add_stream('aac', rate=min(sound.rate, 48000), layout='stereo')
    last_pts = -1
    resampler = encoded and av.AudioResampler(format='fltp', layout='stereo', rate=encoded.rate)
    try:
        for packet in source.demux([stream for stream in (video, sound) if stream is not None]):
            if packet.stream is video:
                for frame in packet.decode():
                    time_s = frame.time - origin_s if frame.time is not None else (last_pts + 1) * float(_TIME_BASE)
                    picture = labels.draw(upright(frame, _LARGEST_SIDE), time_s)
                    last_pts = max(round(time_s / _TIME_BASE), last_pts + 1)
                    out = av.VideoFrame.from_ndarray(_fitted(picture, drawn), format='rgb24')
                    out.pts, out.time_base = last_pts, _TIME_BASE
                    target.mux(drawn.encode(out))
            elif copied is not None:
                if packet.dts is not None:
                    shift = round(origin_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                    packet.stream = copied
                    target.mux(packet)
            else:
                for frame in packet.decode():
                    frame.pts = frame.pts and frame.pts - round(origin_s / frame.time_base)
                    for chunk in resampler.resample(frame):
                        target.mux(encoded.encode(chunk))
    except av.error.FFmpegError:
        if last_pts < 0:  # what is behind a broken place is left out, as in the table
            raise
    target.mux(drawn.encode(None))
    if encoded is not None:
        target.mux(encoded.encode(None))


def _picture_size(video: str) -> tuple[int, int]:
    """Height and width of the first picture, upright; the streams of the copy are made before the first packet."""
    with av.open(video) as container:
        stream = container.streams.best('video')
        frame = stream and next(container.decode(stream), None)
        if not frame:
            raise InputError(f'{video}: no picture to draw on.')
        return upright(frame, _LARGEST_SIDE).shape[:2]


def _video_stream(target: av.container.OutputContainer, size: tuple[int, int], rate: Fraction) -> av.VideoStream:
    stream = target.add_stream('libx264', rate=min(rate, Fraction(240)).limit_denominator(60000))
    stream.height, stream.width = (max(2, side - side % 2) for side in size)
    stream.pix_fmt = 'yuv420p'
    stream.codec_context.time_base = _TIME_BASE
    stream.options = dict(preset='veryfast', crf='23')
    return stream


def _fitted(picture: np.ndarray, stream: av.VideoStream) -> np.ndarray:
    if picture.shape[:2] == (stream.height, stream.width):
        return picture
    return cv2.resize(picture, (stream.width, stream.height), interpolation=cv2.INTER_AREA)


class _Labels:
    """What is to be drawn at a time."""

    def __init__(self, result: EmotionResult) -> None:
        self._paths: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for person in {person for _, person, _ in result.paths}:
            own = [(time_s, box) for time_s, number, box in result.paths if number == person]
            self._paths[person] = np.array([time_s for time_s, _ in own]), np.array([box for _, box in own])
        self._rows: dict[int | None, list[EmotionRow]] = {}
        for row in result.rows:
            self._rows.setdefault(row.person, []).append(row)

    def draw(self, picture: np.ndarray, time_s: float) -> np.ndarray:
        """Draw on a copy of (H, W, 3) RGB."""
        picture = picture.copy()
        for number, (person, rows) in enumerate(self._rows.items()):
            box = None if person is None else self._box(person, time_s)
            row = min(rows, key=lambda row: abs((row.from_s + row.to_s) / 2 - time_s))
            if row.from_s <= time_s <= row.to_s and (person is None or box is not None):
                _draw(picture, box, f'{row.top} {100 * row.scores[row.top]:.0f} %',
                      _COLOURS[number % len(_COLOURS)])
        return picture

    def _box(self, person: int, time_s: float) -> Box | None:
        times, boxes = self._paths.get(person, (np.zeros(0), np.zeros((0, 4))))
        if not len(times) or np.abs(times - time_s).min() > _SHOWN_S:
            return None
        return tuple(float(np.interp(time_s, times, column)) for column in boxes.T)


def _draw(picture: np.ndarray, box: Box | None, label: str, colour: tuple[int, int, int]) -> None:
    height, width = picture.shape[:2]
    scale = max(min(height, width) / 600, .35)
    thickness = max(1, round(2 * scale))
    (text_width, text_height), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    left, top = round(6 * scale), text_height + round(12 * scale)
    if box is not None:
        left, top = round(box[0] * width), round(box[1] * height)
        corner = round((box[0] + box[2]) * width), round((box[1] + box[3]) * height)
        cv2.rectangle(picture, (left, top), corner, colour, thickness)
        left, top = min(max(left, 0), max(width - text_width, 0)), max(top, text_height + round(12 * scale))
    cv2.rectangle(picture, (left, top - text_height - round(10 * scale)), (left + text_width, top), colour, -1)
    cv2.putText(picture, label, (left, top - round(5 * scale)), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), thickness,
                cv2.LINE_AA)
