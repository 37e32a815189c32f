"""Text files that are never seen half-written."""
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from claip_emo_mm.utils.io import atomic_write


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, and the folders above it; it takes its name when it is complete."""
    with atomic_write(path) as part:
        part.write_text(text, encoding='utf-8')


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a UTF-8 csv file with a header; it takes its name when it is complete."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())
