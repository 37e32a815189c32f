"""Whether a model is right as often as it is sure."""
import numpy as np

from claip_emo_mm.evaluation.finite_scores import check_scores

_WHOLE = 1e-3  # how far the sum of a clip's scores may be from 1; half precision is within


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether each clip's scores (clips, K) are not negative and sum up to 1, as those after a softmax."""
    return bool((scores >= 0).all() and (abs(scores.sum(axis=1) - 1) <= _WHOLE).all())


def expected_calibration_error(labels: np.ndarray, scores: np.ndarray, bins: int = 15) -> float:
    """The expected calibration error in percent (Guo et al. 2017, arXiv 1706.04599, equation 3).

    The clips are put into bins by the score of the class they are taken for; a bin's distance between the share that is
    right and the mean score counts as much as it has clips.

    Args:
        labels: (clips,) ints 0..K-1.
        scores: (clips, K) probabilities.
        bins: of equal width, from 0 to 1; a score on an edge belongs to the lower bin.
    Raises:
        InputError: scores are infinite or NaN.
    """
    check_scores(scores, 'calibration')
    surest = scores.max(axis=1)
    right = scores.argmax(axis=1) == labels
    bin_of = np.clip(np.ceil(surest * bins).astype(int) - 1, 0, bins - 1)
    excess = np.bincount(bin_of, weights=right - surest.astype(np.float64), minlength=bins)
    return float(100 * np.abs(excess).sum() / len(labels))
