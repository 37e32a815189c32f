"""The toy set in other layouts: cross-validation folds, and frame folders with wav files."""
import csv
import shutil
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import soundfile
from tqdm import tqdm

from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS, fold_list
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.dataset import FOLD_LISTS, SPLITS
from claip_emo_mm.utils.io import write_csv

_SIDE = 256  # pixels, as the frames of DFEW
_RATE_HZ = 16000
_GRAIN = 4.  # standard deviation of the brightness: drawn frames alone would be decoded faster than photographs


def write_toy_folds(out: str | Path, folds: int) -> list[Path]:
    """Write `lists/fold1_train.csv`, `lists/fold1_test.csv` and so on beside the lists of a toy set.

    The people of all splits are dealt out in turn: each is in the test split of one fold, and in the training split of
    all others. Lists of more folds that were written before are removed.

    Args:
        out: folder of `make_toy_set`.
        folds: 2 or more.
    Returns: the lists.
    Raises:
        InputError: there are fewer people than folds.
    """
    out = Path(out)
    rows: list[dict[str, str]] = []
    for split in SPLITS:
        with (out / f'{split}.csv').open(encoding='utf-8', newline='') as file:
            rows += csv.DictReader(file)
    people = list(dict.fromkeys(row['identity'] for row in rows))
    if not 2 <= folds <= len(people):
        raise InputError(f'--folds {folds}: expected 2 to {len(people)}, which is the number of people in {out}. '
                         '--clips makes more: each person shows 7 emotions.')
    paths = []
    for fold in range(1, folds + 1):
        tested = set(people[fold - 1::folds])
        for split in FOLD_SPLITS:
            paths.append(out / fold_list(fold, split))
            write_csv(paths[-1], tuple(rows[0]),
                      [tuple(row.values()) for row in rows if (row['identity'] in tested) == (split == 'test')])
    for path in {*out.glob(FOLD_LISTS)} - {*paths}:
        path.unlink()
    return paths


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
    if rate_hz != _RATE_HZ:
        raise ValueError(f'{video}: audio of {rate_hz} Hz, {_RATE_HZ} expected of a toy clip.')
    soundfile.write(out / 'audio' / f'{name}.wav', samples, _RATE_HZ, subtype='PCM_16')
    shutil.copyfile(video, out / 'videos' / f'{name}.mp4')
