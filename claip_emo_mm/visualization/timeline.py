"""Plot of the emotions of a video over time: a heat map for each person, and the envelope of the audio."""
import textwrap
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from claip_emo_mm.errors import printable
from claip_emo_mm.structures import ENVELOPE_HZ, UNSURE, EmotionResult, PersonTrack
from claip_emo_mm.visualization.plots import person_color
from claip_emo_mm.visualization.score_map import ScoreMap, map_scores, runs

_MAX_PEOPLE = 6  # panels
_MAX_CLASSES, _MAX_CLASSES_OF_MANY = 11, 7  # rows of a panel; the second where there are more than two panels
_COLUMNS = 900  # of a heat map
_ROW, _TITLE, _LEGEND, _AUDIO, _AXIS = .2, .34, .3, .6, .5  # inches
_NARROW, _NARROW_NAME, _NAME = 9., 18, 36  # inches of a narrow figure; characters of a name in its titles, elsewhere
_COLORS = ListedColormap(matplotlib.colormaps['Blues'](np.linspace(.08, .78, 256)))  # black can be read on all of them
_UNSURE = dict(facecolor=(1, 1, 1, .6), edgecolor='.35', hatch='////', linewidth=0)
_STEPS_S = (.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # between labels of the time


@matplotlib.rc_context({'text.parse_math': False, 'hatch.linewidth': .5})  # a $ in a name is no formula
def plot_timeline(result: EmotionResult) -> Figure:
    """Plot who shows which emotion when, with the audio's envelope: wider for a longer input.

    Each person has a panel with a row for each class, darker for a higher score, and a black line in the row of the
    highest one; at each time the window with the nearest middle counts. It is blank where the person is not visible,
    hatched where the emotion is unsure. Of many classes those that lead longest are shown, and one row for all others;
    of more than six people those that are seen longest.
    """
    people = {person.number: person for person in result.people}
    numbers = result.persons
    maps = {number: map_scores(result.segments(number), result.classes, result.duration_s, _COLUMNS)
            for number in numbers}
    longest = sorted(numbers, key=lambda number: -np.count_nonzero(maps[number].known))[:_MAX_PEOPLE]
    shown = [number for number in numbers if number in longest]
    limit = _MAX_CLASSES if len(shown) <= 2 else _MAX_CLASSES_OF_MANY
    rows = len(result.classes) if len(result.classes) <= limit else limit
    heights = [_LEGEND, *[_TITLE + _ROW * rows] * len(shown), *[_AUDIO] * bool(result.envelope)]
    width = timeline_width(result.duration_s)
    more = f'{len(numbers) - len(shown)} more people are in the table' if len(numbers) > len(shown) else ''
    notes = [line for text in (more, result.about) for line in textwrap.wrap(text, round(15 * width))]

    figure = Figure(figsize=(width, sum(heights) + _AXIS + .17 * len(notes) + .25), layout='constrained')
    figure.get_layout_engine().set(h_pad=.03, hspace=0)
    figure.suptitle(_shortened(printable(Path(result.name).name), round(11 * width)), fontsize=10, x=.01, ha='left')
    grid = figure.add_gridspec(len(heights), 2 if people else 1, height_ratios=heights,
                               width_ratios=[.6, width - 2] if people else None)
    axes: list[Axes] = []
    for place in range(1, len(heights)):
        axes.append(figure.add_subplot(grid[place, -1], sharex=axes[0] if axes else None))
    for place, (axis, number) in enumerate(zip(axes, shown, strict=False), 1):
        _plot_scores(axis, maps[number], result.scores_of(number), limit)
        axis.set_title(_title(result, number, people, _NARROW_NAME if width < _NARROW else _NAME), fontsize=9,
                       loc='left', pad=3)
        if number in people:
            _plot_portrait(figure.add_subplot(grid[place, 0]), people[number])
    if result.envelope:
        _plot_audio(axes[-1], np.array(result.envelope), result.duration_s)
    for axis in axes[:-1]:
        axis.tick_params(labelbottom=False)
    axes[-1].set_xlim(0, max(result.duration_s, .1))
    ticks, labels = time_ticks(result.duration_s, round(.8 * width))
    axes[-1].set_xticks(ticks, labels, fontsize=8)
    axes[-1].set_xlabel('\n'.join(['time', *notes]), fontsize=8)
    _plot_legend(figure.add_subplot(grid[0, :]), bool(people), any(maps[number].unsure.any() for number in shown))
    return figure


def describe_timeline(result: EmotionResult) -> str:
    """Describe the timeline in words, for those who do not see it."""
    people = {person.number: person for person in result.people}
    titles = [_title(result, number, people, _NAME) for number in result.persons]
    return f'Timeline of {printable(Path(result.name).name)}. {"; ".join(titles)}. {result.about}'.strip()


def timeline_width(duration_s: float) -> float:
    """Width of the figure in inches: 7.5 up to 10 s, 1.2 more for each doubling, at most 24."""
    return float(np.clip(7.5 + 1.2 * np.log2(max(duration_s, 1e-3) / 10), 7.5, 24))


def format_time(time_s: float, decimals: int = 0) -> str:
    """Format a time as m:ss, or h:mm:ss."""
    minutes, seconds = divmod(round(time_s, decimals), 60)
    hours, minutes = divmod(int(minutes), 60)
    rest = f'{seconds:0{3 + decimals if decimals else 2}.{decimals}f}'
    return f'{hours}:{minutes:02}:{rest}' if hours else f'{minutes}:{rest}'


def time_ticks(duration_s: float, count: int) -> tuple[list[float], list[str]]:
    """Round times for at most `count` labels of an axis, and the labels."""
    step = next((step for step in _STEPS_S if duration_s / step <= count), None)
    step = step or _STEPS_S[-1] * np.ceil(duration_s / _STEPS_S[-1] / count)
    times = [float(time_s) for time_s in np.arange(0, duration_s + step / 100, step)]
    return times, [format_time(time_s, int(step < 1)) for time_s in times]


def _plot_scores(axis: Axes, scores: ScoreMap, averages: Mapping[str, float], limit: int) -> None:
    """Plot rows of classes from above; where there are too many, the last row holds the others' highest score."""
    classes, means = list(averages), np.array(list(averages.values()))
    order = list(range(len(classes))) if len(classes) <= limit else scores.ranked(means)[:limit - 1]
    others = sorted(set(range(len(classes))) - set(order))
    values = scores.scores[order]
    names = [_shortened(classes[index], _NAME) for index in order]
    ratios = [f'{100 * means[index]:.0f} %' for index in order]
    if others:
        values = np.vstack([values, scores.scores[others].max(axis=0)])
        names.append(f'{len(others)} others, highest')
        ratios.append(f'≤ {100 * means[others].max():.0f} %')
    axis.imshow(values, cmap=_COLORS, vmin=0, vmax=1, aspect='auto', interpolation='none',
                extent=(0, scores.edges[-1], len(values) - .5, -.5))
    axis.hlines(np.arange(1, len(values)) - .5, 0, scores.edges[-1], colors='white', linewidth=1)
    place = np.full(len(classes) + 1, len(order))  # of a class among the rows; the last is of what is not known
    place[order] = np.arange(len(order))
    _plot_leading(axis, scores, place)
    axis.set_yticks(range(len(values)), names, fontsize=8)
    twin = axis.secondary_yaxis('right')
    twin.set_yticks(range(len(values)), ratios, fontsize=8)
    best = int(means[order].argmax())
    for label in (axis.get_yticklabels()[best], twin.get_yticklabels()[best]):
        label.set_fontweight('bold')
    for ticks in (axis, twin):
        ticks.tick_params(axis='y', length=0)
        ticks.spines[:].set_color('.75')


def _plot_leading(axis: Axes, scores: ScoreMap, place: np.ndarray) -> None:
    leading, edges = scores.leading(), scores.edges
    sure = [(start, end) for start, end in runs(np.where(scores.unsure, -1, leading)) if leading[start] >= 0
            and not scores.unsure[start]]
    axis.hlines([place[leading[start]] for start, _ in sure], [edges[start] for start, _ in sure],
                [edges[end] for _, end in sure], colors='black', linewidth=2.5)
    unsure = [(edges[start], edges[end] - edges[start]) for start, end in runs(scores.unsure & scores.known)
              if scores.unsure[start] and scores.known[start]]
    axis.broken_barh(unsure, (-.5, axis.get_ylim()[0] + .5), **_UNSURE)


def _title(result: EmotionResult, number: int | None, people: dict[int, PersonTrack], longest_name: int) -> str:
    scores = result.scores_of(number)
    top = max(scores, key=scores.__getitem__)
    unsure = f'{UNSURE}: ' if result.rule.is_unsure(scores) else ''
    verdict = f'{unsure}{_shortened(top, longest_name)} {100 * scores[top]:.0f} %'
    if number not in people:
        return f'whole frame, or audio alone: {verdict}'
    seen_s = sum(end - start for start, end in people[number].spans)
    visible = (f'{seen_s:.1f} of {result.duration_s:.1f} s' if result.duration_s < 60 else
               f'{format_time(seen_s)} of {format_time(result.duration_s)}')
    return f'person {number}: {verdict}, visible {visible}'


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f'{text[:length - 1]}…'


def _plot_portrait(axis: Axes, person: PersonTrack) -> None:
    axis.imshow(person.portrait)
    axis.set(xticks=[], yticks=[], anchor='N')
    for spine in axis.spines.values():
        spine.set(color=np.array(person_color(person.number)) / 255, linewidth=3)


def _plot_audio(axis: Axes, envelope: np.ndarray, duration_s: float) -> None:
    ratio = -(-len(envelope) // (2 * _COLUMNS))  # peaks for each that is plotted
    peaks = np.pad(envelope, (0, -len(envelope) % ratio)).reshape(-1, ratio).max(axis=1)
    axis.fill_between(np.minimum(np.arange(len(peaks) + 1) * ratio / ENVELOPE_HZ, duration_s), -np.append(peaks, 0.),
                      np.append(peaks, 0.), color='.4', linewidth=0, step='post')
    limit = max(1.1 * float(envelope.max()), .25)  # quiet audio does not fill the panel
    axis.set_ylim(-limit, limit)
    axis.set_yticks([0], ['audio'], fontsize=8)
    axis.tick_params(axis='y', length=0)
    axis.spines[:].set_color('.75')


def _plot_legend(axis: Axes, has_people: bool, has_unsure: bool) -> None:
    handles = [Patch(facecolor=_COLORS(score), label=label)
               for score, label in ((0., 'score 0 %'), (.5, '50 %'), (1., '100 %'))]
    handles.append(Line2D([], [], color='black', linewidth=2.5, label='highest'))
    if has_unsure:
        handles.append(Patch(label='unsure', **_UNSURE))
    if has_people:
        handles.append(Patch(facecolor='white', edgecolor='.75', label='not visible'))
    axis.legend(handles=handles, loc='center left', ncols=len(handles), fontsize=8, frameon=False, borderaxespad=0,
                columnspacing=1.2, handlelength=1.6)
    axis.axis('off')
