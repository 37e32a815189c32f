"""Recognize the emotions in videos: python tools/infer.py INPUT... --checkpoint CKPT (or --zero-shot) --out DIR."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import os
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from claip_emo_cli.arguments import (
    add_live_arguments,
    add_model_arguments,
    check_live_arguments,
    is_live,
    output_folder,
)
from claip_emo_cli.choices import FACES, RESULT_FORMATS, UNSURE_MARGIN, UNSURE_SCORE

_RANKS = dict(none=(None, None), pytorch=('RANK', 'WORLD_SIZE'), slurm=('SLURM_PROCID', 'SLURM_NTASKS'))


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Write a table, a timeline and a json file for each video, and a summary over '
                                        'all; without --out, print the scores of every class, averaged over the video.')
    parser.add_argument('inputs', nargs='*', metavar='INPUT',
                        help='video, audio or image file of this machine, or a folder of them (images where it has '
                             'neither videos nor audio); addresses (https://...) are not downloaded, but see --stream')
    parser.add_argument('--out', type=output_folder,
                        help='folder for the results; existing results are skipped')
    parser.add_argument('--face', choices=FACES, default='largest',
                        help='which faces are cropped: one at a time, every one, or none (the whole frame)')
    parser.add_argument('--window-s', type=float, default=4., help='length of a window (default: %(default)s)')
    parser.add_argument('--stride-s', type=float, help='from window to window (default: half a window)')
    parser.add_argument('--unsure-score', type=float, default=UNSURE_SCORE, metavar='P',
                        help='a best score below it is no verdict: "unsure" (default: %(default)s)')
    parser.add_argument('--unsure-margin', type=float, default=UNSURE_MARGIN, metavar='P',
                        help='nor is one by less than this above the second (default: %(default)s)')
    parser.add_argument('--batch-size', type=int, default=8, help='windows at once (default: %(default)s)')
    parser.add_argument('--overlay', action='store_true', help='write the video with boxes and labels, too')
    parser.add_argument('--format', nargs='+', choices=(*RESULT_FORMATS, 'html'), default=[], metavar='FORMAT',
                        help=f'further files: {", ".join(RESULT_FORMATS)} for each input; html, one page on all of '
                             '--out')
    parser.add_argument('--overwrite', action='store_true', help='replace existing results')
    parser.add_argument('--launcher', choices=_RANKS, default='none',
                        help='distribute the inputs over the processes of torchrun or srun')
    add_live_arguments(parser)
    add_model_arguments(parser)
    args = parser.parse_args()
    check_live_arguments(parser, args)
    for name in ('overlay', 'format'):
        if getattr(args, name) and args.out is None:
            parser.error(f'--{name} needs --out')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.apis import EmotionInferencer, EmotionResult, EmotionRow
from claip_emo_mm.apis.inputs import find_files
from claip_emo_mm.apis.live_session import watch
from claip_emo_mm.apis.model_arguments import build_inferencer, model_options
from claip_emo_mm.apis.progress import progress_bar, write_line
from claip_emo_mm.apis.result_writer import ResultWriter
from claip_emo_mm.compat.console import log_to_stderr
from claip_emo_mm.compat.hub import local_path
from claip_emo_mm.engine.cli import run
from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.structures import VerdictRule
from claip_emo_mm.structures.results import person_name


def main() -> int:
    args = parse_args()
    args.rule = VerdictRule(args.unsure_score, args.unsure_margin)
    log_to_stderr('infer')  # the standard output is for the scores
    args.checkpoint = args.checkpoint and local_path(args.checkpoint)
    if is_live(args):
        return watch_live(args)
    rank, processes = place(args.launcher)
    files, unusable, left_out = find_files(args.inputs)
    failed = 0
    if rank == 0:
        failed = len(unusable)
        for reason in left_out:
            say(reason)
        for reason in unusable:
            say(f'error: {reason}')
    results = args.out and ResultWriter(
        args.out, files, Path(args.checkpoint) if args.checkpoint else None, overlay=args.overlay,
        formats=args.format, options=dict(face=args.face, window_s=args.window_s, stride_s=args.stride_s,
                                          unsure=[args.unsure_score, args.unsure_margin], **model_options(args)))
    own = files[rank::processes]
    if results is not None and not args.overwrite:
        for file in own:
            results.add_formats(file)
    waiting = [file for file in own if results is None or args.overwrite or not results.is_done(file)]
    if len(waiting) < len(own):
        say(f'{len(own) - len(waiting)} of {len(own)} inputs are done already (--overwrite makes them again)')
    try:
        if waiting or args.checkpoint and not os.path.isfile(args.checkpoint):
            failed += process(waiting, results, args)
    finally:  # interrupted, too
        if results is not None:
            results.write_summary()
    return 1 if failed_anywhere(args.launcher, failed) else 0


def watch_live(args: Namespace) -> int:
    """Print a line for each window of a camera, a microphone or a stream, while it runs."""
    watch(introduced(build_inferencer(args)), args, write_line)
    return 0


def introduced(infer: EmotionInferencer) -> EmotionInferencer:
    """Say what a model was trained on, and what speaks against it."""
    facts = infer.facts
    if facts.data:
        say(f'{facts.name}: trained on {facts.data}; its scores are {"" if facts.temperature else "not "}calibrated')
    if infer.note:
        say(f'warning: {infer.note}')
    return infer


def process(files: list[Path], results: ResultWriter | None, args: Namespace) -> int:
    """Process files one after the other; return how many failed: the others are still worth an answer."""
    infer = introduced(build_inferencer(args))
    failed = 0
    for number, file in enumerate(files, 1):
        try:
            process_file(infer, file, f'{number}/{len(files)}', results, args)
        except InputError as error:
            say(f'error: {error}')
            failed += 1
        except BrokenPipeError:  # nobody reads the results any more
            raise
        except Exception as error:  # also what nobody thought of ends with the file that it happened with
            where = traceback.extract_tb(error.__traceback__)[-1]
            reason = str(error).strip().partition('\n')[0]
            say(f'error: {file}: cannot be processed ({type(error).__name__}: {reason}, at {Path(where.filename).name}:'
                f'{where.lineno}). Convert the file again (mp4 with h264 and aac is safe); if that does not help, '
                'report this line.')
            failed += 1
    return failed


def process_file(infer: EmotionInferencer, file: Path, place: str, results: ResultWriter | None,
                 args: Namespace) -> None:
    """Recognize the emotions in a file, and write or print them."""
    with progress_bar(f'{place} {printable(file.name)}') as show:
        result = infer.infer(file, batch_size=args.batch_size, face=args.face, window_s=args.window_s,
                             stride_s=args.stride_s, rule=args.rule, progress=show,
                             on_row=row_printer(file) if results is None else None)
    warnings = list(result.warnings)
    if results is None:
        print_scores(file, result)
    else:
        with progress_bar(f'{place} writing {printable(file.name)}', args.overlay) as show:
            names = results.write(file, result, lambda time_s, whole_s=result.duration_s: show(time_s, whole_s),
                                  warnings.append)
        write_line(f'{printable(file)}: {result.summary()}; {", ".join(names)}')
    for warning in warnings:
        say(f'warning: {file}: {warning}')


def failed_anywhere(launcher: str, failed: int) -> int:
    """Return how many failed in all processes of torchrun, once all are through: it stops the others when one fails."""
    if launcher != 'pytorch':
        return failed
    import torch
    from torch import distributed
    distributed.init_process_group('gloo', timeout=timedelta(days=30))
    total = torch.tensor(failed)
    distributed.all_reduce(total)
    distributed.destroy_process_group()
    return int(total)


def place(launcher: str) -> tuple[int, int]:
    """Return the number of this process, and how many there are."""
    rank, processes = _RANKS[launcher]
    if rank is None:
        return 0, 1
    try:
        return int(os.environ[rank]), int(os.environ[processes])
    except (KeyError, ValueError) as error:
        starter = dict(pytorch='torchrun', slurm='srun')[launcher]
        raise InputError(f'--launcher {launcher}: {rank} and {processes} are not set. Start the processes with '
                         f'{starter}.') from error


def row_printer(file: Path) -> Callable[[EmotionRow], None]:
    """Make a function that prints the verdict on each window as it comes; nothing on a single one, which is the sum."""
    rows: list[EmotionRow] = []
    printed = 0

    def show(row: EmotionRow) -> None:
        nonlocal printed
        rows.append(row)
        if row.from_s > rows[0].from_s:
            if not printed:
                write_line(f'{printable(file)}:')
            for each in rows[printed:]:
                person = '' if each.person is None else f'person {each.person}  '
                write_line(f'  {each.from_s:8.2f} - {each.to_s:8.2f} s  {person}{each.label}')
            printed = len(rows)

    return show


def print_scores(file: Path, result: EmotionResult) -> None:
    write_line(f'{printable(file)}: {result.summary()}')
    width = max(map(len, result.classes))
    people = result.summaries()
    for each in people:
        if len(people) > 1:
            write_line(f'  {person_name(each.person)}, {each.seen_s:.1f} s')
        for name, score in sorted(each.scores.items(), key=lambda item: -item[1]):
            write_line(f'  {name:<{width}}  {100 * score:5.1f} %')


def say(line: str) -> None:
    sys.stderr.write(f'{printable(line)}\n')


if __name__ == '__main__':
    run(main)
