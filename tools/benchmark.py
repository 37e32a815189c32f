"""Measure speed and memory beside a baseline: tools/benchmark.py model, data, eval, fast, infer, gpu or cache."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import argparse
import logging
import sys
import tempfile
from pathlib import Path


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
        'data', help='clips a second of the data pipelines',
        description='Compare our pipelines for training and test with a baseline: PIL image by image, every view '
                    'loaded on its own. One process, one thread, seconds of the processor; medians of rounds in '
                    'alternating order; on frame folders and audio files like those of DFEW (256 x 256 jpg, 16 kHz '
                    'wav) and on videos of the same frames (h264 and aac), made of the toy set. The baseline also '
                    'normalizes, which ours does on the device.'))
    _add_evaluation(subjects.add_parser(
        'eval', help='seconds a test clip, loading and model',
        description='Compare a test by our pipeline and model with a baseline: 2 windows x 2 crops, 64 frames and 4 '
                    "audio a clip, each loaded and encoded on its own, by transformers' CLIPVisionModel and "
                    "laion_clap's HTSAT under peft's adapters, with the same (random) weights. The clips "
                    "are drawn, with the lengths of DFEW's. Loading and computing alternate in one process; workers "
                    'would overlap them. Medians of rounds in alternating order; memory in a new process for each.'))
    _add_fast(subjects.add_parser(
        'fast', help='options that are faster and change scores: speed and scores of each',
        description='Score test clips, as eval does, with each option alone, those of --fast and none, and by '
                    'the baseline, on a CPU: wall time and time of the processor of the model, and the largest '
                    'difference from the exact scores; then WAR and difference of a toy model on toy clips. Medians of '
                    'rounds in alternating order.'))
    _add_inference(subjects.add_parser(
        'infer', help='multiples of real time on a video, and where the time goes',
        description='Infer a video as tools/infer.py does, and by a baseline with the same model and transforms: '
                    'each window decoded, searched for faces in every frame, and encoded on its own. One process; '
                    'medians of rounds in alternating order.'))
    _add_gpu(subjects.add_parser(
        'gpu', help='a GPU: every precision, eager and compiled, in one table',
        description='Measure model, training step and test on a GPU, beside the baseline of the subjects model and '
                    "eval: ViT-B/16 and ViT-L/14 at the recipe's batch, in fp32 (without and with TF32), fp16 and "
                    'bf16, eager and compiled: time by CUDA events, TFLOPS beside the dense peak of the card, peak '
                    'memory, attention kernels. Then the data pipelines, copies to the device, and inference. Within '
                    '8 minutes on an H100 or H200 is the aim, within 3 with --quick: rows for which there is no time '
                    'left say so.'))
    _add_cache(subjects.add_parser(
        'cache', help='an epoch from cached features, beside one with the encoders',
        description='Train a head on toy clips for one epoch with the frozen encoders, extract the features, and train '
                    'epochs from these. One process; random weights, except for the toy model.'))
    return parser.parse_args()


def _add_gpu(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--quick', action='store_true', help='fewer rows and rounds')
    parser.add_argument('--config', type=Path, default=Path('configs/claip_emo_vitb16_dfew.py'),
                        help='config of the pipelines and of the model that infers (default: %(default)s)')
    _add_device(parser)
    parser.set_defaults(measure=lambda args: _measure_gpu(args))


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--threads', type=_count, default=2, help='threads on a CPU (default: %(default)s)')
    parser.add_argument('--device', help='where to compute, such as cuda:1 (default: a GPU where there is one)')


def _add_cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', type=Path, default=Path('configs/cached/claip_emo_vitb16_dfew_temporal.py'),
                        help='config of configs/cached (default: %(default)s)')
    parser.add_argument('--clips', type=_count, default=60, help='clips to train on (default: %(default)s)')
    parser.add_argument('--epochs', type=_count, default=5, help='epochs from the cache (default: %(default)s)')
    parser.add_argument('--threads', type=_count, default=2, help='threads on a CPU (default: %(default)s)')
    parser.set_defaults(measure=lambda args: _measure_cache(args))


def _add_inference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('video', help='video with audio, such as one of a minute')
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument('--checkpoint', help='checkpoint of a training, or a published one')
    model.add_argument('--config', type=Path, help='a config instead: its model with random weights')
    parser.add_argument('--face', choices=('largest', 'none'), default='largest',
                        help='which face is cropped (default: %(default)s)')
    parser.add_argument('--rounds', type=_count, default=2, help='rounds that count (default: %(default)s)')
    _add_device(parser)
    parser.add_argument('--no-baseline', action='store_true', help='do not measure the baseline')
    parser.add_argument('--fast', action='store_true', help='ours as with --fast of tools/infer.py')
    parser.set_defaults(measure=lambda args: _measure_inference(args))


def _add_evaluation(parser: argparse.ArgumentParser) -> None:
    _add_encoders(parser)
    parser.add_argument('--config', type=Path, default=Path('configs/claip_emo_vitb16_dfew.py'),
                        help='config of the test pipeline (default: %(default)s)')
    parser.add_argument('--clips', type=_count, default=16, help='clips to test (default: %(default)s)')
    parser.add_argument('--batch-size', type=_count, default=8,
                        help='clips (baseline: views) in a batch (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the lengths (default: %(default)s)')
    parser.add_argument('--rounds', type=_count, default=2, help='rounds that count (default: %(default)s)')
    parser.set_defaults(measure=lambda args: _measure_evaluation(args))


def _add_fast(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--arch', default='ViT-B-16-quickgelu', help='visual encoder (default: %(default)s)')
    parser.add_argument('--audio-arch', default='HTSAT-tiny-fusion', help='audio encoder (default: %(default)s)')
    parser.add_argument('--threads', type=_count, default=2, help='threads (default: %(default)s)')
    parser.add_argument('--config', type=Path, default=Path('configs/claip_emo_vitb16_dfew.py'),
                        help='config of the test pipeline (default: %(default)s)')
    parser.add_argument('--clips', type=_count, default=3, help='clips to test (default: %(default)s)')
    parser.add_argument('--toy-checkpoint', help='checkpoint of the toy set (default: the toy encoders, zero-shot)')
    parser.add_argument('--toy-clips', type=_count, default=56, help='toy clips to test (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the lengths (default: %(default)s)')
    parser.add_argument('--rounds', type=_count, default=2, help='rounds that count (default: %(default)s)')
    parser.set_defaults(measure=lambda args: _measure_fast(args))


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', type=Path, default=Path('configs/claip_emo_vitl14_dfew.py'),
                        help='config of the pipelines (default: %(default)s)')
    parser.add_argument('--clips', type=_count, default=28, help='clips of each split (default: %(default)s)')
    parser.add_argument('--storage', nargs='+', choices=('frames', 'videos'), default=('frames', 'videos'),
                        help='frame folders with audio files, videos with audio, or (default) both')
    parser.add_argument('--rounds', type=_count, default=5, help='rounds that count (default: %(default)s)')
    parser.set_defaults(measure=lambda args: _measure_data(args))


def _add_model(parser: argparse.ArgumentParser) -> None:
    _add_encoders(parser)
    parser.add_argument('--clips', type=_count, default=2, help='clips of a batch (default: %(default)s)')
    parser.add_argument('--frames', type=_count, default=16, help='frames of a clip (default: %(default)s)')
    parser.add_argument('--rounds', type=_count, default=5, help='rounds that count (default: %(default)s)')
    parser.set_defaults(measure=lambda args: _measure_model(args))


def _add_encoders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--arch', default='ViT-B-16-quickgelu', help='visual encoder (default: %(default)s)')
    parser.add_argument('--audio-arch', default='HTSAT-tiny-fusion', help='audio encoder (default: %(default)s)')
    _add_device(parser)
    parser.add_argument('--no-memory', action='store_true', help='do not measure memory')


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f'{number}: expected 1 or more')
    return number


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/ lies in a checkout alone

from benchmarks.clips import encode_videos, make_clips, make_frame_tree, sample_lengths
from benchmarks.data import benchmark_data
from benchmarks.device_report import report_device
from benchmarks.devices import default_device
from benchmarks.evaluation import benchmark_evaluation
from benchmarks.fast import benchmark_fast
from benchmarks.feature_cache import benchmark_cache
from benchmarks.inference import benchmark_inference, write_random_checkpoint
from benchmarks.model import benchmark_model
from benchmarks.sizes import ModelSizes
from claip_emo_mm.apis.zero_shot import build_zero_shot
from claip_emo_mm.engine.checkpoints.load import load_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.dataset import make_toy_set


def _check_device(device: str) -> None:
    if device.startswith('cuda') and not torch.cuda.is_available():
        raise InputError(f'--device {device}: PyTorch finds no GPU here. Use --device cpu.')


def _write_line(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()  # the next row takes a while


def _measure_gpu(args: argparse.Namespace) -> None:
    if args.device == 'cpu':
        raise InputError('gpu: PyTorch finds no GPU here, and a CPU would take hours. The subjects model, eval, data '
                         'and infer measure a CPU.')
    with tempfile.TemporaryDirectory() as folder:
        report_device(load_config(args.config), Path(folder), args.device, args.quick,
                      _write_line, args.threads)


def _measure_cache(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    if 'feature_cache' not in cfg:
        raise InputError(f'{args.config}: has no feature_cache. Take a config of configs/cached.')
    with tempfile.TemporaryDirectory() as folder:
        metrics = benchmark_cache(cfg, Path(folder), args.clips, args.epochs, args.threads)
    sys.stdout.write(f'{args.config}, {args.clips} clips, {args.threads} threads, median of {args.epochs} cached '
                     f'epochs\n{metrics.table()}\n')


def _measure_inference(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = args.checkpoint or f'{folder}/random.pth'
        if args.config:
            write_random_checkpoint(load_config(args.config), Path(checkpoint))
        metrics = benchmark_inference(args.video, checkpoint, args.face, args.rounds, args.device, args.threads,
                                      plain=not args.no_baseline, fast=args.fast)
    sys.stdout.write(f'{args.checkpoint or args.config}, {args.video}, {metrics.length_s:.1f} s, face {args.face}, '
                     f'{args.device}, {args.threads} threads, median of {args.rounds}\n{metrics.table()}\n')


def _measure_evaluation(args: argparse.Namespace) -> None:
    pipeline = load_config(args.config).test_dataloader.dataset.pipeline
    lengths = sample_lengths(args.clips, args.seed)
    with tempfile.TemporaryDirectory() as folder:
        make_toy_set(Path(folder, 'toy'), clips=(1, 1, 7), workers=1)
        make_frame_tree(Path(folder, 'toy'), Path(folder, 'tree'))
        clips = make_clips(Path(folder, 'tree'), Path(folder, 'clips'), lengths)
        sys.stdout.write(f'{args.arch} and {args.audio_arch}, {args.clips} clips of {min(lengths)} to {max(lengths)} '
                         f'frames, batches of {args.batch_size}, {args.device}, {args.threads} threads, median of '
                         f'{args.rounds}\n')
        metrics = benchmark_evaluation(
            Path(folder, 'clips'), clips, pipeline, ModelSizes(args.arch, args.audio_arch), args.batch_size,
            args.rounds, args.device, args.threads, not args.no_memory)
    sys.stdout.write(f'{metrics.table()}\n')


def _measure_fast(args: argparse.Namespace) -> None:
    pipeline = load_config(args.config).test_dataloader.dataset.pipeline
    lengths = sample_lengths(args.clips, args.seed)
    toy = load_trained(args.toy_checkpoint) if args.toy_checkpoint else build_zero_shot(arch='toy')
    with tempfile.TemporaryDirectory() as folder:
        make_toy_set(Path(folder, 'toy'), clips=(1, 1, args.toy_clips), workers=1)
        make_frame_tree(Path(folder, 'toy'), Path(folder, 'tree'))
        clips = make_clips(Path(folder, 'tree'), Path(folder, 'clips'), lengths)
        metrics = benchmark_fast(Path(folder, 'clips'), clips, pipeline, ModelSizes(args.arch, args.audio_arch), toy,
                                 Path(folder, 'toy', 'test.csv'), args.rounds, args.threads)
    sys.stdout.write(f'{args.arch} and {args.audio_arch}, random weights, {args.clips} clips of {min(lengths)} to '
                     f'{max(lengths)} frames, {args.threads} threads, median of {args.rounds}; '
                     f'{args.toy_checkpoint or "toy encoders, zero-shot"}\n{metrics.table()}\n')


def _measure_model(args: argparse.Namespace) -> None:
    sizes = ModelSizes(args.arch, args.audio_arch, args.clips, args.frames)
    sys.stdout.write(f'{args.arch} and {args.audio_arch}, {args.clips} clips x {args.frames} frames, {args.device}, '
                     f'{args.threads} threads, median of {args.rounds}\n')
    metrics = benchmark_model(sizes, args.rounds, args.device, args.threads, not args.no_memory)
    sys.stdout.write(f'{metrics.table()}\n')


def _measure_data(args: argparse.Namespace) -> None:
    cfg = load_config(args.config)
    pipelines = {part: cfg[f'{part}_dataloader'].dataset.pipeline for part in ('train', 'test')}
    with tempfile.TemporaryDirectory() as folder:
        make_toy_set(Path(folder, 'toy'), clips=(args.clips, 1, args.clips), workers=1)
        make_frame_tree(Path(folder, 'toy'), Path(folder, 'tree'))
        if 'videos' in args.storage:
            encode_videos(Path(folder, 'tree'))
        for storage in args.storage:
            metrics = benchmark_data(Path(folder, 'tree'), pipelines, args.rounds, storage)
            _write_line(f'{args.config}, {storage}, median of {args.rounds} rounds\n{metrics.table()}')


def main() -> None:
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    args = parse_args()
    if 'device' in args:
        args.device = args.device or default_device()
        _check_device(args.device)
    args.measure(args)


if __name__ == '__main__':
    run(main)
