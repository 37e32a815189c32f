"""csv, parquet, and the summary over a folder."""
import csv
import sys
from pathlib import Path

import pytest
from made_result import NOTE, make_result

from claip_emo_mm.apis.formats import csv_rows, read_results, table_columns, write_parquet, write_summary
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_json

NAME = '../talk & "more" 笑.mp4'


def test_csv_names_file_and_whole_numbers() -> None:
    rows = [dict(zip(table_columns(make_result()), row, strict=True)) for row in csv_rows(make_result())]
    assert [row['person'] for row in rows] == [1, 2, 1, 0]
    assert rows[1] == dict(
        file=NAME, from_s='0.000', to_s='4.000', person=2, left='0.6000', top='0.2000',
        width='0.3000', height='0.4000', emotion='happy', unsure=1, seen_ratio='0.120', happy='0.520000',
        warnings='visible in 12 % of the window', data='drawn faces', note=NOTE, **{'in pain': '0.480000'})
    assert [rows[3][name] for name in ('left', 'top', 'width', 'height')] == [''] * 4


def test_a_class_that_is_called_as_a_column() -> None:
    result = make_result()
    result.classes = ['happy', 'unsure']
    for row in result.rows:
        row.scores = dict(happy=.6, unsure=.4)
    row = dict(zip(table_columns(result), csv_rows(result)[0], strict=True))
    assert (row['unsure'], row['score_unsure'], row['happy']) == (0, '0.400000', '0.600000')


def test_parquet_keeps_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip('pyarrow.parquet')
    write_parquet(tmp_path / 'a.parquet', make_result())
    table = parquet.read_table(tmp_path / 'a.parquet')
    types = {field.name: str(field.type) for field in table.schema}
    assert (types['person'], types['unsure'], types['from_s'], types['file']) == ('int64', 'bool', 'double', 'string')
    rows = table.to_pylist()
    assert [row['person'] for row in rows] == [1, 2, 1, 0]
    assert [row['unsure'] for row in rows] == [False, True, False, False]
    assert rows[3]['left'] is None and rows[0]['left'] == .1 and rows[2]['in pain'] == .9
    assert {row['data'] for row in rows} == {'drawn faces'}


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(InputError, match='--format parquet needs pyarrow, .*pip install pyarrow'):
        write_parquet(tmp_path / 'a.parquet', make_result())
    assert not list(tmp_path.iterdir())


def test_summary_of_a_folder(tmp_path: Path) -> None:
    write_json(tmp_path / 'b.json', dict(make_result().to_dict(), made_from={}))
    other = make_result(note='')
    other.name, other.people, other.rows = 'a.wav', [], other.rows[3:]
    write_json(tmp_path / 'a.json', dict(other.to_dict(), made_from={}))
    write_json(tmp_path / 'foreign.json', dict(schema_version=1))
    write_json(tmp_path / 'older.json', dict(other.to_dict(), made_from={}, schema_version=0))
    write_summary(tmp_path, read_results(tmp_path))
    with (tmp_path / 'summary.csv').open(encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['file'], row['person'], row['emotion'], row['unsure'], row['seen_s']) for row in rows] == [
        (NAME, '1', 'in pain', '0', '6.000'), (NAME, '2', 'happy', '1', '0.500'), (NAME, '0', 'happy', '0', '0.500'),
        ('a.wav', '0', 'happy', '0', '0.500')]
    assert [row['ratio_happy'] for row in rows] == ['0.5000', '0.0000', '1.0000', '1.0000']
    assert [row['ratio_unsure'] for row in rows] == ['0.0000', '1.0000', '0.0000', '0.0000']
    assert [row['data'] for row in rows] == ['drawn faces'] * 4 and [row['note'] for row in rows] == [NOTE] * 3 + ['']
