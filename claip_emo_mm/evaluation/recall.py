"""WAR, UAR and what else labels and predictions alone tell."""
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from claip_emo_mm.errors import InputError


@dataclass(frozen=True)
class RecallFigures:
    """The figures of a set of clips, in percent. Classes without a clip (recall nan) are left out of the means.

    Args:
        war: weighted average recall: the share of clips that are right, the accuracy.
        uar: unweighted average recall: the mean of the classes' recalls.
        f1_macro: mean of the classes' F1.
        f1_weighted: mean of the classes' F1, weighted by their clips.
        recall: (K,) float64, share of each class's clips that are right; nan for a class without clips.
        precision: (K,) float64, share of the clips taken for a class that are of it; nan where none was.
        confusion: (K, K) int64, number of clips of class (row) that were taken for class (column).
    """

    war: float
    uar: float
    f1_macro: float
    f1_weighted: float
    recall: np.ndarray
    precision: np.ndarray
    confusion: np.ndarray

    @property
    def absent(self) -> list[int]:
        """Labels of the classes without a clip."""
        return np.flatnonzero(self.confusion.sum(axis=1) == 0).tolist()


def recall_figures(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> RecallFigures:
    """Compute all figures.

    Args:
        labels: (clips,) ints 0..K-1.
        predictions: (clips,) ints 0..K-1.
        num_classes: K.

    Raises:
        InputError: there are no clips, or labels or predictions outside 0..K-1.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if not len(labels):
        raise InputError('There are no clips to compute WAR and UAR of. Check the annotation list.')
    for name, values in (('label', labels), ('prediction', predictions)):
        if values.min() < 0 or values.max() >= num_classes:
            raise InputError(f'The {name}s reach from {values.min()} to {values.max()}, but there are {num_classes} '
                             f"classes: 0 to {num_classes - 1} expected. Set the head's num_classes and the data "
                             "set's classes alike.")
    confusion = confusion_matrix(labels, predictions, labels=np.arange(num_classes))
    clips, right = confusion.sum(axis=1), confusion.diagonal()
    recall, precision = (np.divide(100.0 * right, count, out=np.full(num_classes, np.nan), where=count > 0)
                         for count in (clips, confusion.sum(axis=0)))
    present = np.flatnonzero(clips)
    f1_macro, f1_weighted = (100 * f1_score(labels, predictions, labels=present, average=average, zero_division=0)
                             for average in ('macro', 'weighted'))
    return RecallFigures(war=float(100 * right.sum() / clips.sum()), uar=float(np.nanmean(recall)),
                         f1_macro=float(f1_macro), f1_weighted=float(f1_weighted), recall=recall, precision=precision,
                         confusion=confusion)
