"""A confusion matrix as a picture."""
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure


def draw_confusion_matrix(matrix: np.ndarray, classes: Sequence[str], title: str = '') -> Figure:
    """Draw clips by true class (rows) and predicted class (columns): shares of each row by colour, counts as text.

    Args:
        matrix: (K, K) counts.
        classes: K names.
        title: above the picture.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)  # a class without clips: an empty row
    side = max(4., .45 * len(classes) + 1.5)
    figure = Figure(figsize=(side + 1, side), layout='constrained')
    axis = figure.subplots()
    image = axis.imshow(100 * shares, vmin=0, vmax=100, cmap='Blues')
    figure.colorbar(image, ax=axis, label='% of the true class')
    axis.set_xticks(range(len(classes)), classes, rotation=60, ha='right', rotation_mode='anchor', fontsize=8)
    axis.set_yticks(range(len(classes)), classes, fontsize=8)
    axis.set_xlabel('predicted')
    axis.set_ylabel('true')
    axis.set_title(title, fontsize=10)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        axis.text(column, row, f'{matrix[row, column]:.0f}', ha='center', va='center', fontsize=7,
                  color='white' if shares[row, column] > .6 else 'black')
    return figure
