"""Apache Parquet: the table with its types, for pandas, polars, R and others."""
from pathlib import Path
from typing import Any

from claip_emo_mm.apis.formats.table import table_columns, table_rows
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.utils.io import atomic_write


def write_parquet(path: Path, result: EmotionResult) -> None:
    """Write the table atomically.

    Raises:
        InputError: pyarrow is not installed.
    """
    pyarrow = import_pyarrow()
    types = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in table_columns(result).items()])
    columns = zip(*table_rows(result), strict=True)
    table = pyarrow.table([pyarrow.array(column, each.type) for column, each in zip(columns, schema, strict=True)],
                          schema=schema)
    with atomic_write(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def import_pyarrow() -> Any:
    """Import pyarrow, or raise an InputError that says how to install it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError('--format parquet needs pyarrow, which is not installed: pip install pyarrow') from error
    return pyarrow
