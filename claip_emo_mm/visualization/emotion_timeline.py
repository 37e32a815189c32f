"""The emotions of a video over time, with the envelope of its sound."""
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from claip_emo_mm.apis.emotion_result import EmotionResult
from claip_emo_mm.apis.sound_buffer import ENVELOPE_HZ

_MOST_PEOPLE = 6  # panels


def draw_timeline(result: EmotionResult) -> Figure:
    """Draw the scores of each person over time, the sound's envelope, and the parts without a face.

    A score stands at the middle of its window; one window is a pair of points at its ends.
    """
    people = sorted({row.person for row in result.rows}, key=lambda person: (person is None, person or 0))
    shown = people[:_MOST_PEOPLE]
    has_sound = bool(result.envelope)
    ratios = [3.] * len(shown) + [1.] * has_sound
    figure = Figure(figsize=(10, .9 * sum(ratios) + .8), layout='constrained')
    axes = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    colours = matplotlib.colormaps['tab10' if len(result.classes) <= 10 else 'tab20'].colors
    for axis, person in zip(axes, shown, strict=False):
        rows = [row for row in result.rows if row.person == person]
        times = [(row.from_s + row.to_s) / 2 for row in rows]
        if len(rows) == 1:
            times, rows = [rows[0].from_s, rows[0].to_s], rows * 2
        for number, name in enumerate(result.classes):
            axis.plot(times, [row.scores[name] for row in rows], color=colours[number % len(colours)], label=name,
                      marker='.' if len(rows) < 100 else '')
        axis.set_ylim(0, 1)
        axis.set_ylabel('score')
        title = 'whole picture, or sound alone' if person is None else f'person {person}'
        axis.set_title(title, fontsize=9, loc='left')
        axis.grid(alpha=.3)
    axes[0].legend(fontsize=7, ncol=max(1, -(-len(result.classes) // 7)), loc='upper left', bbox_to_anchor=(1, 1))
    if has_sound:
        envelope = np.array(result.envelope)
        times = np.arange(len(envelope)) / ENVELOPE_HZ
        axes[-1].fill_between(times, -envelope, envelope, color='0.4', linewidth=0, step='post')
        axes[-1].set_ylim(-1, 1)
        axes[-1].set_ylabel('sound')
    left_out = f' ({len(people) - len(shown)} more people are in the table)' if len(people) > len(shown) else ''
    axes[-1].set_xlabel(f'time (s){left_out}')
    axes[-1].set_xlim(0, max(result.duration_s, .1))
    return figure
