"""Scores of a person on a grid of time, for plots of any length."""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from claip_emo_mm.structures import Segment


@dataclass(frozen=True)
class ScoreMap:
    """Scores of K classes in N columns of equal length, from 0 s to the end of the input."""
    edges: np.ndarray  # (N + 1,) borders of the columns in s
    scores: np.ndarray  # (K, N); NaN where nothing is known
    unsure: np.ndarray  # (N,) whether most of a column is of windows without a clear emotion

    @property
    def known(self) -> np.ndarray:
        """(N,) whether a column has scores."""
        return ~np.isnan(self.scores[0])

    def leading(self) -> np.ndarray:
        """(N,) class with the highest score; -1 where nothing is known."""
        return np.where(self.known, np.nan_to_num(self.scores, nan=-1.).argmax(axis=0), -1)

    def ranked(self, means: np.ndarray) -> list[int]:
        """Classes, the one that leads longest first; those that lead equally long by their averages (K,)."""
        lead = np.bincount(self.leading()[self.known], minlength=len(self.scores))
        return [int(index) for index in np.lexsort((-means, -lead))]


def map_scores(segments: Sequence[Segment], classes: Sequence[str], duration_s: float, columns: int) -> ScoreMap:
    """Average the scores of one person over columns of time.

    Args:
        segments: when which row counts, by time; nothing is known elsewhere.
        classes: K names, in the order of the map.
        duration_s: length of the input.
        columns: N of the map.
    """
    edges = np.linspace(0., duration_s, columns + 1)
    knots = [time_s for segment in segments for time_s in segment[:2]]
    values = [[segment.row.scores[name] for name in classes] + [1., float(segment.row.unsure)] for segment in segments]
    if not values:
        return ScoreMap(edges, np.full((len(classes), columns), np.nan), np.zeros(columns, bool))
    lengths = np.diff(knots)[::2, None]
    totals = np.cumsum(lengths * np.array(values), axis=0)  # (pieces, K + 2)
    integral = np.zeros((len(knots), totals.shape[1]))
    integral[1::2] = totals
    integral[2::2] = totals[:-1]
    sums = np.diff([np.interp(edges, knots, column) for column in integral.T], axis=1)  # (K + 2, N)
    covered = sums[-2]
    with np.errstate(invalid='ignore', divide='ignore'):
        scores = np.where(covered > 1e-9 * duration_s, sums[:-2] / covered, np.nan)
    return ScoreMap(edges, scores, sums[-1] > covered / 2)


def runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Cut (N,) values into runs of equal ones: index of the first, and of the one behind the last."""
    cuts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return list(zip(cuts, cuts[1:], strict=False))
