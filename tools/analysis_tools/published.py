"""Put results beside published ones: python tools/analysis_tools/published.py RESULTS.json CORPUS.json."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import datetime
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from claip_emo_cli import skip_models
from claip_emo_cli.run import run


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Print the results of a cross-validation below published results on the same '
                                        'data set, each with protocol, clips and date; also as Markdown and csv.')
    parser.add_argument('results', type=Path, help='results.json of tools/cross_validate.py')
    parser.add_argument('corpus', type=Path, help='corpus.json in the folder of the prepared data set')
    parser.add_argument('--drawn', action='store_true', help='the clips are drawn (tools/prepare_data.py toy --form)')
    return parser.parse_args()


if __name__ == '__main__':
    args = parse_args()  # --help and wrong arguments are answered before the imports, which take seconds
    skip_models(args.results, args.corpus)

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.published import reproduction_rows
from claip_emo_mm.evaluation.tables import markdown_table, text_table
from claip_emo_mm.utils.io import write_csv, write_text

_NOTE_DRAWN = ('The clips here are drawn, in the form of the real ones: the numbers say that everything runs, and '
               'nothing about real clips.')
_NOTE_PAPERS = 'How the published ones chose their epoch is for their papers to say.'


def main() -> None:
    args = parse_args()
    date = datetime.date.fromtimestamp(args.results.stat().st_mtime).isoformat() if args.results.is_file() else ''
    corpus, results = _read(args.corpus, 'protocol'), _read(args.results, 'protocols')
    rows = reproduction_rows(results, corpus, date, args.drawn)
    notes = [f'{corpus["title"]}: {corpus["protocol"]}. WAR and UAR in percent, mean over the folds.',
             *(f'{name}: {found["chosen"]}.' for name, found in results['protocols'].items()), _NOTE_PAPERS,
             *[_NOTE_DRAWN] * args.drawn]
    target = args.results.with_name('reproduction')
    write_text(target.with_suffix('.md'), '\n'.join([markdown_table(rows), '', *notes, '']))
    write_csv(target.with_suffix('.csv'), rows[0], rows[1:])
    sys.stdout.write('\n'.join([text_table(rows, left=2), '', *notes, f'Written to {target}.md and .csv', '']))


def _read(path: Path, key: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        content[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{path}: cannot be read ({type(error).__name__}: {error}). Expected results.json of '
                         'tools/cross_validate.py, and corpus.json of tools/prepare_data.py.') from error
    return content


if __name__ == '__main__':
    run(main)
