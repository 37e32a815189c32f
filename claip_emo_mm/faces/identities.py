"""Who is who in a video: numbers for the faces that are followed, kept when a face is lost and found again."""
from dataclasses import dataclass, field

import cv2
import numpy as np

from claip_emo_mm.structures import Span

_GRID = 8  # pixels of the tiny frame that people are told apart by
_ALIKE = 6.5  # difference of color (CIE 1976); see `PersonTracker`
_LONGEST_ABSENCE_S = 60.
_GAP_S = .5  # within a time in which a face is seen
_PORTRAIT_SIZE = 64  # pixels


@dataclass
class _Followed:
    """A face that was followed without a break."""
    looks: np.ndarray  # sum over `count` frames of (8, 8, 3) CIELAB
    portrait: np.ndarray
    quality: float
    count: int = 0
    spans: list[Span] = field(default_factory=list)
    person: int | None = None


class PersonTracker:
    """Gives people their numbers.

    A face that is lost, behind somebody or in a cut, and found again within a minute keeps its number if it looks like
    the one that was lost: if the mean frames of 8 x 8 pixels differ by less than 6.5. Frames of one person differed
    by at most 5.0, of two by at least 8.0 (12 drawn people in 4 moods) and 13.2 (4 real ones). This knows nobody: it
    compares colors within one video. Who comes back in another light or from the side gets another number, which is
    the better error.
    """

    def __init__(self) -> None:
        self._followed: dict[int, _Followed] = {}  # by the number of the track
        self._people: list[list[_Followed]] = []

    def see(self, track: int, time_s: float, length_s: float, crop: np.ndarray, quality: float) -> None:
        """Take the frame of a face.

        Args:
            track: number of the face that is followed.
            time_s, length_s: from when and how long it is shown.
            crop: (H, W, 3) uint8 RGB.
            quality: how good a portrait it is, such as its size; in any unit.
        """
        tiny = cv2.resize(crop, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        looks = cv2.cvtColor(tiny.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        one = self._followed.get(track)
        if one is None:
            one = self._followed[track] = _Followed(np.zeros_like(looks), crop, 0.)
        if quality > 1.1 * one.quality:
            one.portrait = cv2.resize(crop, (_PORTRAIT_SIZE, _PORTRAIT_SIZE), interpolation=cv2.INTER_AREA)
            one.quality = quality
        one.looks += looks
        one.count += 1
        if one.spans and time_s - one.spans[-1][1] <= _GAP_S:
            one.spans[-1] = one.spans[-1][0], time_s + length_s
        else:
            one.spans.append((time_s, time_s + length_s))

    def number(self, track: int) -> int:
        """Return the number of a face's person, from 1; ask in the order in which the faces appear."""
        one = self._followed[track]
        if one.person is None:
            one.person = self._lost_one_like(one)
            if one.person is None:
                self._people.append([])
                one.person = len(self._people)
            self._people[one.person - 1].append(one)
        return one.person

    def known(self, track: int) -> int | None:
        """The number of a face's person, if anybody has asked for it."""
        one = self._followed.get(track)
        return one and one.person

    def forget(self, before_s: float) -> None:
        """Drop the faces that nobody has asked for and that are not seen any more."""
        for track in [track for track, one in self._followed.items()
                      if one.person is None and one.spans[-1][1] < before_s]:
            del self._followed[track]

    def follows(self, track: int) -> bool:
        """Whether a face was seen and not forgotten."""
        return track in self._followed

    def spans(self, person: int) -> list[Span]:
        """When a person is seen."""
        joined: list[Span] = []
        for start, end in sorted(span for one in self._people[person - 1] for span in one.spans):
            if joined and start - joined[-1][1] <= _GAP_S:
                joined[-1] = joined[-1][0], max(joined[-1][1], end)
            else:
                joined.append((start, end))
        return joined

    def portrait(self, person: int) -> np.ndarray:
        """A (64, 64, 3) uint8 RGB frame of a person."""
        return max(self._people[person - 1], key=lambda one: one.quality).portrait

    def __len__(self) -> int:
        return len(self._people)

    def _lost_one_like(self, one: _Followed) -> int | None:
        first_s = one.spans[0][0]
        lost = {}
        for number, faces in enumerate(self._people, 1):
            last_s = max(face.spans[-1][1] for face in faces)
            if first_s - _LONGEST_ABSENCE_S <= last_s <= first_s + 1e-6:
                looks = sum(face.looks for face in faces) / sum(face.count for face in faces)
                lost[number] = float(np.linalg.norm(looks - one.looks / one.count, axis=-1).mean())
        nearest = min(lost, key=lost.__getitem__, default=None)
        return nearest if nearest is not None and lost[nearest] < _ALIKE else None
