"""Rows of a result: the scores of a person in a window, when they are a verdict, and for which time they speak."""
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from claip_emo_mm.errors import check_ratio

UNSURE = 'unsure'  # in place of a class where the scores are no verdict

Span = tuple[float, float]  # from and to, in s
Box = tuple[float, float, float, float]  # left, top, width, height as fractions of the frame's width and height


@dataclass(frozen=True)
class ModelFacts:
    """What scores come from; every output shows `data`."""
    name: str = ''  # the checkpoint's file, without its folder; 'zero-shot'
    data: str = ''  # what it was trained on, such as 'drawn faces' or 'dfew, fold 1'; empty where it is not known
    temperature: float | None = None  # by which its logits were divided, see `evaluation.calibration`; None for none
    fast: dict[str, Any] = field(default_factory=dict)  # options of --fast that were on, with their values


@dataclass(frozen=True)
class VerdictRule:
    """When scores name a class, and when they are too close or too low for it.

    Raises:
        InputError: a number is not in [0, 1].
    """
    min_score: float = .3  # below it, a calibrated score is wrong more than twice as often as right
    min_margin: float = .1  # of the best score over the second

    def __post_init__(self) -> None:
        check_ratio('unsure', min_score=self.min_score, min_margin=self.min_margin)

    def is_unsure(self, scores: Mapping[str, float]) -> bool:
        """Whether the best score is too low, or too near to the second."""
        best, *others = sorted(scores.values(), reverse=True)
        return best < self.min_score or bool(others) and best - others[0] < self.min_margin


@dataclass
class PersonTrack:
    """Where and when a person is visible."""
    number: int  # from 1, in the order of appearance
    spans: list[Span]  # moments without the face are part of them
    path: list[tuple[float, Box]]  # (time in s, box), for drawing boxes
    portrait: np.ndarray = field(repr=False, compare=False)  # (64, 64, 3) uint8 RGB


@dataclass
class EmotionRow:
    """The emotion of one person in one window."""
    from_s: float  # of the window, in s
    to_s: float
    person: int | None  # number in the order of appearance; None for the whole frame, or for audio alone
    box: Box | None  # face of the person; None without one
    scores: dict[str, float]  # score of each class, 0 to 1; they sum to 1
    warnings: list[str] = field(default_factory=list)  # of this window
    seen_ratio: float = 1.  # of the window in which the person is seen
    unsure: bool = False  # whether the scores are no verdict, by the result's `VerdictRule`

    @property
    def top(self) -> str:
        """Class with the best score, sure or not."""
        return top_class(self.scores)

    @property
    def verdict(self) -> str:
        """Class with the best score, or `UNSURE`."""
        return UNSURE if self.unsure else self.top

    @property
    def label(self) -> str:
        """Text for a picture: 'happy 87 %', or 'unsure: happy 50 %'."""
        return verdict_text(self.scores, self.unsure)


class Segment(NamedTuple):
    """A time for which a row speaks, and no row of another window, and in which the person is seen."""
    from_s: float
    to_s: float
    row: EmotionRow


def top_class(scores: Mapping[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def verdict_text(scores: Mapping[str, float], unsure: bool) -> str:
    """The best class with its score in percent, behind 'unsure: ' where it is no verdict."""
    top = top_class(scores)
    return f'{f"{UNSURE}: " * unsure}{top} {100 * scores[top]:.0f} %'


def cut_segments(rows: Sequence[EmotionRow], spans: Sequence[Span] | None = None,
                 windows: Collection[Span] = ()) -> list[Segment]:
    """Divide the time among the windows, so that no moment counts for two of them, and take the rows of one person.

    Each moment belongs to the window whose middle is nearest, of those that cover it, whoever has rows in it. People
    who have rows of the same window share its time.

    Args:
        rows: of one person.
        spans: when the person is seen, in s; None for always.
        windows: those in which others have rows, in s; the ones of `rows` may be among them.
    Returns: segments by time; a row may have none, or several.
    """
    rows = sorted(rows, key=row_span)
    ordered = sorted({*windows, *map(row_span, rows)})
    edges = [max(after[0], min(window[1], (sum(window) + sum(after)) / 4)) for window, after in pairwise(ordered)]
    shares = dict(zip(ordered, pairwise([-np.inf, *edges, np.inf]), strict=bool(ordered)))
    segments = []
    for row in rows:
        left, right = shares[row_span(row)]
        start, end = max(row.from_s, left), min(row.to_s, right)
        for seen_from, seen_to in [(start, end)] if spans is None else spans:
            from_s, to_s = max(start, seen_from), min(end, seen_to)
            if to_s > from_s:
                segments.append(Segment(from_s, to_s, row))
    return segments


def row_span(row: EmotionRow) -> Span:
    """The window of a row."""
    return row.from_s, row.to_s
