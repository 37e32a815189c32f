"""One page on all results of a folder: a file that a browser opens without a network."""
import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from claip_emo_mm.structures.results import person_name
from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.version import INTENDED_USE

REPORT_FILE = 'report.html'
GENERATOR = '<meta name="generator" content="claip_emo_mm">'  # by which the file is known again
_STYLE = '''
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 70rem; margin: 0 auto;
  padding: 1rem; }
h2 { margin-top: 2.5rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid #767676; padding: .25rem .6rem; text-align: left; vertical-align: top; }
th { background: #eee; }
img { max-width: 100%; height: auto; }
.note { border-left: .4rem solid #8a4b00; padding-left: .8rem; }
.unsure { font-style: italic; }
'''


def write_report(folder: Path, results: Sequence[Mapping[str, Any]]) -> Path:
    """Write report.html atomically: a table over files and people, then each file's timeline, warnings and windows.

    Args:
        folder: where the json and png files of the results are.
        results: as `read_results` gives them.
    """
    path = folder / REPORT_FILE
    with atomic_write(path) as temporary, temporary.open('w', encoding='utf-8') as file:
        for text in _page(folder, results):
            file.write(text)
    return path


def _page(folder: Path, results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{GENERATOR}\n<meta name="viewport" '
           f'content="width=device-width, initial-scale=1">\n<title>Emotions in {len(results)} files</title>\n'
           f'<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Emotions in {len(results)} files</h1>\n'
           f'<p>{escape(INTENDED_USE)}</p>\n')
    for note in dict.fromkeys(result['note'] for result in results if result['note']):
        yield f'<p class="note"><strong>{escape(note)}</strong></p>\n'
    yield from _table(('file', 'person', 'verdict', 'seen', 'ratio of the time', 'trained on'), (
        [f'<a href="#file{number}">{escape(result["input"])}</a>', person_name(person['person']), _verdict(person),
         f'{person["seen_s"]:.1f} s', _ratios(person['time_ratio']), escape(result['model']['data'])]
        for number, result in enumerate(results, 1) for person in result['people']))
    for number, result in enumerate(results, 1):
        yield from _file(folder, number, result)
    yield '</main>\n</body>\n</html>\n'


def _file(folder: Path, number: int, result: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section>\n<h2 id="file{number}">{escape(result["input"])}</h2>\n'
    model = result['model']
    trained = f', trained on {model["data"]}' if model['data'] else ''
    calibrated = 'calibrated' if model['temperature'] else 'not calibrated'
    yield f'<p>{result["duration_s"]:.1f} s. Model: {escape(model["name"] + trained)}; scores are {calibrated}.</p>\n'
    if result['note']:
        yield f'<p class="note">{escape(result["note"])}</p>\n'
    if result['warnings']:
        lines = ''.join(f'<li>{escape(warning)}</li>\n' for warning in result['warnings'])
        yield f'<ul>\n{lines}</ul>\n'
    image = (folder / result['json']).with_suffix('.png')
    if image.is_file():
        said = '; '.join(f'{person_name(person["person"])}: {_ratios(person["time_ratio"], escaped=False)}'
                         for person in result['people'])
        data = base64.b64encode(image.read_bytes()).decode('ascii')
        yield (f'<img alt="{escape(f"Scores over time. Ratio of the time, {said}")}" '
               f'src="data:image/png;base64,{data}">\n')
    yield f'<details>\n<summary>{len(result["rows"])} windows</summary>\n'
    yield from _table(('from', 'to', 'person', 'verdict', 'scores', 'warnings'), (
        [_time(row['from_s']), _time(row['to_s']), person_name(row['person']), _verdict(row),
         escape(', '.join(f'{name} {100 * score:.0f} %' for name, score in _best(row['scores']))),
         escape('; '.join(row['warnings']))] for row in result['rows']))
    yield '</details>\n</section>\n'


def _table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    names = ''.join(f'<th scope="col">{name}</th>' for name in header)
    yield f'<table>\n<thead><tr>{names}</tr></thead>\n<tbody>\n'
    for row in rows:
        yield f'<tr>{"".join(f"<td>{cell}</td>" for cell in row)}</tr>\n'
    yield '</tbody>\n</table>\n'


def _verdict(judged: Mapping[str, Any]) -> str:
    text = escape(f'{judged["top"]} {100 * judged["scores"][judged["top"]]:.0f} %')
    return f'<span class="unsure">unsure: {text}</span>' if judged['unsure'] else text


def _ratios(ratios: Mapping[str, float], escaped: bool = True) -> str:
    text = ', '.join(f'{verdict} {100 * ratio:.0f} %' for verdict, ratio in _best(ratios))
    return escape(text) if escaped else text


def _best(scores: Mapping[str, float], most: int = 5) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: -item[1])[:most]


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f'{minutes:.0f}:{rest:04.1f}'
