"""Face tracking through a clip: which face, where it is in every frame, and the smoothed square around it."""
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from itertools import count

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from claip_emo_mm.faces.detector import FaceBox

MARGIN = 1.3  # side of the square in sides of the face: hair and chin are in it, and little of the background
_SAME_FACE_OVERLAP = .3  # intersection over union, from one frame to the next
_SHORTEST_TAKE_OVER = 5  # frames with the face; less is often no face at all
_LONGEST_GAP = 15  # frames without the face after which a track ends
_SMOOTH_FRAMES = 3.  # standard deviation of the smoothing
_SMOOTH_SIZE_FRAMES = 8.


@dataclass
class FaceTrack:
    """Boxes of one face by the index of their frame, ascending; tracks are numbered in the order of appearance."""

    boxes: dict[int, FaceBox] = field(default_factory=dict)
    number: int = 0

    @property
    def first(self) -> int:
        return next(iter(self.boxes))

    @property
    def last(self) -> int:
        return next(reversed(self.boxes))

    @property
    def weight(self) -> float:
        """Sum of the sides: how large and how long visible the face is."""
        return sum(np.sqrt(box.width * box.height) for box in self.boxes.values())

    def box_at(self, frame: int, longest_gap: int) -> FaceBox | None:
        """The box of a frame, interpolated between boxes at most `longest_gap` frames apart; None farther away."""
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
    """Choose the clip's face from those of its F frames: (F, 3) center x, center y, side of the square around it.

    The face is the one that is largest and visible longest. Where it is absent (a cut), the next such face takes over;
    where none is found, the square stays at the nearest one. None if no frame has a face.
    """
    linker = FaceLinker()
    for frame, boxes in enumerate(found):
        linker.add(frame, boxes)
    chosen = _choose(linker.tracks)
    if not chosen:
        return None
    squares = np.empty((len(found), 3))
    middles = [(before.last + after.first + 1) // 2 for before, after in zip(chosen, chosen[1:], strict=False)]
    for track, start, end in zip(chosen, [0, *middles], [*middles, len(found)], strict=True):
        squares[start:end] = steady_squares(track, start, end)
    return squares


class FaceLinker:
    """Links overlapping boxes of consecutive frames to tracks, best overlap first; numbers new ones left to right."""

    def __init__(self) -> None:
        self.tracks: list[FaceTrack] = []
        self._numbers = count(1)

    def add(self, frame: int, boxes: Sequence[FaceBox]) -> None:
        """Add the faces of a frame; frames ascend."""
        open_tracks = [track for track in self.tracks if frame - track.last <= _LONGEST_GAP]
        pairs = sorted(((box_overlap(track.boxes[track.last], box), t, b) for t, track in enumerate(open_tracks)
                        for b, box in enumerate(boxes)), reverse=True)
        free_tracks, free_boxes = set(range(len(open_tracks))), set(range(len(boxes)))
        for overlap, t, b in pairs:
            if overlap >= _SAME_FACE_OVERLAP and t in free_tracks and b in free_boxes:
                open_tracks[t].boxes[frame] = boxes[b]
                free_tracks.remove(t)
                free_boxes.remove(b)
        for b in sorted(free_boxes, key=lambda b: boxes[b].left):
            self.tracks.append(FaceTrack({frame: boxes[b]}, next(self._numbers)))

    def forget(self, before: int) -> None:
        """Drop the boxes of frames before `before`, and tracks that ended before it."""
        self.tracks = [track for track in self.tracks if track.last >= before]
        for track in self.tracks:
            track.boxes = {frame: box for frame, box in track.boxes.items() if frame >= before}


def _choose(tracks: Sequence[FaceTrack]) -> list[FaceTrack]:
    """Choose tracks that do not share a frame, those of the largest weight first; in the order of time."""
    chosen: list[FaceTrack] = []
    for track in sorted(tracks, key=lambda track: -track.weight):
        is_apart = all(track.last < other.first or track.first > other.last for other in chosen)
        if not chosen or (is_apart and len(track.boxes) >= _SHORTEST_TAKE_OVER):
            chosen.append(track)
    return sorted(chosen, key=lambda track: track.first)


def steady_squares(track: FaceTrack, start: int, end: int) -> np.ndarray:
    """Return the (end - start, 3) squares around a track in the frames from `start` to before `end`."""
    frames = np.array(list(track.boxes))
    boxes = np.array([(box.left + box.width / 2, box.top + box.height / 2, max(box.width, box.height))
                      for box in track.boxes.values()])  # (N, 3)
    wanted = np.arange(start, end)
    places = np.stack([np.interp(wanted, frames, column) for column in boxes.T], axis=1)  # (end - start, 3)
    places[:, :2] = _smooth(places[:, :2], _SMOOTH_FRAMES)
    places[:, 2:] = _smooth(places[:, 2:], _SMOOTH_SIZE_FRAMES) * MARGIN
    return places


def _smooth(values: np.ndarray, deviation: float) -> np.ndarray:
    """Smooth (F, C) values by local linear regression with Gaussian weights; an average would lag at both ends."""
    reach = min(round(6 * deviation), len(values) - 1)  # frames; what is farther away weighs nothing
    apart = np.arange(-reach, reach + 1)  # (W,)
    inside = sliding_window_view(np.pad(np.ones(len(values)), reach), len(apart))  # (F, W)
    windows = sliding_window_view(np.pad(values, ((reach, reach), (0, 0))), len(apart), axis=0)  # (F, C, W)
    weights = inside * np.exp(-.5 * (apart / deviation) ** 2)
    sum_0, sum_1, sum_2 = ((weights * apart ** power).sum(axis=1, keepdims=True) for power in range(3))  # (F, 1)
    sum_2 = sum_2 + 1e-9  # one frame has no slope
    weights = weights * (sum_2 - sum_1 * apart) / (sum_0 * sum_2 - sum_1 ** 2)
    return np.einsum('fw,fcw->fc', weights, windows)


def box_overlap(a: FaceBox, b: FaceBox) -> float:
    """Intersection over union."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    shared = max(0., width) * max(0., height)
    union = a.width * a.height + b.width * b.height - shared
    return shared / union if union > 0 else 0.
