"""Make data sets ready: one subcommand per data set."""
import argparse
import csv
import logging
import os
import sys
from pathlib import Path

from claip_emo_mm.command_line import run
from claip_emo_mm.data_preparation import make_toy_set
from claip_emo_mm.data_preparation.toy import DEFAULT_CLIPS

_CONFIG = 'configs/claip_emo_tiny_toy.py'
_CONFIG_DATA_ROOT = Path('data/toy')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    datasets = parser.add_subparsers(dest='dataset', required=True, metavar='DATASET')
    _add_toy(datasets.add_parser(
        'toy', help='draw talking faces with a voice: seven emotions, nothing to download',
        description='Draw talking faces with a voice. The face alone tells four groups of the seven emotions apart, '
                    'the voice alone three, both together all seven. No face, voice or utterance of one part is met in '
                    'another. An interrupted run goes on when it is started again.'))
    return parser.parse_args()


def _add_toy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, default=_CONFIG_DATA_ROOT,
                        help='folder for the clips and their lists (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='the same seed makes the same clips (default: %(default)s)')
    parser.add_argument('--clips', type=int, nargs=3, default=DEFAULT_CLIPS, metavar=('TRAIN', 'VAL', 'TEST'),
                        help='clips in each part, rounded up to whole people who show each emotion once '
                             f'(default: {" ".join(map(str, DEFAULT_CLIPS))})')
    parser.add_argument('--workers', type=int, default=min(8, os.cpu_count() or 1),
                        help='processes at most (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace a toy set that was made with other settings')
    parser.set_defaults(prepare=_prepare_toy)


def _prepare_toy(args: argparse.Namespace) -> None:
    lists = make_toy_set(args.out, args.seed, tuple(args.clips), args.workers, args.overwrite)
    _say(f'Toy set ready in {args.out}:')
    for part, path in lists.items():
        with path.open(encoding='utf-8', newline='') as file:
            people = [row['identity'] for row in csv.DictReader(file)]
        _say(f'  {part:5}  {len(people):4} clips of {len(set(people)):3} people   {path}')
    if args.out == _CONFIG_DATA_ROOT:
        _say(f'Next: python tools/train.py {_CONFIG}')
    else:
        _say(f'Next: set data_root to {args.out} in a copy of {_CONFIG}, and give the copy to tools/train.py')


def _say(line: str) -> None:
    sys.stdout.write(f'{line}\n')


def main() -> None:
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    args = parse_args()
    args.prepare(args)


if __name__ == '__main__':
    run(main)
