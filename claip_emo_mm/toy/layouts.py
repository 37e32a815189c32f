"""The toy set in other layouts: folds and frame folders."""
import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import soundfile
from tqdm import tqdm

from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS, fold_list
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.settings import FOLD_LISTS, SPLITS
from claip_emo_mm.utils.io import write_csv

_HEADER = ('video', 'label', 'identity')


def write_toy_folds(out: str | Path, folds: int) -> list[Path]:
    """Write `lists/fold1_train.csv`, `lists/fold1_test.csv` and so on beside the lists of a toy set.

    The people of train, val and test are dealt in turn: each is in the test split of one fold, and in the training
    split of all others. Lists of more folds that were dealt before are removed.

    Args:
        out: folder of `make_toy_set`.
        folds: 2 or more.
    Returns: the lists.
    Raises:
        InputError: there are fewer people than folds.
    """
    out = Path(out)
    rows = [row for split in SPLITS for row in _read(out / f'{split}.csv')]
    people = {identity: number for number, identity in enumerate(dict.fromkeys(row[2] for row in rows))}
    if not 2 <= folds <= len(people):
        raise InputError(f'--folds {folds}: expected 2 to {len(people)}, which is the number of people in {out}. '
                         '--clips makes more: each person shows 7 emotions.')
    (out / 'lists').mkdir(exist_ok=True)
    paths = []
    for fold in range(1, folds + 1):
        tested = {identity for identity, number in people.items() if number % folds == fold - 1}
        for split in FOLD_SPLITS:
            paths.append(out / fold_list(fold, split))
            write_csv(paths[-1], _HEADER, [row for row in rows if (row[2] in tested) == (split == 'test')])
    for path in {*out.glob(FOLD_LISTS)} - {*paths}:
        path.unlink()
    return paths


def _read(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding='utf-8', newline='') as file:
        return [tuple(row[name] for name in _HEADER) for row in csv.DictReader(file)]


SIDE = 256  # pixels, as the frames of DFEW
RATE_HZ = 16000
_QUALITY = 95
_GRAIN = 4.  # standard deviation of the brightness: drawn frames alone would be decoded faster than photographs


def make_frame_tree(toy: Path, out: Path) -> dict[str, Path]:
    """Unpack a toy set.

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
    lists, number = {}, 0
    with tqdm(total=sum(map(len, listed.values())), unit='clip', desc='frames', mininterval=.5) as bar:
        for split, clips in listed.items():
            rows = []
            for clip in clips:
                number += 1
                name = f'{number:05d}'
                _unpack(toy / clip.video, out, name, np.random.default_rng(number))
                rows.append((name, clip.label))
                bar.update()
            lists[split] = out / f'{split}.csv'
            write_csv(lists[split], ('frames', 'audio', 'label'),
                      [(f'frames/{name}', f'audio/{name}.wav', label) for name, label in rows])
            write_csv(out / f'{split}_videos.csv', ('video', 'label'),
                      [(f'videos/{name}.mp4', label) for name, label in rows])
    return lists


def _unpack(video: Path, out: Path, name: str, draw: np.random.Generator) -> None:
    clip = VideoFile(str(video))
    folder = out / 'frames' / name
    folder.mkdir()
    for index, frame in enumerate(clip.decode(np.arange(clip.num_frames)), 1):
        frame = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        grained = frame + _GRAIN * draw.standard_normal(frame.shape, np.float32)
        image = cv2.cvtColor(np.clip(grained, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        (folder / f'{index:05d}.jpg').write_bytes(jpeg.tobytes())  # imwrite says nothing of a full disk
    samples, rate_hz = clip.audio()
    if rate_hz != RATE_HZ:
        raise ValueError(f'{video}: audio of {rate_hz} Hz, {RATE_HZ} expected of a toy clip.')
    soundfile.write(out / 'audio' / f'{name}.wav', samples, RATE_HZ, subtype='PCM_16')
    shutil.copyfile(video, out / 'videos' / f'{name}.mp4')
