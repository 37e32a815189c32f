"""Rows of results as a table: csv, parquet."""
from claip_emo_mm.errors import printable
from claip_emo_mm.structures import EmotionResult

_LAST = ('warnings', 'data', 'note')
WHOLE_FRAME = 0  # in place of the number of a person: numbers stay whole where a row has none


def table_columns(result: EmotionResult) -> dict[str, type]:
    """Name and type of each column; a score has the name of its class."""
    fixed = dict(file=str, from_s=float, to_s=float, person=int, left=float, top=float, width=float, height=float,
                 emotion=str, unsure=bool, seen_ratio=float)
    names = {name: f'score_{name}' if name in fixed or name in _LAST else name for name in result.classes}
    return {**fixed, **{names[name]: float for name in result.classes}, **dict.fromkeys(_LAST, str)}


def table_rows(result: EmotionResult) -> list[list[object]]:
    """The rows of a result, with a value of each column of `table_columns`; None where there is no box.

    ``file`` is the result's name, ``person`` is 0 for the whole frame and for audio alone, ``emotion`` is the best
    class, sure or not.

    Raises:
        InputError: a score is infinite or NaN.
    """
    result.check_finite()
    return [[printable(result.name), row.from_s, row.to_s, row.person or WHOLE_FRAME, *(row.box or [None] * 4), row.top,
             row.unsure, row.seen_ratio, *(row.scores[name] for name in result.classes), '; '.join(row.warnings),
             result.model.data, result.note] for row in result.rows]


def csv_rows(result: EmotionResult) -> list[list[object]]:
    """`table_rows` as text: times to 1 ms, scores to 6 places, ``unsure`` as 1 or 0, nothing where there is no box."""
    formats = dict(from_s='.3f', to_s='.3f', left='.4f', top='.4f', width='.4f', height='.4f', seen_ratio='.3f')
    columns = table_columns(result)
    return [[_cell(value, kind, formats.get(name, '.6f'))
             for (name, kind), value in zip(columns.items(), row, strict=True)] for row in table_rows(result)]


def _cell(value: object, kind: type, form: str) -> object:
    if value is None:
        return ''
    return int(value) if kind is bool else f'{value:{form}}' if kind is float else value
