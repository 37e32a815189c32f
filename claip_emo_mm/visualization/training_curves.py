"""The curves of a training: losses, learning rate and figures of the validations."""
import json
from pathlib import Path

from matplotlib.figure import Figure

# Title of a panel -> what the names of its curves begin with.
_PANELS = {'loss': ('loss',), 'learning rate': ('lr',), 'validation (%)': ('WAR', 'UAR', 'F1')}


def read_scalars(paths: list[Path]) -> dict[str, dict[int, float]]:
    """Read the scalars that MMEngine wrote, one json object a line, with `step`.

    Args:
        paths: `scalars.json` of the runs of one training, the oldest first; where a resumed run repeats a step, it
            counts.
    Returns: name -> step -> value.
    """
    series: dict[str, dict[int, float]] = {}
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


def draw_training_curves(series: dict[str, dict[int, float]]) -> Figure:
    """Draw losses and learning rate over iterations, and the validations' figures over epochs.

    Args:
        series: name -> step -> value, of `read_scalars`.
    """
    panels = {title: {name: values for name, values in series.items() if name.split('/')[-1].startswith(starts)}
              for title, starts in _PANELS.items()}
    panels = {title: curves for title, curves in panels.items() if curves} or {'nothing was logged': {}}
    figure = Figure(figsize=(8, 2.6 * len(panels)), layout='constrained')
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for name, values in sorted(curves.items()):
            steps = sorted(values)
            axis.plot(steps, [values[step] for step in steps], label=name, marker='.' if len(steps) < 200 else '')
        axis.set_title(title, fontsize=10, loc='left')
        axis.set_xlabel('epoch' if title.startswith('validation') else 'iteration', fontsize=8)
        axis.grid(alpha=.3)
        if curves:
            axis.legend(fontsize=7)
    return figure
