"""Reading a published list: its form, how its labels count, and its rows."""
import io
from dataclasses import replace
from pathlib import Path

from mmengine.logging import print_log

from claip_emo_mm.datasets.annotations import EXPECTED, read_header, read_list_text, read_table
from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.datasets.list_formats import FORMATS, ListFormat, OfficialClip, OfficialList
from claip_emo_mm.errors import InputError

LIST_ENCODINGS = ('utf-8', 'gb18030')

_CHOICE = 'first_number=0 or first_number=1 of the data set in the config'
_HEADER = {'video_name', 'label'}


def read_official_list(path: str | Path, schema: LabelSchema, first_number: int | None = None,
                        choice: str = _CHOICE) -> OfficialList:
    """Read a list of DFEW or MAFW in any of the forms in which people have them; the log says which it is.

    Text is UTF-8, UTF-16 with a mark, or GB18030 as in MAFW's captions; rows end as on any system. Where labels are
    numbers, whether they count from 0 or from 1 is read off the list itself: it holds 0, or it holds the number of
    classes. DFEW's csv may have passed through R or a spreadsheet program: other separators, quotes, more columns.

    Args:
        path: the file.
        schema: classes of the data set.
        first_number: number of the first class, 0 or 1, for a list that does not tell (a few clips of a list).
        choice: how the user says that number, for messages.
    Raises:
        InputError: the file is missing, no text, of no known form, has a row of another form, or has labels that the
            schema does not have or that cannot be understood.
    """
    rows = _rows(read_list_text(path, LIST_ENCODINGS), path)
    form = _find_form(rows, path)
    clips = [_parse(form, text, path, line) for line, text in rows]
    name = form.name
    if form.numbered and not {clip.label for clip in clips} <= set(schema.classes):  # classes may be called 0 and 1
        first = _first_number(clips, schema, path, first_number, choice)
        name += f', labels from {first}'
        labels = [schema.classes[int(clip.label) - first] for clip in clips]
    else:
        labels = [_class_of_name(clip, schema, path) for clip in clips]
    print_log(f'{path}: {name}, {len(clips)} clips of {schema.title}', logger='current')
    has_paths = not any(form.is_bare(clip.video or clip.frames or clip.audio) for clip in clips)
    clips = (replace(clip, label=label) for clip, label in zip(clips, labels, strict=True))
    return OfficialList(name, has_paths, tuple(clips))


def _rows(text: str, path: str | Path) -> list[tuple[int, str]]:
    """Return line and text of each row; of a table with DFEW's header the two columns, whatever else it has."""
    header, _, _ = read_header(text)
    if set(header) >= _HEADER:
        table = read_table(text, path)
        pairs = zip(table.rows, table.column('video_name'), table.column('label'), strict=True)
        rows = [(line, ','.join(f'"{cell}"' if ',' in cell else cell for cell in (name, label)))
                for (line, _), name, label in pairs]
        if not rows:
            raise InputError(f'{path}: a header and no clip. Expected one row for each clip.')
        return rows
    # Not splitlines, which ends rows within captions, too: at vertical tabs, at Unicode's own line ends.
    rows = [(line, row) for line, row in enumerate(io.StringIO(text, newline=None), 1) if row.strip()]
    if not rows:
        raise InputError(f'{path}: no clip is listed. Expected one row for each clip.')
    return rows


def _find_form(rows: list[tuple[int, str]], path: str | Path) -> ListFormat:
    first = rows[0][1].strip()
    for form in FORMATS:
        if form.fits(first):
            return form
    known = '; '.join(f'{form.row} ({form.name})' for form in FORMATS)
    raise InputError(f'{path}:{rows[0][0]}: {first[:80]!r} is a row of no known form. {EXPECTED} Known without it are: '
                     f'{known}.')


def _parse(form: ListFormat, text: str, path: str | Path, line: int) -> OfficialClip:
    if not form.fits(text):
        raise InputError(f'{path}:{line}: {text.strip()[:80]!r} does not have the form of the rows above it: '
                         f'{form.row} ({form.name}). Correct the row, or take it out.')
    return form.parse(line, text)


def _first_number(clips: list[OfficialClip], schema: LabelSchema, path: str | Path, given: int | None,
                  choice: str) -> int:
    numbers = {int(clip.label) for clip in clips}
    count = len(schema.classes)
    fitting = [first for first in (0, 1) if all(first <= number < first + count for number in numbers)]
    if given is not None and given in fitting:
        return given
    if len(fitting) == 1 and given is None:
        return fitting[0]
    found = f'labels {min(numbers)} to {max(numbers)} found'
    if fitting and given is None:
        raise InputError(f'{path}: {found}: with {count} classes of {schema.title} they may count from 0 or from 1. '
                         f'Say which: {choice}. (A whole list tells by itself.)')
    firsts = (0, 1) if given is None else (given,)
    expected = ' or '.join(f'{first} to {first + count - 1}' for first in firsts)
    raise InputError(f'{path}: {found}, {expected} expected for the {count} classes of {schema.title}. Name the data '
                     'set and the kind of labels (single or compound) that the list is of.')


def _class_of_name(clip: OfficialClip, schema: LabelSchema, path: str | Path) -> str:
    try:
        return schema.classes[schema.label(clip.label)]
    except InputError as error:
        raise InputError(f'{path}:{clip.line}: {error}') from error
