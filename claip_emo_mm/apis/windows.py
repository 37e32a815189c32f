"""Sliding windows over a video of any length: their faces and their audio."""
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from claip_emo_mm.apis.window_clip import AudioBuffer
from claip_emo_mm.errors import InputError, check_choice, check_positive
from claip_emo_mm.faces.crop import FACE_RATIO, box_ratio, crop_face
from claip_emo_mm.faces.detector import FaceBox, FaceDetector
from claip_emo_mm.faces.identities import PersonTracker
from claip_emo_mm.faces.tracking import FaceLinker, steady_squares
from claip_emo_mm.media.stream import LONGEST_GAP_S, MediaStream, TimedFrame
from claip_emo_mm.media.video import shrink
from claip_emo_mm.structures import Box, PersonTrack, Span

# Frames per second of a window, whatever the video's rate: that of films, from which DFEW's and MAFW's clips come.
# Models read every 4th: windows that begin a multiple of 1/6 s apart read the same ones where they overlap.
TICKS_HZ = 24

FACES = ('largest', 'all', 'none')

_LONGEST_WINDOW_S = 60.
_SHORTER_SIDE = 360  # pixels of whole frames; models read 224
_DETECTION_TICKS = 2  # between two face detections; boxes are interpolated between them
_SMOOTHING_TICKS = 15
_MIN_FACE_TICKS = 10  # of a window, for a face to be a person; less is often a false detection
_MIN_ABSENCE_S = .5
_AUDIO_TOLERANCE_S = .2  # that audio must be longer than the frames to count; encoders pad their last packets


def checked_stride(face: str, window_s: float, stride_s: float | None) -> float:
    """Check the options of windows; the stride is half a window where it is None."""
    check_choice('EmotionInferencer', FACES, face=face)
    stride_s = window_s / 2 if stride_s is None and isinstance(window_s, Real) else stride_s
    check_positive('EmotionInferencer', window_s=window_s, stride_s=stride_s)
    if window_s > _LONGEST_WINDOW_S:
        raise InputError(f'window_s is {window_s:g}. Expected at most {_LONGEST_WINDOW_S:g}: the frames of a window '
                         'are in memory at once.')
    return stride_s


@dataclass
class PersonView:
    """One person in a window."""
    person: int | None  # number in the order of appearance; None for the whole frame, or for audio alone
    box: Box | None  # median box of the face; None without a face
    frames: list[np.ndarray]  # N frames (H, W, 3) uint8, evenly spaced in time
    warnings: list[str] = field(default_factory=list)
    seen_ratio: float = 1.  # of the window in which the person is seen


@dataclass
class Window:
    """A window of a video: its people and its audio."""
    start_s: float
    end_s: float
    people: list[PersonView]
    samples: np.ndarray | None  # None without audio
    rate_hz: int
    audio_note: str = ''


@dataclass
class _Face:
    crop: np.ndarray
    box: Box
    score: float


@dataclass
class _Tick:
    frame: np.ndarray | None  # None behind the last frame
    faces: dict[int, _Face] | None  # by the number of the track; None before the detection


class SlidingWindows:
    """Cuts a source into windows, in one pass, with the frames of one window in memory.

    Frames are sampled 24 times per second of the source's time, whatever its frame rate. The last window ends where the
    source ends; a source shorter than a window is one window. Options as of `EmotionInferencer`; without `reads_frames`
    they are not decoded, and the windows end with the audio. Of an endless source nothing is kept behind the last
    minute: no envelope of the audio, no paths of people who left.
    """

    def __init__(self, source: MediaStream, window_s: float, stride_s: float, face: str,
                 detector: FaceDetector | None = None, reads_frames: bool = True,
                 is_endless: bool = False) -> None:
        self._source, self._face, self._detector = source, face, detector
        self._has_frames = source.has_frames and reads_frames
        self._window = max(1, round(min(window_s, 1e6) * TICKS_HZ))
        self._stride = max(1, round(min(stride_s, 1e6) * TICKS_HZ))
        self.window_s, self.stride_s = self._window / TICKS_HZ, self._stride / TICKS_HZ
        self._linker = FaceLinker()
        self._detected: tuple[_Tick, list[FaceBox]] | None = None
        self._people = PersonTracker()
        self._judged: deque[Span] = deque(maxlen=1 if is_endless else None)  # times of the windows, joined
        self.frames_end_s = 0.  # time up to which there were frames
        self.audio = AudioBuffer(source, keeps_envelope=not is_endless)
        self._is_endless = is_endless
        self.end_s = 0.  # time up to which the source was read

    def __iter__(self) -> Iterator[Window]:
        ticks: deque[_Tick] = deque(maxlen=self._window)
        start = covered = number = 0
        for number, tick in enumerate(self._ticks(), 1):  # noqa: B007
            ticks.append(tick)
            if number == start + self._window:
                yield self._close(list(ticks), start, number)
                start, covered = start + self._stride, number
        self.end_s = number / TICKS_HZ
        if number > covered:
            yield self._close(list(ticks), number - len(ticks), number)

    def _frames(self) -> Iterator[TimedFrame | None]:
        """Yield the frame of every tick; None where only audio is left."""
        number, shown, shown_s, length_s = 0, None, 0., 1 / TICKS_HZ
        for time_s, frame in self._source.frames() if self._has_frames else ():
            if shown is not None and time_s - shown_s > LONGEST_GAP_S:
                self._source.warnings.append(f'the frames jump from {shown_s:.1f} to {time_s:.1f} s; the rest was not '
                                             'read')
                break
            while number < time_s * TICKS_HZ - 1e-3:
                yield shown or frame
                number += 1
            length_s = time_s - shown_s if shown is not None and time_s > shown_s else length_s
            shown, shown_s = frame, time_s
        if shown is not None:
            end_s = shown_s + min(length_s, 1.)
            while number < end_s * TICKS_HZ - 1e-3 or not number:
                yield shown
                number += 1
        self.audio.read_until(number / TICKS_HZ + _AUDIO_TOLERANCE_S)
        if shown is not None and self.audio.end_s - number / TICKS_HZ < _AUDIO_TOLERANCE_S:
            return
        while True:
            self.audio.read_until((number + 1) / TICKS_HZ)
            if self.audio.end_s * TICKS_HZ - number < .5 and (number or not self.audio.end_s):
                return
            yield None
            number += 1

    def _ticks(self) -> Iterator[_Tick]:
        """Yield ticks; those between two detections wait for the second one."""
        waiting: list[tuple[int, np.ndarray, _Tick]] = []
        shown = tick = None
        for number, frame in enumerate(self._frames()):
            if frame is None:
                yield from self._track(waiting)
                yield _Tick(None, {})
                continue
            self.frames_end_s = (number + 1) / TICKS_HZ
            if frame is not shown:
                full, shown = frame(), frame
                tick = _Tick(shrink(full, _SHORTER_SIDE / min(full.shape[:2])), {} if self._face == 'none' else None)
            if self._face == 'none':
                yield tick
                continue
            waiting.append((number, full, tick))
            if number % _DETECTION_TICKS == 0:
                yield from self._track(waiting)
        yield from self._track(waiting)

    def _track(self, waiting: list[tuple[int, np.ndarray, _Tick]]) -> Iterator[_Tick]:
        """Detect faces in the last frame of those that wait, crop them in all, and empty the list."""
        if not waiting:
            return
        last, full, last_tick = waiting[-1]
        if self._detected is None or self._detected[0] is not last_tick:
            self._detected = last_tick, self._detector.find(full)
        self._linker.add(last, self._detected[1])
        self._linker.forget(last - self._window)
        for number, full, tick in waiting:
            if tick.faces is None:  # new, not shown at the tick before
                tick.faces = self._crop_faces(last if tick is last_tick else number, full)
            for track, face in tick.faces.items():
                self._people.add(track, number / TICKS_HZ, 1 / TICKS_HZ, face.crop, face.score * face.box[2],
                                 None if number % _DETECTION_TICKS else face.box)
            yield tick
        waiting.clear()

    def _crop_faces(self, number: int, full: np.ndarray) -> dict[int, _Face]:
        height, width = full.shape[:2]
        faces = {}
        for track in self._linker.tracks:
            box = track.box_at(number, _DETECTION_TICKS)
            if box is None:
                continue
            if box_ratio(full, box) >= FACE_RATIO:  # a face and little else already, as in prepared clips
                crop = shrink(full, _SHORTER_SIDE / min(full.shape[:2]))
            else:
                start = max(track.first, number + 1 - _SMOOTHING_TICKS)
                crop = crop_face(full, steady_squares(track, start, number + 1)[-1])
            place = (box.left / width, box.top / height, box.width / width, box.height / height)
            faces[track.number] = _Face(crop, place, box.score)
        return faces

    def no_face(self) -> list[Span]:
        """Return the times without a detected face, in s, of those that windows cover; except for short ones."""
        if self._face == 'none':
            return []
        spans = sorted(span for person in range(1, len(self._people) + 1) for span in self._people.spans(person))
        absences = []
        for judged_from_s, judged_to_s in self._judged:
            reached_s, end_s = judged_from_s, min(judged_to_s, self.frames_end_s)
            shortest_s = min(_MIN_ABSENCE_S, end_s - reached_s)
            for seen_from_s, seen_to_s in [*spans, (end_s, end_s)]:
                absent_to_s = min(seen_from_s, end_s)
                if absent_to_s > reached_s and absent_to_s - reached_s >= shortest_s - 1e-6:
                    absences.append((reached_s, absent_to_s))
                reached_s = max(reached_s, seen_to_s)
        return absences

    def people(self, reported: Iterable[int]) -> list[PersonTrack]:
        """Return the people with these numbers, renumbered in this order."""
        return [PersonTrack(number, self._people.spans(person), self._people.path(person),
                            self._people.portrait(person)) for number, person in enumerate(reported, 1)]

    def _close(self, ticks: list[_Tick], start: int, end: int) -> Window:
        start_s, end_s = start / TICKS_HZ, end / TICKS_HZ
        samples, note = self.audio.cut(start_s, end_s) or (None, '')
        self.audio.forget(end_s - self._window / TICKS_HZ)
        joined = self._judged and start_s <= self._judged[-1][1]
        self._judged.append((self._judged.pop()[0] if joined else start_s, end_s))
        people = self._views([tick for tick in ticks if tick.frame is not None], len(ticks))
        self._people.forget(start_s, history=not self._is_endless)
        return Window(start_s, end_s, people, samples, self.audio.rate_hz, note)

    def _views(self, ticks: list[_Tick], length: int) -> list[PersonView]:
        """Choose the people of a window, the largest and longest visible first.

        Args:
            ticks: those with frames.
            length: ticks of the window.
        """
        if not ticks:
            return [PersonView(None, None, [], ['no frames'] if self._has_frames else [])]
        if self._face == 'none':
            return [PersonView(None, None, [tick.frame for tick in ticks])]
        lengths = Counter(track for tick in ticks for track in tick.faces)
        shortest = min(_MIN_FACE_TICKS, len(ticks))
        numbers = {track: self._people.number(track) for track in sorted(lengths) if lengths[track] >= shortest}
        faces = [{numbers[track]: face for track, face in tick.faces.items() if track in numbers} for tick in ticks]
        boxes = {person: [each[person].box for each in faces if person in each] for person in numbers.values()}
        chosen = sorted(boxes, key=lambda person: sum(np.sqrt(box[2] * box[3]) for box in boxes[person]), reverse=True)
        if not chosen:
            return [PersonView(None, None, [tick.frame for tick in ticks], ['no face: the whole frame was used'])]
        if self._face == 'largest':
            return [_view(chosen, boxes[chosen[0]], faces, length)]
        return [_view([person], boxes[person], faces, length) for person in sorted(chosen)]


def _view(people: list[int], boxes: list[Box], faces: list[dict[int, _Face]], length: int) -> PersonView:
    """Take the first of these people in every tick with a frame, else the crop of the nearest tick with one."""
    crops = {number: next(each[person].crop for person in people if person in each)
             for number, each in enumerate(faces) if not each.keys().isdisjoint(people)}
    present = np.array(list(crops))
    ratio = len(boxes) / length
    warnings = [f'visible in {100 * ratio:.0f} % of the window'] if ratio < .7 else []
    left, top, width, height = np.median(np.array(boxes), axis=0).tolist()
    return PersonView(people[0], (left, top, width, height),
                      [crops[int(present[np.abs(present - number).argmin()])] for number in range(len(faces))],
                      warnings, ratio)
