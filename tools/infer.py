"""Recognise the emotions in videos: python tools/infer.py INPUT... --checkpoint CKPT --out DIR."""
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmengine.logging import MMLogger
from tqdm import tqdm

from claip_emo_mm.apis import EmotionInferencer, EmotionResult
from claip_emo_mm.apis.emotion_inferencer import FACES, media_files
from claip_emo_mm.apis.result_folder import ResultFolder
from claip_emo_mm.command_line import run
from claip_emo_mm.engine.arguments import KeyValueAction
from claip_emo_mm.errors import InputError

_RANKS = dict(none=(None, None), pytorch=('RANK', 'WORLD_SIZE'), slurm=('SLURM_PROCID', 'SLURM_NTASKS'))


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Write a table, a timeline and a json file for each video; without --out, '
                                        'print the scores of every class, averaged over the video.')
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='video or sound file, or a folder of them')
    parser.add_argument('--checkpoint', required=True, help='checkpoint of a training, or a published one')
    parser.add_argument('--out', type=Path, help='folder for the results; what is done there already is left alone')
    parser.add_argument('--face', choices=FACES, default='largest',
                        help='which faces are cropped: one at a time, every one, or none (the whole picture)')
    parser.add_argument('--window-s', type=float, default=4., help='length of a window (default: %(default)s)')
    parser.add_argument('--stride-s', type=float, default=2., help='from window to window (default: %(default)s)')
    parser.add_argument('--batch-size', type=int, default=8, help='windows at once (default: %(default)s)')
    parser.add_argument('--overlay', action='store_true', help='write the video with boxes and labels, too')
    parser.add_argument('--overwrite', action='store_true', help='make results again that are there already')
    parser.add_argument('--launcher', choices=_RANKS, default='none',
                        help='share the inputs out over the processes of torchrun or srun')
    parser.add_argument('--device', help='where to compute, such as cuda:1 (default: a GPU where there is one)')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValueAction, metavar='KEY=VALUE',
                        help="change keys of the checkpoint's config, such as model.visual_backbone.pretrained=FILE")
    args = parser.parse_args()
    if args.overlay and args.out is None:
        parser.error('--overlay needs --out')
    return args


def main() -> int:
    args = parse_args()
    MMLogger.get_instance('infer', log_level='WARNING')  # the standard output is for the scores
    files, failed = list_files(args.inputs)
    results = args.out and ResultFolder(
        args.out, files, Path(args.checkpoint), overlay=args.overlay,
        options=dict(face=args.face, window_s=args.window_s, stride_s=args.stride_s,
                     cfg_options={key: str(value) for key, value in (args.cfg_options or {}).items()}))
    rank, processes = place(args.launcher)
    own = files[rank::processes]
    waiting = [file for file in own if results is None or args.overwrite or not results.is_done(file)]
    if len(waiting) < len(own):
        say(f'{len(own) - len(waiting)} of {len(own)} inputs are done already (--overwrite makes them again)')
    if not waiting and os.path.isfile(args.checkpoint):
        return 1 if failed else 0
    infer = EmotionInferencer(args.checkpoint, args.device, args.cfg_options)
    for number, file in enumerate(waiting, 1):
        try:
            result = watch(infer, file, f'{number}/{len(waiting)} {file.name}', args)
            if results is None:
                print_scores(file, result)
            else:
                print(f'{file}: {result.summary()}; {", ".join(results.write(file, result))}', flush=True)
            for warning in result.warnings:
                say(f'warning: {file}: {warning}')
        except InputError as error:  # the other files are still worth an answer
            say(f'error: {error}')
            failed += 1
    return 1 if failed else 0


def list_files(inputs: list[str]) -> tuple[list[Path], int]:
    """Return the files, those of folders among them, each once; and how many folders hold none."""
    files: list[Path] = []
    empty = 0
    for path in map(Path, inputs):
        found = media_files(path) if path.is_dir() else [path]
        if not found:
            say(f'error: {path}: no video or sound in this folder')
            empty += 1
        files.extend(found)
    return list(dict.fromkeys(files)), empty


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


def watch(infer: EmotionInferencer, file: Path, title: str, args: Namespace) -> EmotionResult:
    """Infer with a bar in seconds of the video."""
    form = '{desc} {percentage:3.0f}% {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]'
    with tqdm(desc=title, total=1., bar_format=form, leave=False, disable=None) as bar:
        def progress(time_s: float, duration_s: float | None) -> None:
            bar.total = max(duration_s or 0., time_s)
            bar.n = time_s
            bar.refresh()
        return infer.infer(file, batch_size=args.batch_size, face=args.face, window_s=args.window_s,
                           stride_s=args.stride_s, progress=progress)


def print_scores(file: Path, result: EmotionResult) -> None:
    print(file)
    width = max(map(len, result.classes))
    people = result.tops()
    for person in people:
        if len(people) > 1:
            print('  whole picture' if person is None else f'  person {person}')
        for name, score in sorted(result.scores_of(person).items(), key=lambda item: -item[1]):
            print(f'  {name:<{width}}  {100 * score:5.1f} %')


def say(line: str) -> None:
    sys.stderr.write(f'{line}\n')


if __name__ == '__main__':
    run(main)
