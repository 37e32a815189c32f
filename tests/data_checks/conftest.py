"""A small set like DFEW: frame folders, audio files, the lists of a fold, and a config that reads them."""
import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.datasets.labels import DFEW

SIDE, FRAMES, RATE_HZ = 32, 12, 16000
NUMBERS = dict(train=range(1, 15), test=range(15, 22))  # two clips of each class, and one


def clip_name(number: int) -> str:
    return f'{number:05d}'


@pytest.fixture(scope='session')
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('dfew')
    rng = np.random.default_rng(0)
    (root / 'audio').mkdir()
    (root / 'lists').mkdir()
    for split, numbers in NUMBERS.items():
        with open(root / f'lists/fold1_{split}.csv', 'w', newline='') as file:
            rows = csv.writer(file)
            rows.writerow(('frames', 'audio', 'label'))
            for number in numbers:
                name = clip_name(number)
                (root / 'frames' / name).mkdir(parents=True)
                for frame in range(1, FRAMES + 1):
                    image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                    cv2.imwrite(str(root / f'frames/{name}/{frame:05d}.jpg'), image)
                audio = rng.uniform(-.5, .5, RATE_HZ // 2).astype(np.float32)
                soundfile.write(root / f'audio/{name}.wav', audio, RATE_HZ)
                rows.writerow((f'frames/{name}', f'audio/{name}.wav', DFEW.classes[number % 7]))
    return root


@pytest.fixture
def tree(intact: Path, tmp_path: Path) -> Path:
    """A copy to be broken."""
    shutil.copytree(intact, tmp_path / 'dfew')
    return tmp_path / 'dfew'


@pytest.fixture
def make_config() -> Callable[..., Config]:
    def make(root: Path, on_missing: str = 'error', **changes: object) -> Config:
        pipeline = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews'), dict(type='DecodeFrames'),
                    dict(type='LoadAudioWindows', on_missing=on_missing), dict(type='LogMel'),
                    dict(type='PackAudioVisualInputs')]
        cfg = Config({
            f'{split}_dataloader': dict(dataset=dict(type='AudioVisualDataset', ann_file=f'lists/fold1_{split}.csv',
                                                    data_root=str(root), pipeline=pipeline)) for split in NUMBERS})
        cfg.merge_from_dict(changes)
        return cfg
    return make


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield
