"""Measure speed and memory, ours beside a plain implementation: python tools/benchmark.py model|data."""
import argparse
import sys
import tempfile
from pathlib import Path

import torch

from claip_emo_mm.benchmark import ModelSizes, benchmark_data, benchmark_model
from claip_emo_mm.command_line import run
from claip_emo_mm.data_preparation.toy import make_toy_set
from claip_emo_mm.data_preparation.toy.frame_tree import make_frame_tree
from claip_emo_mm.datasets.annotation_list import read_annotation_list
from claip_emo_mm.errors import InputError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    subjects = parser.add_subparsers(dest='subject', required=True, metavar='SUBJECT')
    _add_model(subjects.add_parser(
        'model', help='training step and evaluation of the model',
        description="Compare our model with transformers' CLIPVisionModel and laion_clap's whole HTSAT under peft's "
                    'own adapters, with the same neck, head and (random) weights. Medians of rounds in alternating '
                    'order. Memory is measured in a new process for each variant: on a CPU the most that the process '
                    'occupies in a training step, less what it occupied before the model was built; on a GPU what '
                    'PyTorch allocated.'))
    _add_data(subjects.add_parser(
        'data', help='training and test pipeline of the data',
        description='Compare our transforms, with the figures of the reference recipe, with a plain pipeline: Pillow '
                    "image by image, timm's RandAugment, every one of 4 test views loaded on its own. One process, one "
                    'thread, as one worker of a data loader. Medians of rounds in alternating order. Ours leaves '
                    'frames as bytes, to be normalised on the device; the plain one normalises.'))
    return parser.parse_args()


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--arch', default='ViT-B-16-quickgelu', help='visual tower (default: %(default)s)')
    parser.add_argument('--audio-arch', default='HTSAT-tiny-fusion', help='audio tower (default: %(default)s)')
    parser.add_argument('--clips', type=_count, default=2, help='clips of a batch (default: %(default)s)')
    parser.add_argument('--frames', type=_count, default=16, help='frames of a clip (default: %(default)s)')
    parser.add_argument('--rounds', type=_count, default=5, help='rounds that count (default: %(default)s)')
    parser.add_argument('--threads', type=_count, default=2, help='threads on a CPU (default: %(default)s)')
    parser.add_argument('--device', default='cpu', help='where to compute, such as cuda:0 (default: %(default)s)')
    parser.add_argument('--no-memory', action='store_true', help='leave out the memory')
    parser.set_defaults(measure=_measure_model)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('list', nargs='?', metavar='LIST', type=Path,
                        help='csv list with the columns frames,audio,label (default: toy clips in the form of DFEW, '
                             'drawn in a temporary folder)')
    parser.add_argument('--data-root', type=Path, help="what its paths are relative to (default: the list's folder)")
    parser.add_argument('--clips', type=_count, default=21, help='clips, the first of the list (default: %(default)s)')
    parser.add_argument('--rounds', type=_count, default=5, help='rounds that count (default: %(default)s)')
    parser.set_defaults(measure=_measure_data)


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f'{number}: expected 1 or more')
    return number


def _measure_model(args: argparse.Namespace) -> None:
    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise InputError(f'--device {args.device}: PyTorch finds no GPU here. Use --device cpu.')
    sizes = ModelSizes(args.arch, args.audio_arch, args.clips, args.frames)
    sys.stdout.write(f'{args.arch} and {args.audio_arch}, {args.clips} clips x {args.frames} frames, {args.device}, '
                     f'{args.threads} threads, median of {args.rounds}\n')
    figures = benchmark_model(sizes, args.rounds, args.device, args.threads, not args.no_memory)
    sys.stdout.write(f'{figures.table()}\n')


def _measure_data(args: argparse.Namespace) -> None:
    if args.list is not None:
        _measure_list(args.list, args.data_root or args.list.parent, args.clips, args.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_toy_set(Path(folder, 'toy'), clips=(1, 1, args.clips), workers=1)
        lists = make_frame_tree(Path(folder, 'toy'), Path(folder, 'tree'))
        _measure_list(lists['test'], lists['test'].parent, args.clips, args.rounds)


def _measure_list(path: Path, data_root: Path, num_clips: int, rounds: int) -> None:
    listed = read_annotation_list(path)[:num_clips]
    lacking = [clip for clip in listed if not (clip.frames and clip.audio)]
    if lacking:
        raise InputError(f'{path}:{lacking[0].line}: no frames or no audio. The plain pipeline reads folders of frames '
                         'with sound files only: give a list with the columns frames,audio,label.')
    sys.stdout.write(f'{path.name}, {len(listed)} clips, 1 process, 1 thread, median of {rounds}\n')
    figures = benchmark_data([dict(frame_dir=str(data_root / clip.frames), audio_path=str(data_root / clip.audio))
                              for clip in listed], rounds)
    sys.stdout.write(f'{figures.table()}\n')


def main() -> None:
    args = parse_args()
    args.measure(args)


if __name__ == '__main__':
    run(main)
