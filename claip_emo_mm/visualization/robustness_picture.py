"""What spoiled clips cost a model, as a picture."""
from matplotlib.figure import Figure

_COLOURS = dict(WAR='#33618d', UAR='#d08c40')


def draw_robustness(figures: dict[str, dict[str, float]], title: str = '') -> Figure:
    """Draw WAR and UAR under each condition as bars, and those of the first one, clean clips, as lines.

    Args:
        figures: name of the condition -> WAR and UAR, percent.
        title: above the picture.
    """
    figure = Figure(figsize=(8, .42 * len(figures) + 1.6), layout='constrained')
    axis = figure.subplots()
    places = range(len(figures))
    clean = next(iter(figures.values()))
    for offset, (key, colour) in zip((-.2, .2), _COLOURS.items(), strict=True):
        values = [row[key] for row in figures.values()]
        bars = axis.barh([place + offset for place in places], values, .38, color=colour, label=key)
        axis.bar_label(bars, fmt='%.1f', fontsize=7, padding=2)
        axis.axvline(clean[key], color=colour, linewidth=.8, linestyle=':')
    axis.set_yticks(places, figures, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(0, 108)
    axis.set_xlabel('%')
    axis.margins(y=.01)
    figure.legend(fontsize=8, loc='outside upper right', ncols=2)  # above the bars, which may fill the axis
    axis.set_title(title, fontsize=10, loc='left')
    return figure
