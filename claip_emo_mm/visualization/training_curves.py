"""Training curves: losses and learning rate over iterations, validation metrics over epochs."""
import json
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Title of a panel -> what the names of its curves begin with.
_PANELS = {'loss': ('loss',), 'learning rate': ('lr',), 'validation: WAR and UAR (%)': ('WAR', 'UAR'),
           'validation: F1 (%)': ('F1',)}
_COLORS = ('#000000', '#d55e00', '#0072b2', '#009e73', '#cc79a7', '#56b4e9')  # of Okabe and Ito
_DASHES = ('-', '-', (0, (2, .6)), (0, (1, .4)))
_MARKERS = 'osD^vX'
_MARKED_POINTS = 60  # at most, for a line to show its points

Series = dict[str, dict[int, float]]


def read_scalars(paths: list[Path]) -> Series:
    """Read MMEngine's scalars, one json object a line, with `step`.

    Args:
        paths: `scalars.json` of the runs of one training, the oldest first; a repeated step is overridden.
    Returns: name -> step -> value.
    """
    series: Series = {}
    for path in paths:
        for line in path.read_text(encoding='utf-8').splitlines():
            try:
                values = json.loads(line)
            except json.JSONDecodeError:  # cut off by a crash
                continue
            step = values.get('step')
            for name, value in values.items():
                if step is not None and name != 'step' and isinstance(value, int | float):
                    series.setdefault(name, {})[step] = value
    return series


def plot_training_curves(series: Series) -> Figure:
    """Plot losses and learning rate over iterations, and validation metrics over epochs, of `read_scalars`.

    Equal curves are one line with both names. Where others cross or run close none is hidden: each line is thinner than
    those below it, and has a color, dash and marker of its own.
    """
    panels = {title: {name: values for name, values in series.items() if name.split('/')[-1].startswith(starts)}
              for title, starts in _PANELS.items()}
    panels = {title: curves for title, curves in panels.items() if curves} or {'nothing was logged': {}}
    figure = Figure(figsize=(8, 2.4 * len(panels)), layout='constrained')
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        _plot_panel(axis, _merged(curves))
        axis.set_title(title, fontsize=10, loc='left')
        axis.set_xlabel('epoch' if title.startswith('validation') else 'iteration', fontsize=8)
    return figure


def _merged(curves: Series) -> Series:
    """Join the names of equal curves."""
    names: dict[tuple[tuple[int, float], ...], list[str]] = {}
    for name, values in sorted(curves.items(), key=lambda item: (item[0] not in ('loss', 'WAR'), item[0])):
        names.setdefault(tuple(sorted(values.items())), []).append(name)
    return {' = '.join(equal): dict(points) for points, equal in names.items()}


def _plot_panel(axis: Axes, curves: Series) -> None:
    axis.grid(alpha=.3)
    if not curves:
        return
    steps = [step for values in curves.values() for step in values]
    margin = max(.02 * (max(steps) - min(steps)), .3)
    axis.set_xlim(min(steps) - margin, max(steps) + margin)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for number, (name, values) in enumerate(curves.items()):  # the first one is on top
        axis.plot(list(values), list(values.values()), label=name, color=_COLORS[number % len(_COLORS)],
                  alpha=.5 if number else 1, linestyle=_DASHES[number % len(_DASHES)],
                  linewidth=1.3 + 2.2 * number, marker=_MARKERS[number % len(_MARKERS)]
                  if len(values) <= _MARKED_POINTS else '', markersize=3.5 + 2.5 * number, zorder=3 - .01 * number)
    axis.legend(fontsize=8, loc='upper left', bbox_to_anchor=(1, 1), frameon=False, handlelength=3)
