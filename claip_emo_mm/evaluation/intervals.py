"""How far the figures of a test would move with other clips: bootstrap intervals."""
import numpy as np

from claip_emo_mm.errors import InputError

INTERVAL_FIGURES = ('WAR', 'UAR', 'F1_macro', 'F1_weighted')


def bootstrap_intervals(confusion: np.ndarray, draws: int = 2000, seed: int = 0,
                        share: float = 0.95) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap over the clips, in percent.

    Each draw takes as many clips of every true class as there are, with replacement (stratified: the folds of DFEW and
    MAFW are dealt evenly by class, so another test part would have as many of each). The figures depend on the
    confusion matrix alone, and drawing a class's clips anew is drawing its row anew from a multinomial distribution.

    Args:
        confusion: (K, K) clips by true class (row) and predicted class (column).
        draws: how often the clips are drawn.
        seed: of the draws; the same seed gives the same intervals.
        share: of the draws that lies within an interval.
    Returns: lower and upper end of each of INTERVAL_FIGURES.
    Raises:
        InputError: `draws` is not 1 or more.
    """
    if draws < 1:
        raise InputError(f'Bootstrap intervals from {draws} draws: 1 or more are needed, 2000 are usual.')
    rng = np.random.default_rng(seed)
    clips = confusion.sum(axis=1)
    right = np.zeros((draws, len(confusion)), np.int64)
    taken = np.zeros_like(right)  # (draws, K) clips taken for each class
    for label in np.flatnonzero(clips):
        row = rng.multinomial(clips[label], confusion[label] / clips[label], size=draws)
        right[:, label] = row[:, label]
        taken += row
    present = clips > 0
    right, taken, clips = right[:, present], taken[:, present], clips[present]
    f1 = 2 * right / (clips + taken)
    drawn = (right.sum(axis=1) / clips.sum(), (right / clips).mean(axis=1), f1.mean(axis=1),
             (f1 * clips).sum(axis=1) / clips.sum())
    ends = np.quantile(100 * np.stack(drawn), [(1 - share) / 2, (1 + share) / 2], axis=1)  # (2, figures)
    return {name: (float(low), float(high)) for name, low, high in zip(INTERVAL_FIGURES, *ends, strict=True)}
