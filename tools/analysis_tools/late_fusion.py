"""Fuse the scores of several models: python tools/analysis_tools/late_fusion.py SCORES SCORES ... [--weights W W
...].
"""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli import skip_models
from claip_emo_cli.run import run


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Average the scores of several models on the same clips, and print WAR and UAR '
                                        'of each and of all together. Logits are converted to probabilities.')
    parser.add_argument('scores', type=Path, nargs='+', metavar='SCORES',
                        help="test_scores.csv of tools/test.py, or a pickle of --dump, also of MMAction2's models")
    how = parser.add_mutually_exclusive_group()
    how.add_argument('--weights', type=float, nargs='+', metavar='W', help='one for each file (default: equal ones)')
    how.add_argument('--search', type=Path, nargs='+', metavar='SCORES',
                     help='find the weights on these files: of the same models, in this order, on other clips')
    parser.add_argument('--out', type=Path, metavar='CSV', help='write the fused scores of every clip')
    args = parser.parse_args()
    if len(args.scores) < 2:
        parser.error('at least two files are needed')
    return args


if __name__ == '__main__':
    args = parse_args()  # --help and wrong arguments are answered before the imports, which take seconds
    skip_models(*args.scores, *args.search or ())

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import emotion_metrics, write_clip_scores
from claip_emo_mm.evaluation.comparison import align, fuse, search_weights, shared_clips
from claip_emo_mm.evaluation.predictions import ClipScores, read_scores
from claip_emo_mm.utils.io import check_writable


def main() -> None:
    args = parse_args()
    if args.out:
        check_writable(args.out)
    several = align([read_scores(path) for path in args.scores], args.scores)
    weights = args.weights or (1.,) * len(several)
    if args.search:
        weights = _found_weights(args, several)
    fused = fuse(several, weights)
    names = [*map(str, args.scores), 'fused: ' + ' '.join(f'{weight / sum(weights):.2f}' for weight in weights)]
    wide = max(map(len, names))
    sys.stdout.write(f'{"model".ljust(wide)}   WAR %   UAR %\n')
    for name, clips in zip(names, [*several, fused], strict=True):
        metrics = emotion_metrics(clips.labels, clips.scores).recalls
        sys.stdout.write(f'{name.ljust(wide)}  {metrics.war:6.2f}  {metrics.uar:6.2f}\n')
    if args.out:
        write_clip_scores(args.out, fused)
        sys.stdout.write(f'{args.out} written\n')


def _found_weights(args: Namespace, tested: list[ClipScores]) -> tuple[float, ...]:
    if len(args.search) != len(args.scores):
        raise InputError(f'--search names {len(args.search)} files for {len(args.scores)} models. Give one for each, '
                         'in the same order.')
    others = align([read_scores(path) for path in args.search], args.search)
    common = shared_clips(tested, others)
    if common:
        raise InputError(f'--search: {len(common)} clips are among those whose metrics are reported, such as '
                         f'{min(common)}. Weights that are chosen on the test clips make the metrics too good: search '
                         'them on a validation split.')
    return search_weights(others)


if __name__ == '__main__':
    run(main)
