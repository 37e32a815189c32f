"""From a folder like DFEW's distribution to a tested model, by the command lines, with frames and with videos."""
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from tool_runs import ROOT, call_tool

from benchmarks.clips import make_frame_tree
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = f"""
_base_ = [f'{ROOT}/configs/_base_/{{part}}.py'
          for part in ('models/claip_emo_tiny', 'datasets/dfew', 'schedules/toy', 'runtime')]
open_clip, pack = dict(type='OpenAudioVisualClip'), dict(type='PackAudioVisualInputs')
frames = [dict(type='DecodeFrames'), dict(type='ResizeFrames', size=64)]
augment = [dict(type='RandAugmentFrames'), dict(type='RandomResizedCropFrames', size=64),
           dict(type='RandomFlipFrames'), dict(type='RandomEraseFrames')]
audio = [dict(type='LoadAudioWindows', sample_rate_hz=16000, window_s=3.072),
         dict(type='LogMel', sample_rate_hz=16000, window_ms=25, shift_ms=12, num_frames=256)]
sample = dict(type='SampleFrameViews', clip_len=8)
train_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(
    pipeline=[open_clip, sample, *frames, *augment, *audio, pack]))
test = [open_clip, dict(sample, num_clips=2, test_mode=True), *frames, *audio, pack]
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(pipeline=test))
test_dataloader = dict(num_workers=0, dataset=dict(pipeline=test))
train_cfg = dict(max_epochs=1)
param_scheduler = None
"""


@pytest.fixture(scope='module')
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder / 'toy', clips=(14, 1, 7), workers=1)
    make_frame_tree(folder / 'toy', folder / 'tree')
    return folder / 'tree'


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield


def make_distribution(tree: Path, out: Path, videos: bool) -> None:
    """Lay the clips out as DFEW does: padded names for frames, others for audio and videos, labels from 1."""
    if videos:
        (out / 'Clip/original/part_1').mkdir(parents=True)
        for path in (tree / 'videos').iterdir():
            shutil.copy(path, out / f'Clip/original/part_1/{int(path.stem)}.mp4')
    else:
        shutil.copytree(tree / 'frames', out / 'Clip/clip_jpg_256')
        (out / 'audio_16k').mkdir()
        for path in (tree / 'audio').iterdir():
            shutil.copy(path, out / f'audio_16k/{int(path.stem)}.wav')
    for part in ('train', 'test'):
        rows = [f'{clip.frames[-5:]},{DFEW.classes.index(clip.label) + 1}'
                for clip in read_annotation_list(tree / f'{part}.csv')]
        path = out / f'EmoLabel_DataSplit/{part}(single-labeled)/{part}_set_1.csv'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(['video_name,label', *rows, '']))


@pytest.mark.parametrize('videos', [False, True])
def test_prepared_checked_trained_and_tested(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture, videos: bool) -> None:
    monkeypatch.chdir(tmp_path)
    make_distribution(tree, tmp_path / 'DFEW', videos)
    (tmp_path / 'config.py').write_text(CONFIG)
    options = ('--folds', '1', '--faces', 'keep', '--workers', '1')
    assert not call_tool(monkeypatch, 'prepare_data.py', 'dfew', 'DFEW', *options)
    labels = [clip.label for clip in read_annotation_list('data/dfew/lists/fold1_test.csv')]
    assert labels == [clip.label for clip in read_annotation_list(tree / 'test.csv')] == list(DFEW.classes)

    capsys.readouterr()
    assert not call_tool(monkeypatch, 'check_data.py', 'config.py', '--no-faces', '--official-lists', 'DFEW')
    assert '0 errors, 2 warnings' in capsys.readouterr().out  # fewer clips than published, in both lists
    assert not call_tool(monkeypatch, 'train.py', 'config.py')
    assert not call_tool(monkeypatch, 'test.py', 'config.py', 'work_dirs/config/epoch_1.pth')
    metrics = json.loads(Path('work_dirs/config/test_metrics.json').read_text())
    assert metrics['clips'] == 7 and 0 <= metrics['metrics']['WAR'] <= 100


def test_frames_and_videos_are_the_same_from_the_second_transform_on(tree: Path) -> None:
    cfg = Config.fromfile(ROOT / 'configs/_base_/datasets/dfew.py')
    pipeline = [transform for transform in cfg.test_pipeline]
    samples = [DATASETS.build(dict(type='AudioVisualDataset', ann_file=str(tree / name), data_root=str(tree),
                                   pipeline=pipeline, test_mode=True))[3] for name in ('test.csv', 'test_videos.csv')]
    unpacked, video = (sample['inputs'] for sample in samples)
    assert list(unpacked) == list(video) == ['frames', 'frame_index', 'mel', 'audio_index']
    assert torch.equal(unpacked['frame_index'], video['frame_index'])
    assert torch.equal(unpacked['audio_index'], video['audio_index'])
    # The frames were enlarged, grained and coded as jpg in between, the audio rounded to 16 bits.
    assert (unpacked['frames'].float() - video['frames'].float()).abs().mean() < 6
    assert (unpacked['mel'] - video['mel']).abs().median() < 1e-2
