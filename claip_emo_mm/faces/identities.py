"""Person identities in a video: face tracks that are lost and found again keep their number."""
from dataclasses import dataclass, field

import cv2
import numpy as np

from claip_emo_mm.structures import Box, Span

_GRID = 8  # pixels of the thumbnail that people are told apart by
_SAME_DISTANCE = 6.5  # difference of color (CIE 1976); see `PersonTracker`
_LONGEST_ABSENCE_S = 60.
_GAP_S = .5  # without the face, that is part of a span
_PORTRAIT_SIZE = 64  # pixels


@dataclass
class _Track:
    """A face that was tracked without a break."""
    portrait: np.ndarray
    colors: np.ndarray  # sum over `count` frames of (8, 8, 3) CIELAB
    quality: float = 0.
    count: int = 0
    spans: list[Span] = field(default_factory=list)
    path: list[tuple[float, Box]] = field(default_factory=list)
    person: int | None = None


class PersonTracker:
    """Numbers the persons of face tracks.

    A face that is lost and found again within a minute keeps its number if the mean thumbnails differ by less than 6.5.
    Those of one person differed by at most 5.0, of two by at least 8.0 (12 drawn people in 4 moods) and 13.2 (4 real
    ones). This recognizes nobody: a person who comes back in another light or from the side gets another number.
    """

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}  # by the number of the track
        self._people: list[list[_Track]] = []

    def add(self, track: int, time_s: float, length_s: float, crop: np.ndarray, quality: float,
            box: Box | None = None) -> None:
        """Add a frame of a track.

        Args:
            track: number of the track.
            time_s: when the frame is shown.
            length_s: how long it is shown.
            crop: (H, W, 3) uint8 RGB.
            quality: how good a portrait the crop is.
            box: of the face, for the path of the person; None leaves the frame out of the path.
        """
        thumbnail = cv2.resize(crop, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
        colors = cv2.cvtColor(thumbnail.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        face = self._tracks.setdefault(track, _Track(crop, np.zeros_like(colors)))
        if quality > 1.1 * face.quality:
            face.portrait = cv2.resize(crop, (_PORTRAIT_SIZE, _PORTRAIT_SIZE), interpolation=cv2.INTER_AREA)
            face.quality = quality
        face.colors += colors
        face.count += 1
        _add_span(face.spans, time_s, time_s + length_s)
        if box is not None:
            face.path.append((time_s, box))

    def number(self, track: int) -> int:
        """Number the person of a track, from 1; call it in the order in which the tracks begin."""
        face = self._tracks[track]
        if face.person is None:
            face.person = self._match(face) or len(self._people) + 1
            if face.person > len(self._people):
                self._people.append([])
            self._people[face.person - 1].append(face)
        return face.person

    def forget(self, before_s: float, history: bool = True) -> None:
        """Drop tracks without a number that ended before a time.

        Without `history`, also where people were before, and tracks that no new one can continue: all but the last
        minute.
        """
        kept_s = before_s - _LONGEST_ABSENCE_S
        self._tracks = {track: face for track, face in self._tracks.items()
                        if face.spans[-1][1] >= (before_s if face.person is None else -np.inf if history else kept_s)}
        if not history:
            self._people = [[face for face in faces if face.spans[-1][1] >= kept_s] for faces in self._people]
            for face in self._tracks.values():
                face.path = [point for point in face.path if point[0] >= kept_s]
                face.spans = [span for span in face.spans if span[1] >= kept_s]

    def spans(self, person: int) -> list[Span]:
        """When a person is visible."""
        joined: list[Span] = []
        for start, end in sorted(span for face in self._people[person - 1] for span in face.spans):
            _add_span(joined, start, end)
        return joined

    def path(self, person: int) -> list[tuple[float, Box]]:
        """Times and boxes of a person, by time."""
        return sorted(point for face in self._people[person - 1] for point in face.path)

    def portrait(self, person: int) -> np.ndarray:
        """Best (64, 64, 3) uint8 RGB crop of a person."""
        return max(self._people[person - 1], key=lambda face: face.quality).portrait

    def __len__(self) -> int:
        return len(self._people)

    def _match(self, face: _Track) -> int | None:
        """The person who was lost before a track began and looks most like it."""
        first_s = face.spans[0][0]
        distances = {}
        for number, faces in enumerate(self._people, 1):
            last_s = max((other.spans[-1][1] for other in faces), default=-np.inf)
            if first_s - _LONGEST_ABSENCE_S <= last_s <= first_s + 1e-6:
                colors = sum(other.colors for other in faces) / sum(other.count for other in faces)
                distances[number] = float(np.linalg.norm(colors - face.colors / face.count, axis=-1).mean())
        nearest = min(distances, key=distances.__getitem__, default=None)
        return nearest if nearest is not None and distances[nearest] < _SAME_DISTANCE else None


def _add_span(spans: list[Span], start: float, end: float) -> None:
    if spans and start - spans[-1][1] <= _GAP_S:
        spans[-1] = spans[-1][0], max(spans[-1][1], end)
    else:
        spans.append((start, end))
