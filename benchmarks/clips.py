"""Frame folders and audio files as those of DFEW, made of the toy set."""
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import soundfile
from tqdm import tqdm

from claip_emo_mm.datasets.annotations import ListedClip, read_annotation_list
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.clips import encode_clip
from claip_emo_mm.toy.dataset import SPLITS
from claip_emo_mm.utils.io import write_csv

_SIDE = 256  # pixels, as the frames of DFEW
_GRAIN = 4.  # standard deviation of the brightness: drawn frames alone would be decoded faster than photographs
# DFEW's clips: the length, in frames, that this ratio of them does not exceed
_RATIO = (0, .05, .25, .5, .75, .95, 1)
_FRAMES = (11, 33, 48, 70, 95, 155, 847)
_FRAMES_PER_S = 25


def make_frame_tree(toy: Path, out: Path) -> dict[str, Path]:
    """Unpack a toy set into frame folders and wav files.

    Args:
        toy: folder of a toy set.
        out: new folder for `frames/00001/00001.jpg` (256 x 256), `audio/00001.wav` (mono, 16 kHz, 16 bit),
            `videos/00001.mp4`, and a list `<split>.csv` (frames, audio, label) and `<split>_videos.csv` (video, label)
            of each split.
    Returns: the list of each split.
    """
    for folder in ('audio', 'videos', 'frames'):
        (out / folder).mkdir(parents=True)
    listed = {split: read_annotation_list(toy / f'{split}.csv') for split in SPLITS}
    lists, numbers = {}, count(1)
    with tqdm(total=sum(map(len, listed.values())), unit='clip', desc='frames', mininterval=.5) as bar:
        for split, clips in listed.items():
            rows = []
            for clip, number in zip(clips, numbers):  # noqa: B905 - endless
                _unpack(toy / clip.video, out, f'{number:05d}', np.random.default_rng(number))
                rows.append((f'{number:05d}', clip.label))
                bar.update()
            lists[split] = out / f'{split}.csv'
            write_csv(lists[split], ('frames', 'audio', 'label'),
                      [(f'frames/{name}', f'audio/{name}.wav', label) for name, label in rows])
            write_csv(out / f'{split}_videos.csv', ('video', 'label'),
                      [(f'videos/{name}.mp4', label) for name, label in rows])
    return lists


def _unpack(video: Path, out: Path, name: str, rng: np.random.Generator) -> None:
    clip = VideoFile(str(video))
    folder = out / 'frames' / name
    folder.mkdir()
    for index, frame in enumerate(clip.every_frame(), 1):
        frame = cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
        grained = frame + _GRAIN * rng.standard_normal(frame.shape, np.float32)
        image = cv2.cvtColor(np.clip(grained, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        (folder / f'{index:05d}.jpg').write_bytes(jpeg.tobytes())  # imwrite says nothing of a full disk
    samples, rate_hz = clip.audio()
    soundfile.write(out / 'audio' / f'{name}.wav', samples, rate_hz, subtype='PCM_16')
    shutil.copyfile(video, out / 'videos' / f'{name}.mp4')


def encode_videos(tree: Path) -> None:
    """Replace the videos of a tree by such of its frames, with their grain and as large (h264 and aac)."""
    for video in sorted((tree / 'videos').iterdir()):
        frames = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
                  for path in sorted((tree / 'frames' / video.stem).iterdir())]
        samples, _ = soundfile.read(tree / 'audio' / f'{video.stem}.wav', dtype='float32')
        encode_clip(video, frames, samples, _FRAMES_PER_S)


def sample_lengths(count: int, seed: int = 0) -> np.ndarray:
    """Sample lengths of clips, frames, from DFEW's distribution: its inverse, interpolated between seven of its points.

    One is sampled from each of `count` equal parts of the distribution, so that few clips have its mean as well.
    """
    rng = np.random.default_rng(seed)
    ratios = (np.arange(count) + rng.random(count)) / count
    return rng.permutation(np.interp(ratios, _RATIO, _FRAMES).round().astype(int))


def make_clips(tree: Path, out: Path, lengths: Sequence[int]) -> list[ListedClip]:
    """Make frame folders and audio files of given lengths by going to and fro in the clips of a tree.

    Args:
        tree: folder of `make_frame_tree` with a ``test.csv``.
        out: folder to be made.
        lengths: frames of each clip; 25 of them are a second of audio.
    Returns: the clips; their paths are relative to `out`.
    """
    sources = read_annotation_list(tree / 'test.csv')
    clips = []
    for number, length in enumerate(lengths):
        source = sources[number % len(sources)]
        clip = ListedClip(number, source.label, frames=f'frames/{number:05d}', audio=f'{number:05d}.wav')
        (out / clip.frames).mkdir(parents=True)
        names = sorted((tree / source.frames).iterdir())
        for frame, index in enumerate(to_and_fro(len(names), length), start=1):
            shutil.copyfile(names[index], out / clip.frames / f'{frame:05d}{names[index].suffix}')
        samples, rate_hz = soundfile.read(tree / source.audio, dtype='float32')
        wanted = round(length / _FRAMES_PER_S * rate_hz)
        soundfile.write(out / clip.audio, samples[to_and_fro(len(samples), wanted)], rate_hz)
        clips.append(clip)
    return clips


def to_and_fro(count: int, wanted: int) -> np.ndarray:
    """Indices 0, 1, ..., count - 1, count - 2, ..., 0, 1, ..., `wanted` of them."""
    return np.abs((np.arange(wanted) + count - 1) % max(2 * (count - 1), 1) - (count - 1))
