"""Text files that are never seen half-written."""
import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file; it takes its name when it is complete."""
    part = path.with_name(f'{path.name}.part')
    part.write_text(text, encoding='utf-8')
    os.replace(part, path)
