"""Two models on the same clips: what differs, and whether it could be chance."""
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from claip_emo_mm.evaluation.clip_scores import ClipScores


@dataclass(frozen=True)
class PairedComparison:
    """How the second model differs from the first, in percent points.

    Args:
        war, uar: differences, positive where the second is better.
        war_interval, uar_interval: 95 % intervals of the paired bootstrap.
        only_first, only_second: clips that one of the two alone gets right.
        p_value: of McNemar's exact test: how likely such an uneven split of these clips is by chance.
    """

    war: float
    uar: float
    war_interval: tuple[float, float]
    uar_interval: tuple[float, float]
    only_first: int
    only_second: int
    p_value: float


def compare_pair(first: ClipScores, second: ClipScores, draws: int = 2000, seed: int = 0) -> PairedComparison:
    """Compare two models.

    The bootstrap draws the clips of each class anew, both models' answers together. What counts is whether the first
    alone, the second alone, both or none are right, so a class's draw is one of a multinomial distribution.

    Args:
        first, second: of the same clips in the same order.
        draws: of the bootstrap.
        seed: of the draws.
    """
    right = [clips.scores.argmax(axis=1) == clips.labels for clips in (first, second)]
    only_second, only_first = right[1] & ~right[0], right[0] & ~right[1]
    labels, clips = np.unique(first.labels, return_counts=True)
    rng = np.random.default_rng(seed)
    gained = np.empty((len(labels), draws))  # clips that the second has more, by class
    for place, (label, count) in enumerate(zip(labels, clips, strict=True)):
        of_class = first.labels == label
        shares = [(only & of_class).sum() / count for only in (only_first, only_second)]
        drawn = rng.multinomial(count, [*shares, max(0., 1 - sum(shares))], size=draws)  # (draws, 3)
        gained[place] = drawn[:, 1] - drawn[:, 0]
    found = np.array([(only_second & (first.labels == label)).sum() - (only_first & (first.labels == label)).sum()
                      for label in labels])
    discordant = int(only_first.sum() + only_second.sum())
    return PairedComparison(
        war=float(100 * found.sum() / clips.sum()), uar=float(100 * (found / clips).mean()),
        war_interval=_interval(100 * gained.sum(axis=0) / clips.sum()),
        uar_interval=_interval(100 * (gained / clips[:, None]).mean(axis=0)),
        only_first=int(only_first.sum()), only_second=int(only_second.sum()),
        p_value=float(binomtest(int(only_second.sum()), discordant).pvalue) if discordant else 1.)


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, (.025, .975))
    return float(low), float(high)
