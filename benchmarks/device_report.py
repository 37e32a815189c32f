"""One command's report on a device: model and test in every precision, what feeds them, and inference on a video."""
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from mmengine.config import Config

from benchmarks.clips import make_frame_tree, to_and_fro
from benchmarks.data import benchmark_data
from benchmarks.devices import copy_speeds, describe
from benchmarks.gpu import COMPILED, FULL, QUICK, DeviceRow, Setting, benchmark_device
from benchmarks.inference import benchmark_inference, write_random_checkpoint
from benchmarks.plain_model import plain_audio
from benchmarks.sizes import ModelSizes
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.clips import encode_clip
from claip_emo_mm.toy.dataset import make_toy_set

ARCHS = {name: ModelSizes(arch, num_clips=8, num_frames=16) for name, arch in (  # the recipe's batch
    ('ViT-B/16', 'ViT-B-16-quickgelu'), ('ViT-L/14', 'ViT-L-14-quickgelu'))}
_LIMIT_S = dict(quick=80., full=360.)  # of the rows of the model, so that all ends within 3 and 8 minutes
_SOUND_HZ, _FRAMES_PER_S = 16000, 25


def settings_of(quick: bool) -> tuple[Setting, ...]:
    """Rows of a quick or a full report."""
    return (*(QUICK if quick else FULL), *COMPILED)


def report_device(cfg: Config, folder: Path, device: str, quick: bool, write: Callable[[str], object],
                  num_threads: int = 2, archs: dict[str, ModelSizes] | None = None,
                  settings: Sequence[Setting] | None = None, rounds: int | None = None,
                  video_s: float | None = None) -> None:
    """Measure a device, and write lines of text as they come.

    Args:
        cfg: Config whose pipelines are measured, and whose model, with random weights, infers a video.
        folder: Empty folder for data.
        device: Where to compute.
        quick: Fewer rows and rounds.
        write: Gets each line.
        num_threads: Threads on a CPU.
        archs, settings, rounds, video_s: Models, rows, rounds, and length of the video to infer; None for those of
            the report.
    """
    rounds = rounds or (5 if quick else 10)
    write(describe(device))
    write(f"plain: transformers' CLIP, {plain_audio()}'s HTSAT, peft's LoRA; batch of 8 clips x 16 frames, random "
          f'weights; medians of {rounds} rounds; fp16 and bf16 by autocast over float32 weights. In a test, clips are '
          "as long as DFEW's, copied from the host; plain encodes 64 images of each, ours the distinct ones.")
    write(DeviceRow.HEADER)
    rows = []
    for row in benchmark_device(archs or ARCHS, device, settings or settings_of(quick), rounds,
                                limit_s=_LIMIT_S['quick' if quick else 'full'], num_threads=num_threads):
        write(row.line())
        rows.append(row)
    kernels = sorted({kernel for row in rows for kernel in row.kernels})
    if kernels:
        write(f'attention kernels: {", ".join(kernels)}')
    _report_feeding(cfg, folder, device, rows, write, clips=7 if quick else 14)
    _report_inference(cfg, folder, device, num_threads, video_s or (10. if quick else 20.), write)


def _report_feeding(cfg: Config, folder: Path, device: str, rows: Sequence[DeviceRow], write: Callable[[str], object],
                    clips: int) -> None:
    """What loads clips for the training, and copies them."""
    make_toy_set(folder / 'toy', clips=(clips, 1, 7), workers=1)
    make_frame_tree(folder / 'toy', folder / 'tree')
    measured = benchmark_data(folder / 'tree', {split: cfg[f'{split}_dataloader'].dataset.pipeline
                                                for split in ('train', 'test')}, rounds=1)
    write(measured.table())
    loaded = statistics.median(measured.clips_per_s['train']['ours'])
    for row in rows:
        if row.setting.model == 'ours' and row.setting.step == 'training' and row.seconds:
            taken = row.clips / statistics.median(row.seconds)
            write(f'{row.arch} takes {taken:.1f} clips/s in {row.setting.precision} training: '
                  f'{math.ceil(taken / loaded)} workers of {loaded:.1f} clips/s')
    speeds = copy_speeds(torch.zeros(8 * 16, 3, 224, 224, dtype=torch.uint8), device)
    for kind, speed in (speeds or {}).items():
        write(f'copy of a batch of uint8 frames from {kind} memory: {speed:.1f} GB/s')


def _report_inference(cfg: Config, folder: Path, device: str, num_threads: int, video_s: float,
                      write: Callable[[str], object]) -> None:
    write_random_checkpoint(cfg, folder / 'random.pth')
    video = write_video(folder, video_s)
    measured = benchmark_inference(str(video), str(folder / 'random.pth'), 'none', 1, device, num_threads)
    write(f'inference of a video of {measured.length_s:.0f} s without search of faces\n{measured.table()}')


def write_video(folder: Path, length_s: float) -> Path:
    """Write a video of a length by going to and fro in a clip of the toy set in the folder."""
    clip = VideoFile(str(folder / 'toy' / read_annotation_list(folder / 'toy' / 'test.csv')[0].video))
    frames, (samples, _) = list(clip.every_frame()), clip.audio()
    path = folder / 'video.mp4'
    encode_clip(path, [frames[place] for place in to_and_fro(len(frames), round(length_s * _FRAMES_PER_S))],
                samples[to_and_fro(len(samples), round(length_s * _SOUND_HZ))], _FRAMES_PER_S)
    return path
