"""Plots of metrics and features, and writing them."""
import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.visualization.fonts import set_fonts

FIGURE_FORMATS = ('png', 'svg', 'pdf')

_PERSON_COLORS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0),
                  (204, 121, 167))  # of Okabe and Ito
_MIN_CLIPS = 5  # of t-SNE


def write_figure(path: Path, figure: Figure, dpi: int = 100) -> None:
    """Write a figure as its suffix says (png, svg, pdf) atomically, and the missing parent folders."""
    with atomic_write(path) as temporary:
        _save(figure, temporary, path.suffix.lower().removeprefix('.'), dpi)


def figure_bytes(figure: Figure, kind: str, dpi: int = 100) -> bytes:
    """Draw a figure as png, svg or pdf; the texts of the last two stay texts, which can be searched and edited.

    Args:
        figure: its suptitle, if any, becomes the title of the file.
        kind: one of `FIGURE_FORMATS`.
        dpi: dots per inch of png, and of images in the others.
    """
    content = BytesIO()
    _save(figure, content, kind, dpi)
    return content.getvalue()


def _save(figure: Figure, target: Path | BytesIO, kind: str, dpi: int) -> None:
    title = figure.get_suptitle()
    set_fonts(figure)
    with rc_context({'svg.fonttype': 'none', 'pdf.fonttype': 42}), warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='Glyph')  # a name in signs that no font has: boxes, but for svg
        figure.savefig(target, format=kind, dpi=dpi, metadata=dict(Title=title) if title else None)


def person_color(person: int | None) -> tuple[int, int, int]:
    """RGB, 0 to 255, of a person's number, from 1; None is the whole image."""
    return _PERSON_COLORS[((person or 1) - 1) % len(_PERSON_COLORS)]


def plot_confusion_matrix(matrix: np.ndarray, classes: Sequence[str], title: str = '') -> Figure:
    """Plot a confusion matrix: ratios of each row by color, counts as text.

    Args:
        matrix: (K, K) clips by true class (row) and predicted class (column).
        classes: K names.
        title: above the plot.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    ratios = matrix / np.maximum(totals, 1)  # a class without clips: an empty row
    side = max(4., .45 * len(classes) + 1.5)
    figure = Figure(figsize=(side + 1, side), layout='constrained')
    axis = figure.subplots()
    image = axis.imshow(100 * ratios, vmin=0, vmax=100, cmap='Blues')
    figure.colorbar(image, ax=axis, label='% of the true class')
    axis.set_xticks(range(len(classes)), classes, rotation=60, ha='right', rotation_mode='anchor', fontsize=8)
    axis.set_yticks(range(len(classes)), classes, fontsize=8)
    axis.set(xlabel='predicted', ylabel='true')
    axis.set_title(title, fontsize=10)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        axis.text(column, row, f'{matrix[row, column]:.0f}', ha='center', va='center', fontsize=7,
                  color='white' if ratios[row, column] > .6 else 'black')
    return figure


def embed(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """Embed standardized features (clips, D) in a plane (clips, 2) by scikit-learn's t-SNE."""
    if len(features) < _MIN_CLIPS:
        raise InputError(f't-SNE of {len(features)} clips: at least {_MIN_CLIPS} are needed to say anything.')
    perplexity = min(30., (len(features) - 1) / 3)
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler
    scaled = StandardScaler().fit_transform(features)
    return TSNE(perplexity=perplexity, init='pca', random_state=seed).fit_transform(scaled)


def plot_features(points: Mapping[str, np.ndarray], labels: np.ndarray, classes: Sequence[str]) -> Figure:
    """Plot embedded features, one panel for each title -> (clips, 2), colored by the labels (clips,)."""
    legend_columns = -(-len(classes) // 22)
    figure = Figure(figsize=(4.2 * len(points) + 1.6 * legend_columns, 4.6), layout='constrained')
    axes = figure.subplots(1, len(points), squeeze=False)[0]
    colors = colormaps['tab10' if len(classes) <= 10 else 'tab20']
    markers = 'osD^v'  # where there are more classes than colors
    for axis, (title, places) in zip(axes, points.items(), strict=True):
        for label in np.unique(labels):
            of_class = labels == label
            axis.scatter(*places[of_class].T, s=14, color=colors(label % colors.N), label=classes[label],
                         marker=markers[label // colors.N % len(markers)])
        axis.set_title(title, fontsize=10)
        axis.set(xticks=[], yticks=[])
    figure.legend(*axes[0].get_legend_handles_labels(), loc='outside right upper', fontsize=8, ncols=legend_columns)
    return figure


def plot_robustness(metrics: dict[str, dict[str, float]], title: str = '') -> Figure:
    """Plot WAR and UAR under each condition as bars, and those of the first one, clean clips, as lines.

    Args:
        metrics: name of the condition -> WAR and UAR, percent.
        title: above the plot.
    """
    figure = Figure(figsize=(8, .42 * len(metrics) + 1.6), layout='constrained')
    axis = figure.subplots()
    places = range(len(metrics))
    clean = next(iter(metrics.values()))
    for offset, key, color in ((-.2, 'WAR', '#33618d'), (.2, 'UAR', '#d08c40')):
        values = [row[key] for row in metrics.values()]
        bars = axis.barh([place + offset for place in places], values, .38, color=color, label=key)
        axis.bar_label(bars, fmt='%.1f', fontsize=7, padding=2)
        axis.axvline(clean[key], color=color, linewidth=.8, linestyle=':')
    axis.set_yticks(places, metrics, fontsize=8)
    axis.invert_yaxis()
    axis.set(xlim=(0, 108), xlabel='%')
    axis.margins(y=.01)
    figure.legend(fontsize=8, loc='outside upper right', ncols=2)  # above the bars, which may fill the axis
    axis.set_title(title, fontsize=10, loc='left')
    return figure


def plot_adapter_scale(sweep: Mapping[float, Mapping[str, Mapping[str, float]]], title: str = '') -> Figure:
    """Plot WAR and UAR of every data set over the scale of the adapters, 0 the frozen model, 1 the trained one.

    Args:
        sweep: scale -> name of a data set -> WAR and UAR, percent.
        title: above the plot.
    """
    figure = Figure(figsize=(8, 3.6), layout='constrained')
    axes = figure.subplots(1, 2, sharey=True)
    for axis, key in zip(axes, ('WAR', 'UAR'), strict=True):
        for name in next(iter(sweep.values())):
            axis.plot(list(sweep), [sets[name][key] for sets in sweep.values()], marker='.', label=name)
        axis.set_title(key, fontsize=10, loc='left')
        axis.set(xlabel='adapter scale', xlim=(-.02, 1.02), ylim=(0, 103))
        axis.grid(alpha=.3)
    axes[0].set_ylabel('%')
    axes[0].legend(fontsize=7)
    figure.suptitle(title, fontsize=10)
    return figure
