"""One face through a clip: which of several it is, where it is in every frame, and the steady square around it."""
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from claip_emo_mm.faces.detector import FaceBox

MARGIN = 1.3  # side of the square in sides of the face: hair and chin are in it, and little of the background

_SAME_FACE_OVERLAP = .3  # of intersection and union, from one frame to the next
_SHORTEST_TAKE_OVER = 5  # frames with the face; less is often no face at all
_LONGEST_GAP = 15  # frames through which a face that is not found is waited for
_STEADY_FRAMES = 3.  # standard deviation of the smoothing
_STEADY_SIZE_FRAMES = 8.


@dataclass
class FaceTrack:
    """Boxes of one face, by the index of their frame, which ascends."""

    boxes: dict[int, FaceBox] = field(default_factory=dict)
    number: int = 0  # in the order in which the faces appear

    @property
    def first(self) -> int:
        return next(iter(self.boxes))

    @property
    def last(self) -> int:
        return next(reversed(self.boxes))

    @property
    def weight(self) -> float:
        """How large the face is, and how long: the sum of its sides."""
        return sum(np.sqrt(box.width * box.height) for box in self.boxes.values())

    def box_at(self, frame: int, longest_gap: int) -> FaceBox | None:
        """The box of a frame, interpolated between boxes that are at most `longest_gap` frames apart; or None."""
        if frame in self.boxes:
            return self.boxes[frame]
        before = max((other for other in self.boxes if other < frame), default=None)
        after = min((other for other in self.boxes if other > frame), default=None)
        if before is None or after is None or after - before > longest_gap:
            return None
        ratio = (frame - before) / (after - before)
        pair = [np.array(astuple(self.boxes[end])) for end in (before, after)]
        return FaceBox(*((1 - ratio) * pair[0] + ratio * pair[1]).tolist())


def follow_face(found: Sequence[Sequence[FaceBox]]) -> np.ndarray | None:
    """Choose the clip's face and put a square around it in every frame.

    The face is the one that is largest and seen longest. Where it is absent (a cut), the next such face takes over;
    where none is found, the square stays at the nearest one. Within the time of one face, places between boxes are
    interpolated, and place and size are smoothed over time.

    Args:
        found: the F frames' faces.
    Returns: (F, 3) center x, center y and side of the squares in pixels; None if no frame has a face.
    """
    chosen = _choose(_link(found))
    if not chosen:
        return None
    squares = np.empty((len(found), 3))
    middles = [(before.last + after.first + 1) // 2 for before, after in zip(chosen, chosen[1:], strict=False)]
    for track, start, end in zip(chosen, [0, *middles], [*middles, len(found)], strict=True):
        squares[start:end] = steady_squares(track, start, end)
    return squares


class FaceLinker:
    """Joins boxes of following frames that overlap, best overlap first; frames come one by one.

    New faces of a frame are numbered from left to right.
    """

    def __init__(self) -> None:
        self.tracks: list[FaceTrack] = []
        self._next_number = 1

    def add(self, frame: int, boxes: Sequence[FaceBox]) -> None:
        """Take the faces of a frame, whose number ascends."""
        open_tracks = self.open_tracks(frame)
        pairs = sorted(((_overlap(track.boxes[track.last], box), t, b) for t, track in enumerate(open_tracks)
                        for b, box in enumerate(boxes)), reverse=True)
        free_tracks, free_boxes = set(range(len(open_tracks))), set(range(len(boxes)))
        for overlap, t, b in pairs:
            if overlap >= _SAME_FACE_OVERLAP and t in free_tracks and b in free_boxes:
                open_tracks[t].boxes[frame] = boxes[b]
                free_tracks.remove(t)
                free_boxes.remove(b)
        for b in sorted(free_boxes, key=lambda b: boxes[b].left):
            self.tracks.append(FaceTrack({frame: boxes[b]}, self._next_number))
            self._next_number += 1

    def forget(self, before: int) -> None:
        """Drop the boxes of frames before `before`, and the faces that are not seen any more."""
        self.tracks = [track for track in self.tracks if track.last >= before]
        for track in self.tracks:
            for frame in [frame for frame in track.boxes if frame < before]:
                del track.boxes[frame]

    def open_tracks(self, frame: int) -> list[FaceTrack]:
        """Faces that may be seen again in a frame."""
        return [track for track in self.tracks if frame - track.last <= _LONGEST_GAP]


def _link(found: Sequence[Sequence[FaceBox]]) -> list[FaceTrack]:
    linker = FaceLinker()
    for frame, boxes in enumerate(found):
        linker.add(frame, boxes)
    return linker.tracks


def _choose(tracks: Sequence[FaceTrack]) -> list[FaceTrack]:
    """Choose tracks that do not share a frame, the heaviest first, in the order of time."""
    chosen: list[FaceTrack] = []
    for track in sorted(tracks, key=lambda track: -track.weight):
        is_apart = all(track.last < other.first or track.first > other.last for other in chosen)
        if not chosen or (is_apart and len(track.boxes) >= _SHORTEST_TAKE_OVER):
            chosen.append(track)
    return sorted(chosen, key=lambda track: track.first)


def steady_squares(track: FaceTrack, start: int, end: int) -> np.ndarray:
    """Return the (end - start, 3) squares around one face in the frames from `start` to before `end`."""
    frames = np.array(list(track.boxes))
    boxes = np.array([(box.left + box.width / 2, box.top + box.height / 2, max(box.width, box.height))
                      for box in track.boxes.values()])  # (N, 3)
    wanted = np.arange(start, end)
    places = np.stack([np.interp(wanted, frames, column) for column in boxes.T], axis=1)  # (end - start, 3)
    places[:, :2] = _smooth(places[:, :2], _STEADY_FRAMES)
    places[:, 2:] = _smooth(places[:, 2:], _STEADY_SIZE_FRAMES) * MARGIN
    return places


def _smooth(values: np.ndarray, deviation: float) -> np.ndarray:
    """Fit a straight line to (F, C) values around every frame, with Gaussian weights over time.

    A plain average would lag behind a moving face at both ends of the clip.
    """
    reach = min(round(6 * deviation), len(values) - 1)  # frames; what is farther away weighs nothing
    apart = np.arange(-reach, reach + 1)  # (W,)
    inside = sliding_window_view(np.pad(np.ones(len(values)), reach), len(apart))  # (F, W)
    windows = sliding_window_view(np.pad(values, ((reach, reach), (0, 0))), len(apart), axis=0)  # (F, C, W)
    weights = inside * np.exp(-.5 * (apart / deviation) ** 2)
    sum_0, sum_1, sum_2 = ((weights * apart ** power).sum(axis=1, keepdims=True) for power in range(3))  # (F, 1)
    sum_2 = sum_2 + 1e-9  # one frame has no slope
    weights = weights * (sum_2 - sum_1 * apart) / (sum_0 * sum_2 - sum_1 ** 2)
    return np.einsum('fw,fcw->fc', weights, windows)


def _overlap(a: FaceBox, b: FaceBox) -> float:
    """Intersection over union."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    shared = max(0., width) * max(0., height)
    union = a.width * a.height + b.width * b.height - shared
    return shared / union if union > 0 else 0.
