"""Compare two models on the same clips: python tools/analysis_tools/compare.py SCORES SCORES [--out CSV]."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli import skip_models
from claip_emo_cli.run import run


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Report how the second model differs from the first, with intervals of a '
                                        "paired bootstrap and McNemar's test, and which clips changed.")
    parser.add_argument('first', type=Path, help='test_scores.csv of tools/test.py, or a pickle of --dump')
    parser.add_argument('second', type=Path, help='of another model on the same clips')
    parser.add_argument('--n-bootstrap', type=int, default=2000, help='bootstrap repetitions (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the bootstrap (default: %(default)s)')
    parser.add_argument('--out', type=Path, metavar='CSV', help='write the clips that one of the two alone gets right')
    args = parser.parse_args()
    if args.n_bootstrap < 1:
        parser.error(f'--n-bootstrap {args.n_bootstrap}: expected 1 or more')
    return args


if __name__ == '__main__':
    args = parse_args()  # --help and wrong arguments are answered before the imports, which take seconds
    skip_models(args.first, args.second)

import numpy as np

from claip_emo_mm.evaluation import emotion_metrics
from claip_emo_mm.evaluation.comparison import align, compare_pair
from claip_emo_mm.evaluation.predictions import ClipScores, read_scores
from claip_emo_mm.utils.io import check_writable, write_csv


def main() -> None:
    args = parse_args()
    if args.out:
        check_writable(args.out)
    files = [args.first, args.second]
    first, second = align([read_scores(path) for path in files], files)
    metrics = [emotion_metrics(clips.labels, clips.scores).recalls for clips in (first, second)]
    found = compare_pair(first, second, args.n_bootstrap, args.seed)
    sys.stdout.write('       first  second  difference (95 % interval of a paired bootstrap)\n')
    for name, difference, (low, high) in (('war', found.war, found.war_interval),
                                          ('uar', found.uar, found.uar_interval)):
        values = '  '.join(f'{getattr(metric, name):6.2f}' for metric in metrics)
        sys.stdout.write(f'{name.upper()}  {values}  {difference:+6.2f} ({low:+.2f} to {high:+.2f})\n')
    sys.stdout.write(f'{len(first.names)} clips: {found.only_first} right by the first alone, {found.only_second} by '
                     f"the second alone; McNemar's exact test: p = {found.p_value:.2g}\n")
    if args.out:
        rows = changed_clips(first, second)
        write_csv(args.out, ('clip', 'label', 'first', 'second', 'right'), rows)
        sys.stdout.write(f'{args.out}: {len(rows)} clips\n')


def changed_clips(first: ClipScores, second: ClipScores) -> list[tuple[str, str, str, str, str]]:
    """Clip, label, both predictions and who is right, of the clips that one of the two alone gets right."""
    taken = np.stack([clips.scores.argmax(axis=1) for clips in (first, second)])  # (2, clips)
    right = taken == first.labels
    return [(first.names[place], *(first.classes[label] for label in (first.labels[place], *taken[:, place])),
             'second' if right[1, place] else 'first') for place in np.flatnonzero(right[0] != right[1])]


if __name__ == '__main__':
    run(main)
