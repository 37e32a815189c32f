"""Find what would go wrong with the data of a config, before training: python tools/check_data.py CONFIG."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, output_folder


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Check the lists and files of a config: classes and counts, missing, broken, '
                                        'repeated and identical clips, clips in training and test, audio, faces. Ends '
                                        'with exit code 1 where training would be wrong. An interrupted check resumes '
                                        'when it is started again.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('--fix', action='store_true',
                        help='write corrected lists beside the old ones: NAME.fixed.csv')
    parser.add_argument('--overwrite', action='store_true', help='with --fix: replace corrected lists that are there')
    parser.add_argument('--official-lists', type=Path, metavar='DIR',
                        help="folder of the lists of the data set's owners, to compare clips and labels with")
    parser.add_argument('--label-offset', type=int, choices=(0, 1),
                        help='with --official-lists: number of the first class, for short lists of numbers that do '
                             'not tell')
    parser.add_argument('--every-frame', action='store_true',
                        help='decode every frame, instead of the first, the middle and the last one of a clip')
    parser.add_argument('--no-faces', action='store_true', help='do not look whether the frames show faces')
    parser.add_argument('--out', type=output_folder, metavar='DIR',
                        help='folder for issues.csv, which names every clip (default: work_dirs/check_data/NAME of '
                             'the config)')
    parser.add_argument('--workers', type=int, default=min(8, os.cpu_count() or 1),
                        help='processes at most (default: %(default)s)')
    add_cfg_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.data_checks.check_data import check_data, format_table, write_issues
from claip_emo_mm.data_checks.checked_split import ERROR
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config


def main() -> int:
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    out = args.out or Path('work_dirs', 'check_data', Path(args.config).stem)
    check = check_data(cfg, out / 'clips.jsonl', args.workers, args.official_lists, args.every_frame, not args.no_faces,
                       first_number=args.label_offset)
    write_issues(out / 'issues.csv', check.issues)
    sys.stdout.write(f'{format_table(check.issues)}\nEvery clip that is concerned: {out / "issues.csv"}\n')
    if args.fix:
        fixed = check.write_fixed_lists(args.overwrite)
        for split, (path, left_out) in fixed.items():
            sys.stdout.write(f'{path} written without {left_out} of {len(split.clips)} clips: '
                             f'--cfg-options {split.name}_dataloader.dataset.ann_file={path.resolve()}\n')
        if not fixed:
            sys.stdout.write('No list had to be corrected.\n')
    return int(any(issue.severity == ERROR for issue in check.issues))


if __name__ == '__main__':
    run(main)
