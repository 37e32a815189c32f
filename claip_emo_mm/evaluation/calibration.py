"""Temperature scaling: one number, fitted on a validation split, that makes scores what they say."""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import are_probabilities, expected_calibration_error
from claip_emo_mm.evaluation.predictions import ClipScores

_RANGE = (.05, 20.)  # of temperatures; a split without a wrong clip has its optimum at 0
_LEAST = 1e-12  # probability, of which a logarithm is taken


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature, and what it does on the clips that it was fitted on."""
    temperature: float  # logits are divided by it: above 1, scores become less sure
    clips: int
    ece_before: float  # expected calibration error in percent
    ece_after: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as in a checkpoint's metadata."""
        return asdict(self)

    def line(self) -> str:
        """What was found, in a line."""
        return (f'Temperature {self.temperature:.3f}: calibration error of {self.clips} validation clips '
                f'{self.ece_before:.2f} % -> {self.ece_after:.2f} %')


def scale_scores(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Scores (..., K) of logits that are divided by a temperature; which class is the best does not change.

    Scores are a softmax up to a constant in their logarithms: the logits themselves are not needed.
    """
    logits = np.log(np.maximum(scores.astype(np.float64), _LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fit_calibration(clips: ClipScores) -> Calibration:
    """Fit the temperature with the least negative log-likelihood (Guo et al. 2017, arXiv 1706.04599, section 4.2).

    Raises:
        InputError: the scores are no probabilities.
    """
    if not are_probabilities(clips.scores):
        raise InputError('calibration: the scores are no probabilities: each must be 0 to 1, and those of a clip sum '
                         'to 1. Use a head that gives average_clips=\'prob\'.')
    places = np.arange(len(clips.labels)), clips.labels

    def loss(log_temperature: float) -> float:
        return -np.log(np.maximum(scale_scores(clips.scores, np.exp(log_temperature))[places], _LEAST)).mean()

    from scipy.optimize import minimize_scalar  # half a second to import
    found = minimize_scalar(loss, bounds=np.log(_RANGE), method='bounded')
    temperature = float(np.exp(found.x))
    return Calibration(temperature, len(clips.labels), expected_calibration_error(clips.labels, clips.scores),
                       expected_calibration_error(clips.labels, scale_scores(clips.scores, temperature)))


def read_temperature(calibration: Mapping[str, Any] | None) -> float | None:
    """Temperature of a checkpoint's metadata; None where it was never calibrated."""
    found = (calibration or {}).get('temperature')
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and _RANGE[0] / 2 < found < 2 * _RANGE[1] else None
