"""Pictures that are never seen half-written."""
import os
from argparse import ArgumentTypeError
from pathlib import Path

from matplotlib.figure import Figure


def png_file(text: str) -> Path:
    """Path of a picture to write, for a command line's ``type``."""
    if Path(text).suffix.lower() != '.png':
        raise ArgumentTypeError(f'{text}: expected the name of a file that ends in .png')
    return Path(text)


def write_figure(path: Path, figure: Figure, dpi: int = 100) -> None:
    """Write a png file, and the folders above it; it takes its name when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    try:
        figure.savefig(part, format='png', dpi=dpi)
        os.replace(part, path)
    finally:  # a full disk, Ctrl-C
        part.unlink(missing_ok=True)
