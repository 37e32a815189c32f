"""Pictures that are never seen half-written."""
import os
from pathlib import Path

from matplotlib.figure import Figure


def write_figure(path: Path, figure: Figure, dpi: int = 100) -> None:
    """Write a png file, and the folders above it; it takes its name when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    figure.savefig(part, format='png', dpi=dpi)
    os.replace(part, path)
