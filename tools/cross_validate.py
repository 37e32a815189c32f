"""Train and test the folds of a config: python tools/cross_validate.py CONFIG --folds 1-5."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from claip_emo_cli.arguments import add_cfg_options
from claip_emo_cli.choices import PROTOCOLS
from claip_emo_cli.run import FAILED


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train and test each fold, and put the metrics into one table: results.txt, .md, .csv and .json in '
                    'the work folder, with a plot of the pooled confusion matrix. The same command resumes after '
                    'any stop: finished folds are not done again, and an unfinished one is resumed.')
    parser.add_argument('config', help='config file with a fold, such as configs/claip_emo_tiny_toy_folds.py')
    parser.add_argument('--folds', type=_folds, default=tuple(range(1, 6)), metavar='N|N-M|N,M',
                        help='folds to train and test (default: 1-5)')
    parser.add_argument('--protocols', nargs='+', choices=list(PROTOCOLS), default=list(PROTOCOLS),
                        help='; '.join(f'{name}: {what}' for name, what in PROTOCOLS.items())
                             + ' (default: both, from one training)')
    parser.add_argument('--val-ratio', type=float, default=0., metavar='RATIO',
                        help='hold this ratio of the training clips of each class out of training; clean then takes '
                             'the best epoch on them (default: none; clean takes the last epoch)')
    parser.add_argument('--val-seed', type=int, default=0, metavar='N',
                        help='decides which clips are held out (default: %(default)s)')
    parser.add_argument('--gpus', type=int, default=1, metavar='N',
                        help='processes of each training, one for each GPU (default: %(default)s)')
    parser.add_argument('--work-dir', type=Path, metavar='DIR',
                        help='folder for everything (default: ./work_dirs/<config name>_cross_validation)')
    add_cfg_options(parser, 'change keys of the config, for all folds: a.b=1 c="[1,2]" (no blanks inside a value)')
    args = parser.parse_args()
    if args.gpus < 1:
        parser.error(f'--gpus {args.gpus}: expected 1 or more')
    if not 0 <= args.val_ratio < 1:
        parser.error(f'--val-ratio {args.val_ratio}: expected a ratio from 0, such as 0.1')
    return args


def _folds(text: str) -> tuple[int, ...]:
    folds: set[int] = set()
    for item in text.split(','):
        first, _, last = item.partition('-')
        folds.update(range(int(first), int(last or first) + 1))
    if not folds or min(folds) < 1:
        raise argparse.ArgumentTypeError(f'{text}: expected folds from 1, as 1-5 or 1,3')
    return tuple(sorted(folds))


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from tqdm import tqdm

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.cross_validation.report import write_report
from claip_emo_mm.engine.cross_validation.run import CrossValidation
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import writing_to
from claip_emo_mm.utils.io import check_writable

_TERMINATED = 128 + signal.SIGTERM


def main() -> int:
    args = parse_args()
    signal.signal(signal.SIGTERM, _terminate)
    work_dir = args.work_dir or Path('work_dirs', f'{Path(args.config).stem}_cross_validation')
    protocols = [name for name in PROTOCOLS if name in args.protocols]
    validation = CrossValidation(args.config, args.cfg_options or {}, args.folds, protocols, work_dir,
                                 Path(__file__).resolve().parent, args.gpus, args.val_ratio, args.val_seed)
    check_writable(work_dir, is_folder=True)
    with writing_to(work_dir, 'Make room; the same command goes on with what is missing.'):
        return cross_validate(validation)


def cross_validate(validation: CrossValidation) -> int:
    """Do what is missing of each fold, and write and print the report."""
    validation.prepare()
    validation.extract_features(lambda text: tqdm.write(text, sys.stderr))
    done = len(validation.finished_folds())
    with tqdm(total=len(validation.folds), initial=done, unit='fold', mininterval=0) as bar:
        def show(fold: int, how_far: str) -> None:
            text = f'fold {fold}: {how_far}'
            if text != bar.desc.removesuffix(': '):
                bar.n = len(validation.finished_folds())
                bar.set_description(text)

        failed = validation.run(show)
        bar.n = len(validation.finished_folds())
        bar.set_description('folds')
    text = write_report(validation, failed)
    if text is None:
        reasons = '\n'.join(f'  fold {fold}: {reason}' for fold, reason in failed.items())
        raise InputError(f'{validation.work_dir}: no fold could be finished:\n{reasons}\nThe same command tries again.')
    sys.stdout.write(f'{text}\nWritten to {validation.work_dir / "results"}.txt, .md, .csv and .json\n')
    return FAILED if failed else 0


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(_TERMINATED)


if __name__ == '__main__':
    run(main)
