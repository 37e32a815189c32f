"""Files of results for other tools: per input by suffix, and over a folder."""
from collections.abc import Callable
from pathlib import Path

from claip_emo_mm.structures import EmotionResult

from .elan import write_eaf
from .folder import check_folder_files, read_results, write_summary
from .html import REPORT_FILE, write_report
from .parquet import import_pyarrow, write_parquet
from .schema import result_schema
from .subtitles import write_srt, write_vtt
from .table import csv_rows, table_columns, table_rows
from .textgrid import write_textgrid


def write_timeline(path: Path, result: EmotionResult) -> None:
    """Write the timeline as the suffix of the file says: svg or pdf, for print and for editing."""
    from claip_emo_mm.visualization.plots import write_figure  # with all of matplotlib
    from claip_emo_mm.visualization.timeline import plot_timeline
    write_figure(path, plot_timeline(result))


# Suffix of a file -> writes it; besides json, csv and png, which every result has.
FORMATS: dict[str, Callable[[Path, EmotionResult], None]] = {
    'eaf': write_eaf, 'parquet': write_parquet, 'pdf': write_timeline, 'srt': write_srt, 'svg': write_timeline,
    'TextGrid': write_textgrid, 'vtt': write_vtt}
PLOT_FORMATS = ('pdf', 'svg')  # the others can be written from a result's json file

__all__ = ['FORMATS', 'PLOT_FORMATS', 'REPORT_FILE', 'check_folder_files', 'csv_rows', 'import_pyarrow', 'read_results',
           'result_schema', 'table_columns', 'table_rows', 'write_eaf', 'write_parquet', 'write_report', 'write_srt',
           'write_summary', 'write_textgrid', 'write_timeline', 'write_vtt']
