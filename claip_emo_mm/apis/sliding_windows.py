"""Windows that slide over a video of any length: the faces in them, and their sound."""
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from claip_emo_mm.apis.face_finder import FaceFinder
from claip_emo_mm.apis.media_source import MediaSource, Picture, shrunk
from claip_emo_mm.apis.sound_buffer import SoundBuffer
from claip_emo_mm.data_preparation.face_crop import crop_face
from claip_emo_mm.data_preparation.face_track import FaceLinker, steady_squares
from claip_emo_mm.data_preparation.framing import FACE_SHARE, box_share

TICKS_HZ = 25  # pictures of a window in a second, whatever the video's rate: that of most clips of DFEW and MAFW

_SHORTER_SIDE = 360  # pixels of whole pictures; models read 224
_SMOOTHED_TICKS = 15
_SEEN_TICKS = 5  # of a window, at least, for a face to be a person; less is often no face at all
_PATH_TICKS = 3  # every third box is kept for the overlay
_SHORTEST_ABSENCE_S = .5
_SOUND_BEHIND_S = .2  # that sound must be longer than the picture to count; encoders fill their last packets
_LONGEST_HOLD_S = 600.  # that a picture is shown; a longer time is a wrong one

Box = tuple[float, float, float, float]  # left, top, width, height as fractions of the picture's width and height


@dataclass
class PersonView:
    """One person in a window.

    Args:
        person: number in the order of appearance; None for the whole picture, or for sound alone.
        box: where the face is, in the middle of its places; None without a face.
        frames: N pictures (H, W, 3) uint8 in equal distances of time.
        warnings: what is to be known about them.
    """
    person: int | None
    box: Box | None
    frames: list[np.ndarray]
    warnings: list[str] = field(default_factory=list)


@dataclass
class Window:
    """A part of a video, in seconds, its people and its sound (None where there is none)."""
    start_s: float
    end_s: float
    people: list[PersonView]
    samples: np.ndarray | None
    rate_hz: int


@dataclass
class _Tick:
    whole: np.ndarray | None  # None behind the last picture
    faces: dict[int, tuple[np.ndarray, Box]]  # by the person's number


class SlidingWindows:
    """Cut a source into windows, in one pass, with the pictures of one window in memory.

    Pictures are taken 25 times a second of the source's own time, so that a rate that varies, or is higher, plays no
    part. The last window ends where the source ends; a source shorter than a window is one window.

    Args:
        source: where pictures and sound come from.
        window_s: length of a window.
        stride_s: from the start of a window to the next.
        face: 'largest' for one face at a time, 'all' for every person, 'none' for the whole picture.
        finder: finds faces; not needed for 'none'.

    Attributes:
        paths: (time in s, person, box) for the overlay.
        absences: (start, end) in s of the parts without a face.
    """

    def __init__(self, source: MediaSource, window_s: float, stride_s: float, face: str,
                 finder: FaceFinder | None = None) -> None:
        self._source, self._face, self._finder = source, face, finder
        self._window = max(1, round(min(window_s, 1e6) * TICKS_HZ))
        self._stride = max(1, round(min(stride_s, 1e6) * TICKS_HZ))
        self._linker = FaceLinker()
        self._last: tuple[Picture, _Tick, list] | None = None
        self.sound = SoundBuffer(source)
        self.paths: list[tuple[float, int, Box]] = []
        self.absences: list[tuple[float, float]] = []
        self.end_s = 0.

    def __iter__(self) -> Iterator[Window]:
        ticks: deque[_Tick] = deque()
        start = covered = number = 0
        for number, picture in enumerate(self._pictures(), 1):  # noqa: B007
            ticks.append(self._look(number - 1, picture))
            if number == start + self._window:
                yield self._close(list(ticks)[-self._window:], start, number)
                start, covered = start + self._stride, number
            while len(ticks) > self._window:
                ticks.popleft()
        self.end_s = number / TICKS_HZ
        if number > covered:
            yield self._close(list(ticks), number - len(ticks), number)

    def _pictures(self) -> Iterator[Picture | None]:
        """Yield what is shown at every tick; None where only sound is left."""
        number, shown, shown_s, length_s = 0, None, 0., 1 / TICKS_HZ
        for time_s, picture in self._source.frames() if self._source.has_frames else ():
            if shown is not None and time_s - shown_s > _LONGEST_HOLD_S:
                self._source.warnings.append(f'the picture jumps from {shown_s:.1f} to {time_s:.1f} s; the rest was '
                                             'not read')
                break
            while number < time_s * TICKS_HZ - 1e-3:
                yield shown or picture
                number += 1
            length_s = time_s - shown_s if shown is not None and time_s > shown_s else length_s
            shown, shown_s = picture, time_s
        if shown is not None:
            end_s = shown_s + min(length_s, 1.)
            while number < end_s * TICKS_HZ - 1e-3 or not number:
                yield shown
                number += 1
        self.sound.read_until(number / TICKS_HZ + _SOUND_BEHIND_S)
        if shown is not None and self.sound.end_s - number / TICKS_HZ < _SOUND_BEHIND_S:
            return
        while True:
            self.sound.read_until((number + 1) / TICKS_HZ)
            if self.sound.end_s * TICKS_HZ - number < (.5 if number else 1e-3):
                return
            yield None
            number += 1

    def _look(self, number: int, picture: Picture | None) -> _Tick:
        if picture is None:
            return _Tick(None, {})
        if self._last and self._last[0] is picture:
            _, tick, boxes = self._last
        else:
            full, boxes = picture(), []
            if self._face != 'none':
                boxes = self._finder.find(full)
            tick = _Tick(shrunk(full, _SHORTER_SIDE), {})
        if self._face != 'none':
            self._linker.add(number, boxes)
            self._linker.forget(number - self._window)
            if not self._last or self._last[0] is not picture:
                tick.faces = self._crops(number, full)
            self._note(number, tick)
        self._last = (picture, tick, boxes)
        return tick

    def _crops(self, number: int, full: np.ndarray) -> dict[int, tuple[np.ndarray, Box]]:
        height, width = full.shape[:2]
        faces = {}
        for track in self._linker.tracks:
            box = track.boxes.get(number)
            if box is None:
                continue
            if box_share(full, box) >= FACE_SHARE:  # a face and little else already, as in prepared clips
                crop = shrunk(full, _SHORTER_SIDE)
            else:
                start = max(next(iter(track.boxes)), number + 1 - _SMOOTHED_TICKS)
                crop = crop_face(full, steady_squares(track, start, number + 1)[-1])
            faces[track.number] = (crop, (box.left / width, box.top / height, box.width / width, box.height / height))
        return faces

    def _note(self, number: int, tick: _Tick) -> None:
        time_s = number / TICKS_HZ
        if not tick.faces:
            if self.absences and abs(self.absences[-1][1] - time_s) < 1e-6:
                self.absences[-1] = (self.absences[-1][0], (number + 1) / TICKS_HZ)
            else:
                if self.absences and self.absences[-1][1] - self.absences[-1][0] < _SHORTEST_ABSENCE_S:
                    self.absences.pop()
                self.absences.append((time_s, (number + 1) / TICKS_HZ))
        if number % _PATH_TICKS == 0:
            self.paths.extend((time_s, person, box) for person, (_, box) in tick.faces.items())

    def no_face(self) -> list[tuple[float, float]]:
        """Parts without a face, in s; moments without one are left out."""
        shortest_s = min(_SHORTEST_ABSENCE_S, self.end_s)
        return [(start, end) for start, end in self.absences if end - start >= shortest_s - 1e-6]

    def _close(self, ticks: list[_Tick], start: int, end: int) -> Window:
        start_s, end_s = start / TICKS_HZ, end / TICKS_HZ
        samples = self.sound.cut(start_s, end_s)
        self.sound.forget(end_s - self._window / TICKS_HZ)
        return Window(start_s, end_s, self._people([tick for tick in ticks if tick.whole is not None]), samples,
                      self.sound.rate_hz)

    def _people(self, ticks: list[_Tick]) -> list[PersonView]:
        """Choose the people of a window, the largest and longest seen first."""
        if not ticks:
            return [PersonView(None, None, [], ['no picture'] if self._source.has_frames else [])]
        if self._face == 'none':
            return [PersonView(None, None, [tick.whole for tick in ticks])]
        boxes: dict[int, list[Box]] = {}
        for tick in ticks:
            for person, (_, box) in tick.faces.items():
                boxes.setdefault(person, []).append(box)
        seen = {person: found for person, found in boxes.items() if len(found) >= min(_SEEN_TICKS, len(ticks))}
        weights = {person: sum(np.sqrt(box[2] * box[3]) for box in found) for person, found in seen.items()}
        chosen = sorted(seen, key=lambda person: -weights[person])
        if not chosen:
            return [PersonView(None, None, [tick.whole for tick in ticks], ['no face: the whole picture was used'])]
        if self._face == 'largest':
            frames = _filled([_first_of(tick, chosen) for tick in ticks])
            return [_view(chosen[0], boxes[chosen[0]], frames, len(ticks))]
        return [_view(person, boxes[person], _filled([_first_of(tick, [person]) for tick in ticks]), len(ticks))
                for person in sorted(chosen)]


def _view(person: int, boxes: list[Box], frames: list[np.ndarray], ticks: int) -> PersonView:
    share = len(boxes) / ticks
    warnings = [f'seen in {100 * share:.0f} % of the window'] if share < .7 else []
    left, top, width, height = np.median(np.array(boxes), axis=0).tolist()
    return PersonView(person, (left, top, width, height), frames, warnings)


def _first_of(tick: _Tick, people: list[int]) -> np.ndarray | None:
    return next((tick.faces[person][0] for person in people if person in tick.faces), None)


def _filled(pictures: list[np.ndarray | None]) -> list[np.ndarray]:
    """Put the nearest picture where there is none."""
    there = np.array([number for number, picture in enumerate(pictures) if picture is not None])
    return [pictures[there[np.abs(there - number).argmin()]] for number in range(len(pictures))]
