"""Clip features as points in a plane, coloured by class."""
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from claip_emo_mm.errors import InputError

_FEWEST = 5


def embed(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """Lay features (clips, D) out in a plane by t-SNE (scikit-learn), each dimension scaled to a spread of 1.

    Returns: (clips, 2).
    Raises:
        InputError: there are fewer than 5 clips.
    """
    if len(features) < _FEWEST:
        raise InputError(f't-SNE of {len(features)} clips: at least {_FEWEST} are needed to say anything.')
    perplexity = min(30., (len(features) - 1) / 3)
    scaled = StandardScaler().fit_transform(features)
    return TSNE(perplexity=perplexity, init='pca', random_state=seed).fit_transform(scaled)


def draw_features(points: Mapping[str, np.ndarray], labels: np.ndarray, classes: Sequence[str]) -> Figure:
    """Draw a panel for each kind of feature.

    Args:
        points: title -> (clips, 2).
        labels: (clips,) classes.
        classes: K names.
    """
    legend_columns = -(-len(classes) // 22)
    figure = Figure(figsize=(4.2 * len(points) + 1.6 * legend_columns, 4.6), layout='constrained')
    axes = figure.subplots(1, len(points), squeeze=False)[0]
    colours = colormaps['tab10' if len(classes) <= 10 else 'tab20']
    markers = 'osD^v'  # where there are more classes than colours
    for axis, (title, places) in zip(axes, points.items(), strict=True):
        for label in np.unique(labels):
            of_class = labels == label
            axis.scatter(*places[of_class].T, s=14, color=colours(label % colours.N), label=classes[label],
                         marker=markers[label // colours.N % len(markers)])
        axis.set_title(title, fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.legend(*axes[0].get_legend_handles_labels(), loc='outside right upper', fontsize=8, ncols=legend_columns)
    return figure
