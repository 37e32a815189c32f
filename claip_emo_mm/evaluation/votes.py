"""A model beside people: its scores against the votes of raters, and the raters against what actors meant."""
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from claip_emo_mm.datasets.votes import MODALITIES
from claip_emo_mm.evaluation.tables import text_table

_SMALLEST = 1e-12  # score in a logarithm


@dataclass(frozen=True)
class VotesMetrics:
    """Metrics against the raters of one modality; percentages but for the first two."""
    cross_entropy: float  # of the scores to the ratios of the votes, mean over the clips, in nats
    js_divergence: float  # Jensen-Shannon divergence of the two, mean over the clips, in bits: 0 to 1
    majority: float  # clips whose class by the model is the one with most votes, of those without a tie
    untied: int  # number of these clips
    people_acted: float  # votes that name the acted emotion, of all votes: the human baseline
    people_majority: float  # clips in which the acted emotion alone has most votes

    def scalars(self, modality: str) -> dict[str, float]:
        """The model's metrics by their names in logs."""
        return {f'CE_{modality}': self.cross_entropy, f'JSD_{modality}': self.js_divergence,
                f'majority_{modality}': self.majority}


def human_baseline(labels: np.ndarray, votes: np.ndarray) -> tuple[float, float]:
    """How people recognize what actors meant.

    Args:
        labels: (clips,) the acted class, 0..K-1.
        votes: (clips, K) votes.
    Returns: votes that name it in percent of all votes; clips in which it alone has most votes, in percent.
    """
    acted = votes[np.arange(len(labels)), labels]
    alone = (acted == votes.max(axis=1)) & ((votes == votes.max(axis=1, keepdims=True)).sum(axis=1) == 1)
    return float(100 * acted.sum() / votes.sum()), float(100 * alone.mean())


def votes_metrics(labels: np.ndarray, scores: np.ndarray, votes: np.ndarray) -> dict[str, VotesMetrics]:
    """Compare scores with votes.

    Args:
        labels: (clips,) the acted class, 0..K-1.
        scores: (clips, K) probabilities.
        votes: (clips, 3, K) votes by the order of `MODALITIES`.
    Returns: metrics for each modality of the raters. A clip with a tie for most votes has no majority; nan if all have.
    """
    scores = scores.astype(np.float64)
    found = {}
    for place, modality in enumerate(MODALITIES):
        counts = votes[:, place]
        ratios = counts / counts.sum(axis=1, keepdims=True)
        untied = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1) == 1
        agree = scores.argmax(axis=1) == counts.argmax(axis=1)
        middle = (ratios + scores) / 2
        divergence = (_divergence(ratios, middle) + _divergence(scores, middle)) / 2
        found[modality] = VotesMetrics(
            float(-(ratios * np.log(scores.clip(_SMALLEST))).sum(axis=1).mean()), float(divergence.mean()),
            float(100 * agree[untied].mean()) if untied.any() else float('nan'), int(untied.sum()),
            *human_baseline(labels, counts))
    return found


def _divergence(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of distributions (clips, K), in bits; (clips,)."""
    logs = np.log2(here.clip(_SMALLEST)) - np.log2(there.clip(_SMALLEST))
    return (here * logs).sum(axis=1)


def votes_table(metrics: dict[str, VotesMetrics], war: float) -> str:
    """Put model and people side by side, for each modality of the raters."""
    rows: list[Sequence[str]] = [('', *metrics)]
    for title, values in (
            ('acted emotion, votes of people %', [found.people_acted for found in metrics.values()]),
            ('acted emotion, majority of people %', [found.people_majority for found in metrics.values()]),
            ('acted emotion, model (WAR) %', [war] * len(metrics)),
            ('majority of people, model %', [found.majority for found in metrics.values()]),
            ('cross entropy to the votes, nats', [found.cross_entropy for found in metrics.values()]),
            ('Jensen-Shannon divergence, bits', [found.js_divergence for found in metrics.values()])):
        rows.append((title, *(f'{value:.2f}' if '%' in title else f'{value:.4f}' for value in values)))
    rows.append(('clips with one majority', *(str(found.untied) for found in metrics.values())))
    return 'People (raters of voice, face, both) and model\n' + text_table(rows, left=1)


def votes_details(metrics: dict[str, VotesMetrics]) -> dict[str, dict[str, float]]:
    """The metrics for a json file."""
    return {modality: asdict(found) for modality, found in metrics.items()}
