"""Recognize the emotions in videos: python tools/infer.py INPUT... --checkpoint CKPT (or --zero-shot) --out DIR."""
import os
import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed
from tqdm import tqdm

from claip_emo_mm.apis import EmotionInferencer, EmotionResult
from claip_emo_mm.apis.inferencer import FACES
from claip_emo_mm.apis.inputs import media_files
from claip_emo_mm.apis.model_arguments import add_model_arguments, build_inferencer, model_options
from claip_emo_mm.apis.result_writer import ResultWriter, is_overlay
from claip_emo_mm.compat.console import log_to_stderr
from claip_emo_mm.compat.hub import local_path
from claip_emo_mm.engine.cli import output_folder, run
from claip_emo_mm.errors import InputError, named, printable

_RANKS = dict(none=(None, None), pytorch=('RANK', 'WORLD_SIZE'), slurm=('SLURM_PROCID', 'SLURM_NTASKS'))


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Write a table, a timeline and a json file for each video; without --out, '
                                        'print the scores of every class, averaged over the video.')
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='video or audio file, or a folder of them')
    parser.add_argument('--out', type=output_folder,
                        help='folder for the results; existing results are skipped')
    parser.add_argument('--face', choices=FACES, default='largest',
                        help='which faces are cropped: one at a time, every one, or none (the whole frame)')
    parser.add_argument('--window-s', type=float, default=4., help='length of a window (default: %(default)s)')
    parser.add_argument('--stride-s', type=float, default=2., help='from window to window (default: %(default)s)')
    parser.add_argument('--batch-size', type=int, default=8, help='windows at once (default: %(default)s)')
    parser.add_argument('--overlay', action='store_true', help='write the video with boxes and labels, too')
    parser.add_argument('--overwrite', action='store_true', help='replace existing results')
    parser.add_argument('--launcher', choices=_RANKS, default='none',
                        help='distribute the inputs over the processes of torchrun or srun')
    add_model_arguments(parser)
    args = parser.parse_args()
    if args.overlay and args.out is None:
        parser.error('--overlay needs --out')
    return args


def main() -> int:
    args = parse_args()
    args.checkpoint = args.checkpoint and local_path(args.checkpoint)
    log_to_stderr('infer')  # the standard output is for the scores
    rank, processes = place(args.launcher)
    files, unusable = list_files(args.inputs)
    failed = 0
    if rank == 0:
        failed = len(unusable)
        for reason in unusable:
            say(f'error: {reason}')
    results = args.out and ResultWriter(
        args.out, files, Path(args.checkpoint) if args.checkpoint else None, overlay=args.overlay,
        options=dict(face=args.face, window_s=args.window_s, stride_s=args.stride_s, **model_options(args)))
    own = files[rank::processes]
    waiting = [file for file in own if results is None or args.overwrite or not results.is_done(file)]
    if len(waiting) < len(own):
        say(f'{len(own) - len(waiting)} of {len(own)} inputs are done already (--overwrite makes them again)')
    if waiting or args.checkpoint and not os.path.isfile(args.checkpoint):
        failed += process(waiting, results, args)
    return 1 if failed_anywhere(args.launcher, failed) else 0


def process(files: list[Path], results: ResultWriter | None, args: Namespace) -> int:
    """Process files one after the other; return how many failed: the others are still worth an answer."""
    infer = build_inferencer(args)
    if infer.note:
        say(infer.note)
    failed = 0
    for number, file in enumerate(files, 1):
        try:
            process_file(infer, file, f'{number}/{len(files)}', results, args)
        except InputError as error:
            say(f'error: {error}')
            failed += 1
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
    with bar(f'{place} {printable(file.name)}') as show:
        result = infer.infer(file, batch_size=args.batch_size, face=args.face, window_s=args.window_s,
                             stride_s=args.stride_s, progress=show)
    if results is None:
        print_scores(file, result)
    else:
        with bar(f'{place} writing {printable(file.name)}', args.overlay) as show:
            names = results.write(file, result, lambda time_s, whole_s=result.duration_s: show(time_s, whole_s))
        print(f'{printable(file)}: {result.summary()}; {", ".join(names)}', flush=True)
    for warning in result.warnings:
        say(f'warning: {file}: {warning}')


def failed_anywhere(launcher: str, failed: int) -> int:
    """Return how many failed in all processes of torchrun, once all are through: it stops the others when one fails."""
    if launcher != 'pytorch':
        return failed
    distributed.init_process_group('gloo', timeout=timedelta(days=30))
    total = torch.tensor(failed)
    distributed.all_reduce(total)
    distributed.destroy_process_group()
    return int(total)


def list_files(inputs: list[str]) -> tuple[list[Path], list[str]]:
    """Return the files, those of folders among them, each once; and why other inputs cannot be used."""
    files: list[Path] = []
    unusable = []
    for given in inputs:
        if not given:
            unusable.append("'': an input without a name. Expected a file or a folder; '.' is the current one.")
        elif '://' in given and not os.path.exists(given):
            unusable.append(f'{given}: is an address. Download the file, and name it.')
        elif is_overlay(Path(given)):
            unusable.append(f'{given}: is a copy with boxes and labels that this tool made. Name the video that it was '
                            'made of.')
        elif not os.path.isdir(given):
            files.append(Path(given))
        else:
            try:
                found = media_files(Path(given))
            except InputError as error:
                unusable.append(str(error))
                continue
            copies = [file for file in found if is_overlay(file)]
            if copies:
                say(f'{given}: left out are copies with boxes and labels that this tool made: {named(copies)}')
            found = [file for file in found if file not in copies]
            if not found:
                unusable.append(f'{given}: no video or audio in this folder')
            files.extend(found)
    return list(dict.fromkeys(files)), unusable


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


@contextmanager
def bar(title: str, is_shown: bool = True) -> Iterator[Callable[[float, float | None], None]]:
    """Give a function that moves a bar in seconds of the video; it takes the time that is done and the length."""
    form = '{desc} {percentage:3.0f}% {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]'
    with tqdm(desc=title, total=1., bar_format=form, leave=False, disable=None if is_shown else True) as shown:
        def show(time_s: float, duration_s: float | None) -> None:
            shown.total = max(duration_s or 0., time_s)
            shown.update(time_s - shown.n)
        yield show


def print_scores(file: Path, result: EmotionResult) -> None:
    print(f'{printable(file)}{f" [{result.kind}]" * bool(result.note)}')
    width = max(map(len, result.classes))
    people = result.tops()
    for person in people:
        if len(people) > 1:
            print('  whole frame' if person is None else f'  person {person}')
        for name, score in sorted(result.scores_of(person).items(), key=lambda item: -item[1]):
            print(f'  {name:<{width}}  {100 * score:5.1f} %')


def say(line: str) -> None:
    sys.stderr.write(f'{printable(line)}\n')


if __name__ == '__main__':
    run(main)
