"""A list as a table, whatever program wrote it: its encoding, its separator, its header."""
import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.datasets.readers.system_errors import reading
from claip_emo_mm.errors import InputError

_MARKS = ((codecs.BOM_UTF8, 'utf-8'), (codecs.BOM_UTF16_LE, 'utf-16-le'), (codecs.BOM_UTF16_BE, 'utf-16-be'))
_SEPARATORS = (',', ';', '\t', '|')


@dataclass(frozen=True)
class ListTable:
    """A table with a header.

    Args:
        columns: names in lower case, without blanks around them.
        rows: line of the file, from 1, and as many cells as there are columns, without blanks around them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        place = self.columns.index(name)
        return [cells[place] for _, cells in self.rows]


def read_list_text(path: str | Path, encodings: Sequence[str] = ('utf-8',)) -> str:
    """Read a list's text, its line ends as they are.

    Args:
        path: the file.
        encodings: to try where no mark at its beginning says UTF-8 or UTF-16, as spreadsheet programs write it.
    Raises:
        InputError: the file is not there, cannot be read, or is no text in these encodings.
    """
    if not Path(path).is_file():
        raise InputError(f'{path}: there is no such list. Make it with tools/prepare_data.py, or correct its name.')
    with reading(path):
        data = Path(path).read_bytes()
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            data, encodings = data[len(mark):], (encoding,)
            break
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if '\0' not in text:
            return text
    names = ' or '.join(encoding.upper() for encoding in encodings)
    raise InputError(f'{path}: not a text in {names}. Expected a list: one row for each clip. Save it as csv with '
                     'UTF-8 encoding.')


def split_cells(line: str, separator: str) -> tuple[str, ...]:
    """Take one line apart; names that hold the separator stand in double quotes. Cells have no blanks around them."""
    try:
        cells = next(csv.reader([line.strip('\r\n')], delimiter=separator, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return ()
    return tuple(cell.strip() for cell in cells)


def read_header(text: str) -> tuple[tuple[str, ...], str, int]:
    """Take the first line apart that is not blank.

    Returns: its cells in lower case, the separator that makes most of them, and the number of lines before the next.
        A first line ``sep=;``, which is for spreadsheet programs, is believed and passed over.
    """
    lines = io.StringIO(text, newline=None)
    separators = _SEPARATORS
    for number, line in enumerate(lines, 1):
        if line.lower().startswith('sep=') and len(line.strip()) == 5:
            separators = (line.strip()[-1],)
        elif line.strip():
            made = [(split_cells(line, separator), separator) for separator in separators]
            cells, separator = max(made, key=lambda found: len(found[0]))
            return tuple(cell.lower() for cell in cells), separator, number
    return (), separators[0], 0


def read_table(text: str, path: str | Path) -> ListTable:
    """Read a table with a header; blank rows are passed over.

    A column of row numbers in front that the header does not name, as R writes it, is left out.

    Raises:
        InputError: quotes do not close, or a row has more or fewer cells than the header.
    """
    columns, separator, skipped = read_header(text)
    lines = io.StringIO(text, newline='')
    for _ in range(skipped - 1):
        lines.readline()
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num + skipped - 1, tuple(cell.strip() for cell in cells)))
    except csv.Error as error:
        raise InputError(f'{path}:{reader.line_num + skipped - 1}: not a csv file ({error}). Put names that hold a '
                         'separator or a quote in double quotes, and close these.') from error
    rows = rows[1:]
    count = len(columns)
    numbers = [cells[0] for _, cells in rows if len(cells) == count + 1]
    if rows and numbers == [str(number) for number in range(1, len(rows) + 1)]:
        rows = [(line, cells[1:]) for line, cells in rows]
    for line, cells in rows:
        if len(cells) != count:
            raise InputError(f'{path}:{line}: the row has {"more" if len(cells) > count else "fewer"} cells than '
                             f'the header ({count}). Put names that hold a comma in double quotes.')
    return ListTable(columns, tuple(rows))
