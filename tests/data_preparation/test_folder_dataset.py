import csv
import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from claip_emo_mm.data_preparation import FolderSet, prepare_folder_dataset
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.detector import FaceBox

CONFIGS = Path(__file__).parents[2] / 'configs'


class MiddleDetector:
    """Finds a face in the middle of every frame."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        height, width = frame.shape[:2]
        return [FaceBox(width / 4, height / 4, width / 2, height / 2, .9)]


@pytest.fixture
def own(tmp_path: Path, toy_clips: dict[str, Path]) -> FolderSet:
    """Three clips of each of two classes."""
    for name, emotion in (('Glad', 'happy'), ("can't say", 'neutral')):
        folder = tmp_path / 'videos' / name
        folder.mkdir(parents=True)
        for number in range(3):
            (folder / f'{number}.mp4').write_bytes(toy_clips[emotion].read_bytes())
    return FolderSet(tmp_path / 'videos', tmp_path / 'own', CONFIGS / 'claip_emo_tiny_toy.py', faces='keep',
                  make_detector=MiddleDetector)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def test_the_config_reads_the_lists(own: FolderSet) -> None:
    report = prepare_folder_dataset(own)
    assert report.counts == dict(train=[1, 1], val=[1, 1], test=[1, 1])
    listed = [row for split in ('train', 'val', 'test') for row in rows(own.out / f'{split}.csv')]
    assert sorted((row['video'], row['label']) for row in listed) == [
        (f'../videos/{name}/{number}.mp4', name) for name in ('Glad', "can't say") for number in range(3)]

    cfg = Config.fromfile(report.config)
    init_default_scope('mmaction')
    assert report.config == own.out / 'own.py'
    assert MODELS.build(cfg.model).cls_head.num_classes == 2
    for split in ('train', 'val', 'test'):
        dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
        assert dataset.metainfo['classes'] == ['Glad', "can't say"]
        assert dataset.test_mode is (split != 'train')
        assert dataset[0]['inputs']['frames'].shape[1:] == (3, 64, 64)


def test_people_are_counted_or_warned_of(own: FolderSet, caplog: pytest.LogCaptureFixture) -> None:
    for folder in own.source.iterdir():
        for path in sorted(folder.iterdir()):
            path.rename(folder / f'{"anna ben cem".split()[int(path.stem)]}_1.mp4')
    own = dataclasses.replace(own, ratios=(34, 33, 33), seed=2)
    report = prepare_folder_dataset(own)
    assert report.people is None and 'look like those of 3 people (anna, ben, cem;' in caplog.text
    caplog.clear()
    report = prepare_folder_dataset(dataclasses.replace(own, out=own.out.parent / 'apart', speaker_regex='^([^_]+)_'))
    assert report.people == dict(train=1, val=1, test=1) and not caplog.records
    assert report.lines()[-1].split() == ['people', '1', '1', '1']


def test_the_papers_recipe_mixes_as_many_classes(own: FolderSet) -> None:
    report = prepare_folder_dataset(dataclasses.replace(own, base=CONFIGS / 'claip_emo_vitb16_dfew.py'))
    cfg = Config.fromfile(report.config)
    assert cfg.model.data_preprocessor.blending.num_classes == cfg.model.cls_head.num_classes == 2
    assert cfg.train_dataloader.dataset.type == 'AudioVisualDataset'
    assert 'fold' not in cfg.train_dataloader.dataset
    assert cfg.train_dataloader.batch_size == 8


def test_a_head_reads_the_names_in_the_order_of_the_labels(own: FolderSet) -> None:
    report = prepare_folder_dataset(dataclasses.replace(own, base=CONFIGS / 'claip_emo_vitl14_dfew_text_init.py'))
    cfg = Config.fromfile(report.config)
    assert cfg.model.cls_head.classes == cfg.train_dataloader.dataset.classes == report.classes


def test_faces_are_cropped(own: FolderSet) -> None:
    report = prepare_folder_dataset(dataclasses.replace(own, faces='crop'))
    [row, _] = rows(own.out / 'test.csv')
    assert list(row) == ['frames', 'audio', 'label'] and row['audio'].startswith('audio/Glad_')
    frames = sorted((own.out / row['frames']).iterdir())
    assert cv2.imread(str(frames[0])).shape == (256, 256, 3)
    assert (own.out / row['audio']).is_file() and not report.silent


def test_an_unreadable_clip_is_named_and_left_out(own: FolderSet) -> None:
    broken = own.source / 'Glad' / '3.mp4'
    broken.write_bytes(b'no video')
    report = prepare_folder_dataset(own)
    assert [failure.clip_id for failure in report.failures] == ['Glad_3.mp4']
    assert [row['file'] for row in rows(own.out / 'failures.csv')] == [str(broken)]
    assert sum(map(sum, report.counts.values())) == 6


def test_long_names_and_broken_classes(own: FolderSet, toy_clips: dict[str, Path]) -> None:
    clip = toy_clips['sad'].read_bytes()
    (own.source / 'Glad' / f'{"x" * 245}.mp4').write_bytes(clip)  # with class and suffixes too long for a file
    (own.source / 'sad').mkdir()
    for number in range(3):
        (own.source / 'sad' / f'{number}.mp4').write_bytes(clip[:100])
    report = prepare_folder_dataset(dataclasses.replace(own, faces='crop'))
    assert report.classes == ['Glad', "can't say", 'sad'] and report.empty == ['sad']
    assert [failure.clip_id for failure in report.failures] == ['sad_0.mp4', 'sad_1.mp4', 'sad_2.mp4']
    assert report.error().endswith('Classes without any usable clip: sad.')
    assert sum(map(sum, report.counts.values())) == 7
    [long] = [path for path in (own.out / 'audio').iterdir() if 'xxx' in path.name]
    assert (own.out / 'frames' / long.stem).is_dir()


def test_a_config_that_was_changed_is_kept(own: FolderSet, caplog: pytest.LogCaptureFixture) -> None:
    report = prepare_folder_dataset(own)
    report.config.write_text('# mine\n', encoding='utf-8')
    prepare_folder_dataset(own)
    assert report.config.read_text(encoding='utf-8') == '# mine\n'
    assert 'kept as it is' in caplog.text


@pytest.mark.parametrize(('changed', 'message'), [
    (dict(out='videos/results'), 'is, holds or lies in the one of the videos'),
    (dict(source='nothing'), 'nothing: there is no such folder'),
    (dict(base='nothing.py'), 'nothing.py: there is no such config file')])
def test_what_is_refused_before_the_work(own: FolderSet, changed: dict[str, str], message: str) -> None:
    changed = {key: own.source.parent / name for key, name in changed.items()}
    with pytest.raises(InputError, match=message):
        prepare_folder_dataset(dataclasses.replace(own, **changed))
    assert not own.out.exists()


def test_a_config_without_classes_is_no_base(own: FolderSet) -> None:
    with pytest.raises(InputError, match='pretrain_toy_clip.py: not a config that can be trained and tested'):
        prepare_folder_dataset(dataclasses.replace(own, base=CONFIGS / 'pretrain_toy_clip.py'))
