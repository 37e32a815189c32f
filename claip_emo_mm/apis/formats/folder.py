"""What a folder of results says as a whole: one table over files and people."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claip_emo_mm.apis.formats.html import GENERATOR, REPORT_FILE
from claip_emo_mm.apis.formats.table import WHOLE_FRAME
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import UNSURE
from claip_emo_mm.structures.results import SCHEMA_VERSION
from claip_emo_mm.utils.file_errors import reading
from claip_emo_mm.utils.io import read_json, write_csv

SUMMARY_FILE = 'summary.csv'
_COLUMNS = ('file', 'person', 'emotion', 'score', 'unsure', 'seen_s', 'duration_s')  # the first ones
_HEAD_BYTES = 1000


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Read the json files of results in a folder, by the name of the input; others, and older ones, are skipped."""
    found = (dict(read_json(path), json=path.name) for path in folder.glob('*.json'))
    return sorted((each for each in found if each.get('schema_version') == SCHEMA_VERSION and 'made_from' in each),
                  key=lambda each: (each['input'], each['json']))


def write_summary(folder: Path, results: Sequence[dict[str, Any]]) -> Path:
    """Write summary.csv atomically: a row per file and person, with seconds and the ratio of time of each verdict.

    ``person`` is 0 for the whole frame and for audio alone. A class that a model does not have has an empty ratio.
    """
    classes = list(dict.fromkeys(name for result in results for name in result['scores']))
    verdicts = [*classes, *[UNSURE] * (UNSURE not in classes)]
    rows = []
    for result in results:
        for person in result['people']:
            ratios = [f'{person["time_ratio"].get(verdict, 0.):.4f}' if verdict in (*result['scores'], UNSURE) else ''
                      for verdict in verdicts]
            rows.append([result['input'], person['person'] or WHOLE_FRAME, person['top'],
                         f'{person["scores"][person["top"]]:.4f}', int(person['unsure']), f'{person["seen_s"]:.3f}',
                         f'{result["duration_s"]:.3f}', *ratios, result['model']['data'], result['note']])
    path = folder / SUMMARY_FILE
    write_csv(path, [*_COLUMNS, *(f'ratio_{verdict}' for verdict in verdicts), 'data', 'note'], rows)
    return path


def check_folder_files(folder: Path, html: bool) -> None:
    """Raise an InputError where the summary, or the html report, would replace a file of somebody else."""
    for name, mark in ((SUMMARY_FILE, ','.join(_COLUMNS)), *[(REPORT_FILE, GENERATOR)] * html):
        path = folder / name
        if path.is_file():
            with reading(path), path.open('rb') as file:
                head = file.read(_HEAD_BYTES)
            if mark.encode() not in head:
                raise InputError(f'{path}: is there already, and was not written by this tool, which would replace it. '
                                 'Rename it, or choose another --out.')
