"""Plot a confusion matrix: python tools/analysis_tools/confusion_matrix.py SCORES --out PNG."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from claip_emo_cli import skip_models
from claip_emo_cli.arguments import png_file
from claip_emo_cli.run import run


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Plot the confusion matrix of a test.')
    parser.add_argument('scores', type=Path, help='test_scores.csv of tools/test.py, or a pickle of --dump')
    parser.add_argument('--out', type=png_file, required=True, metavar='PNG', help='plot to write')
    parser.add_argument('--classes', metavar='SET', help='data set that names the classes of a pickle: dfew, mafw, '
                                                         'mafw_compound')
    parser.add_argument('--title', help='above the plot (default: WAR and UAR)')
    return parser.parse_args()


if __name__ == '__main__':
    args = parse_args()  # --help and wrong arguments are answered before the imports, which take seconds
    skip_models(args.scores)

from claip_emo_mm.evaluation import classification_metrics
from claip_emo_mm.evaluation.predictions import read_scores
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.visualization import plot_confusion_matrix
from claip_emo_mm.visualization.plots import write_figure


def _class_names(args: Namespace) -> Sequence[str] | None:
    if args.classes is None or args.scores.suffix == '.csv':  # which holds them
        return None
    from claip_emo_mm.datasets.labels import get_schema
    return get_schema(args.classes).classes


def main() -> None:
    args = parse_args()
    check_writable(args.out)
    clips = read_scores(args.scores, _class_names(args))
    metrics = classification_metrics(clips.labels, clips.scores.argmax(axis=1), len(clips.classes))
    title = f'WAR {metrics.war:.2f}   UAR {metrics.uar:.2f}' if args.title is None else args.title
    write_figure(args.out, plot_confusion_matrix(metrics.confusion, clips.classes, title))
    sys.stdout.write(f'{args.out}: {len(clips.names)} clips, WAR {metrics.war:.2f}, UAR {metrics.uar:.2f}\n')


if __name__ == '__main__':
    run(main)
