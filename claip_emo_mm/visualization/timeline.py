"""Plot of the emotions of a video over time, with the envelope of its audio."""
import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from claip_emo_mm.structures import ENVELOPE_HZ, EmotionResult, EmotionRow, PersonTrack, Span
from claip_emo_mm.visualization.plots import person_color

_MAX_PEOPLE = 6  # panels
_MAX_SPANS = 3  # that the title lists
_ABSENT_COLOR = '0.88'
_NOTE_WIDTH = 110  # characters


def plot_timeline(result: EmotionResult) -> Figure:
    """Plot the scores of each person over time, where the face is missing, and the audio's envelope.

    A score stands at the middle of its window; the line is level before the first and behind the last one, and broken
    where no window covers the time. Of more than six people those that are seen longest are shown.
    """
    people = {person.number: person for person in result.people}
    numbers = sorted({row.person for row in result.rows}, key=lambda number: (number is None, number))
    shown = sorted(numbers, key=lambda number: -_seen_s(result, number))[:_MAX_PEOPLE]
    shown = [number for number in numbers if number in shown]
    has_audio = bool(result.envelope)
    ratios = [3.] * len(shown) + [1.] * has_audio
    figure = Figure(figsize=(10, .8 * sum(ratios) + .8), layout='constrained')
    grid = figure.add_gridspec(len(ratios), 2 if people else 1, height_ratios=ratios,
                               width_ratios=[1, 11] if people else None)
    axes = [figure.add_subplot(grid[0, -1])]
    axes += [figure.add_subplot(grid[place, -1], sharex=axes[0]) for place in range(1, len(ratios))]
    for place, (axis, number) in enumerate(zip(axes, shown, strict=False)):
        _plot_scores(axis, [row for row in result.rows if row.person == number], result.classes)
        axis.set_title(_title(result, number, people), fontsize=9, loc='left')
        if number is not None:
            _shade(axis, people[number].spans, result.duration_s)
            _plot_portrait(figure.add_subplot(grid[place, 0]), people[number])
    lines = axes[0].get_lines()[:len(result.classes)]
    absent = [Patch(color=_ABSENT_COLOR, label='not seen')] if people else []
    axes[0].legend(handles=[*lines, *absent], fontsize=7, ncol=max(1, -(-len(result.classes) // 8)),
                   loc='upper left', bbox_to_anchor=(1, 1))
    if has_audio:
        _plot_audio(axes[-1], np.array(result.envelope))
    for axis in axes[:-1]:
        axis.tick_params(labelbottom=False)
    more = f' ({len(numbers) - len(shown)} more people are in the table)' if len(numbers) > len(shown) else ''
    note = f'\n{textwrap.fill(result.note, _NOTE_WIDTH)}' if result.note else ''
    axes[-1].set(xlabel=f'time (s){more}{note}', xlim=(0, max(result.duration_s, .1)))
    return figure


def _seen_s(result: EmotionResult, number: int | None) -> float:
    return sum(row.to_s - row.from_s for row in result.rows if row.person == number)


def _plot_scores(axis: Axes, rows: Sequence[EmotionRow], classes: Sequence[str]) -> None:
    colors = matplotlib.colormaps['tab10' if len(classes) <= 10 else 'tab20'].colors
    times, values, middles = [], [], []
    for number, row in enumerate(rows):
        scores = [row.scores[name] for name in classes]
        if not number or rows[number - 1].to_s < row.from_s:
            times += [np.nan, row.from_s]
            values += [[np.nan] * len(classes), scores]
        middles.append(len(times))
        times.append((row.from_s + row.to_s) / 2)
        values.append(scores)
        if number + 1 == len(rows) or row.to_s < rows[number + 1].from_s:
            times.append(row.to_s)
            values.append(scores)
    for number, (name, scores) in enumerate(zip(classes, np.array(values).T, strict=True)):
        axis.plot(times, scores, color=colors[number % len(colors)], label=name, linewidth=1.5, marker='.',
                  markevery=middles if len(rows) < 100 else [])
    axis.set(ylim=(0, 1.02), ylabel='score')
    axis.grid(alpha=.3)


def _title(result: EmotionResult, number: int | None, people: dict[int, PersonTrack]) -> str:
    top, score = result.tops()[number]
    if number is None:
        return f'whole image, or audio alone: {top} {100 * score:.0f} %'
    spans = people[number].spans
    seen = ', '.join(f'{start:.1f}-{end:.1f}' for start, end in spans[:_MAX_SPANS])
    more = f' and {len(spans) - _MAX_SPANS} more times' if len(spans) > _MAX_SPANS else ''
    return f'person {number}: {top} {100 * score:.0f} % on average, seen {seen} s{more}'


def _shade(axis: Axes, spans: Sequence[Span], duration_s: float) -> None:
    ends = [0., *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), duration_s]
    for left, right in zip(ends, starts, strict=True):
        if right - left > .1:
            axis.axvspan(left, right, color=_ABSENT_COLOR, zorder=0, linewidth=0)


def _plot_portrait(axis: Axes, person: PersonTrack) -> None:
    axis.imshow(person.portrait)
    axis.set(xticks=[], yticks=[], anchor='N')
    for spine in axis.spines.values():
        spine.set(color=np.array(person_color(person.number)) / 255, linewidth=3)


def _plot_audio(axis: Axes, envelope: np.ndarray) -> None:
    axis.fill_between(np.arange(len(envelope)) / ENVELOPE_HZ, -envelope, envelope, color='0.4', linewidth=0,
                      step='post')
    limit = max(1.1 * float(envelope.max()), .25)  # quiet audio does not fill the panel
    axis.set(ylim=(-limit, limit), yticks=[], ylabel='audio')
