"""Pictures that are never seen half-written."""
from argparse import ArgumentTypeError
from pathlib import Path

from matplotlib.figure import Figure

from claip_emo_mm.utils.io import atomic_write


def png_file(text: str) -> Path:
    """Path of a picture to write, for a command line's ``type``."""
    if Path(text).suffix.lower() != '.png':
        raise ArgumentTypeError(f'{text}: expected the name of a file that ends in .png')
    return Path(text)


def write_figure(path: Path, figure: Figure, dpi: int = 100) -> None:
    """Write a png file, and the folders above it; it takes its name when it is complete."""
    with atomic_write(path) as part:
        figure.savefig(part, format='png', dpi=dpi)
