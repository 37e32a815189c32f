"""Mutated media, lists and checkpoints: no crash, no hang, no traceback, nothing left behind.

A small part belongs to every run; CLAIP_EMO_FUZZ=all takes 500 media files, 100 lists and 100 checkpoints. The seeds
are fixed: a failure is reproduced by its name.
"""
import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from clean_forks import PROCESSES
from mutations import mutate
from reader_worker import read_files
from sixty_files import media, wav

from claip_emo_mm.version import META_KEY

IS_WHOLE = os.environ.get('CLAIP_EMO_FUZZ') == 'all'
LONGEST_S = 60  # for a file of a second, on a busy machine

CONTAINERS = {
    'mp4': ('mp4',), 'mov': ('mov', 'mjpeg', 'pcm_s16le'), 'mkv': ('matroska', 'libx264', 'flac'),
    'webm': ('webm', 'libvpx', 'libopus'), 'avi': ('avi', 'mpeg4', 'mp2'), 'ts': ('mpegts', 'mpeg2video', 'mp2'),
    'mpg': ('mpeg', 'mpeg1video', 'mp2'), 'flv': ('flv', 'flv1', 'aac'), 'wmv': ('asf', 'wmv2', 'wmav2'),
    'ogv': ('ogg', 'libvpx', 'libopus'), 'gif': ('gif', 'gif', ''), '3gp': ('3gp', 'mpeg4', 'aac'),
    'm4a': ('ipod', '', 'aac'), 'mp3': ('mp3', '', 'libmp3lame'), 'flac': ('flac', '', 'flac'),
    'opus': ('opus', '', 'libopus')}
LISTS = {
    'ours.csv': 'video,label\n"videos/a, b.mp4",happy\nvideos/c.mp4,sad\n',
    'excel.csv': 'Video;Label\r\na.mp4;happy\r\n',
    'frames.csv': 'frames,audio,label\nframes/00001,audio/1.wav,fear\nframes/00002,,angry\n',
    'r.csv': '"","video","label"\n"1","a.mp4","happy"\n"2","b.mp4","sad"\n',
    'dfew.csv': 'video_name,label\n00001,7\n00002,1\n', 'paths.txt': 'clips/1 a.mp4 0\nclips/2.mp4 6\n',
    'frames.txt': 'f/1 s/1.wav 0\nf/2 s/2.wav 6\n', 'bare.txt': 'a.mp4,joy\nb/c.mp4,sad\n'}


def run_worker(paths: list[Path], folder: Path) -> dict[str, str]:
    """Read files one after the other in processes of their own; return what went wrong, by file."""
    wrong, place = {}, 0
    (folder / 'tmp').mkdir(exist_ok=True)
    while place < len(paths):
        outcomes, said = PROCESSES.Pipe(duplex=False)
        worker = PROCESSES.Process(target=read_files, args=(list(map(str, paths[place:])), str(folder / 'tmp'), said))
        worker.start()
        said.close()  # the worker alone has it, so its end is seen
        limit_s = 300  # for the start, which imports everything
        while place < len(paths):
            if not outcomes.poll(limit_s):
                wrong[paths[place].name] = f'not read within {limit_s} s'
                worker.kill()
            else:
                try:
                    outcome = outcomes.recv()
                except EOFError:
                    worker.join()
                    wrong[paths[place].name] = f'the process ended with {worker.exitcode}'
                else:
                    bad = [text for text in outcome if text not in ('read', 'named')]
                    if bad:
                        wrong[paths[place].name] = '\n'.join(bad)
                    place, limit_s = place + 1, LONGEST_S
                    continue
            place += 1
            break
        worker.join(60)  # libraries clean up behind themselves at the end
        worker.kill()
        worker.join()
    return wrong


def check(files: dict[str, bytes], folder: Path) -> None:
    paths = []
    for name, data in files.items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    wrong = run_worker(paths, folder)
    assert not wrong, '\n'.join(f'{name}: {text}' for name, text in wrong.items())
    assert sorted(path.name for path in folder.iterdir()) == sorted([*files, 'tmp'])  # nothing is left behind
    assert not list((folder / 'tmp').iterdir())


def test_mutated_media(tmp_path: Path) -> None:
    whole = {suffix: media(*how) for suffix, how in CONTAINERS.items()} | {'wav': wav()}
    suffixes, files = sorted(whole), {}
    for seed in range(500 if IS_WHOLE else 34):
        rng = np.random.default_rng([1, seed])
        suffix, other = suffixes[seed % len(suffixes)], suffixes[rng.integers(len(suffixes))]
        files[f'{seed:03d}.{suffix}'] = mutate(whole[suffix], rng, whole[other])
    check(files, tmp_path)


def test_mutated_lists(tmp_path: Path) -> None:
    names, files = sorted(LISTS), {}
    for seed in range(100):
        rng = np.random.default_rng([2, seed])
        encoding = ('utf-8', 'utf-8', 'utf-8-sig', 'utf-16')[seed % 4]
        text, other = (LISTS[names[place % len(names)]].encode(encoding) for place in (seed, rng.integers(99)))
        files[f'{seed:03d}.{names[seed % len(names)].rpartition(".")[2]}'] = mutate(text, rng, other)
    check(files, tmp_path)


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_mutated_checkpoints(checkpoint: Path, tmp_path: Path, suffix: str) -> None:
    whole = checkpoint.read_bytes()
    if suffix == 'safetensors':
        loaded = torch.load(checkpoint, weights_only=True)
        metadata = {META_KEY: json.dumps(loaded['meta'][META_KEY])}
        safetensors.torch.save_file(loaded['state_dict'], tmp_path / 'whole', metadata=metadata)
        whole = (tmp_path / 'whole').read_bytes()
        (tmp_path / 'whole').unlink()
    files = {}
    for seed in range(50 if IS_WHOLE else 6):
        rng = np.random.default_rng([3, seed])
        files[f'{seed:03d}.{suffix}'] = mutate(whole, rng, whole[len(whole) // 2:])
    check(files, tmp_path)
