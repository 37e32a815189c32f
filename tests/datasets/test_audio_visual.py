from pathlib import Path

import pytest
from mmaction.registry import DATASETS, TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from claip_emo_mm.engine.cli import original_message
from claip_emo_mm.errors import InputError

PIPELINE = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', clip_len=3, frame_interval=2),
            dict(type='DecodeFrames'), dict(type='PackAudioVisualInputs')]


class GiveNothing(BaseTransform):
    def transform(self, results: dict) -> None:
        return None


def build(ann_file: str, media: Path, **options: object):
    return DATASETS.build(dict(type='AudioVisualDataset', ann_file=ann_file, data_root=str(media),
                               **{'pipeline': [], **options}))


def test_video_rows(write_list, media: Path) -> None:
    data = build(write_list('video,label', 'clip.mp4,sad', 'fast.mp4,fear'), media)
    assert data.metainfo['classes'][:2] == ['happy', 'sad'] and len(data.metainfo['classes']) == 7
    assert data.get_data_info(1) == dict(filename=str(media / 'fast.mp4'), label=6, sample_idx=1)


def test_frame_rows_and_own_classes(write_list, media: Path) -> None:
    path = write_list('frames,audio,label', 'frames,audio.wav,b', 'frames,,a')
    data = build(path, media, classes=['a', 'b'], metainfo=dict(source='here'))
    assert data.metainfo == dict(classes=['a', 'b'], source='here')
    assert data[0] == dict(frame_dir=str(media / 'frames'), audio_path=str(media / 'audio.wav'), label=1, sample_idx=0)
    assert data[1] == dict(frame_dir=str(media / 'frames'), audio_path='', label=0, sample_idx=1)


@pytest.mark.parametrize('serialize_data', [True, False])
def test_indices_choose_clips(write_list, media: Path, serialize_data: bool) -> None:
    path = write_list('video,label', *(f'clip.mp4,{label}' for label in ('happy', 'sad', 'neutral')))
    data = build(path, media, indices=[2, 0], serialize_data=serialize_data, lazy_init=True)
    data.full_init()
    assert [sample['label'] for sample in data] == [2, 0]


def test_numbers_are_no_labels(write_list, media: Path) -> None:
    path = write_list('video,label', 'clip.mp4,sad', 'clip.mp4,7')
    with pytest.raises(InputError, match=r"csv:3: label '7' is none of the classes happy, sad, .*1 of 2 rows"):
        build(path, media)


def test_unknown_schema(write_list, media: Path) -> None:
    with pytest.raises(InputError, match="'defw' is not known"):
        build(write_list('video,label', 'clip.mp4,sad'), media, classes='defw')


def test_missing_files_are_counted_and_ten_are_named(write_list, media: Path) -> None:
    path = write_list('video,label', 'clip.mp4,sad', *(f'gone_{i:02d}.mp4,sad' for i in range(12)))
    with pytest.raises(InputError, match='12 of 13 clips have files that are not there') as error:
        build(path, media)
    assert 'gone_09.mp4' in str(error.value) and 'gone_10.mp4' not in str(error.value)
    assert '... and 2 more' in str(error.value) and str(media) in str(error.value)


def test_missing_audio_file(write_list, media: Path) -> None:
    with pytest.raises(InputError, match=r'1 of 1 clips have files that are not there:\n.*gone\.wav'):
        build(write_list('frames,audio,label', 'frames,gone.wav,sad'), media)


@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('num_workers', [0, 1])
def test_a_clip_that_cannot_be_read_is_named_and_not_replaced(write_list, media: Path, test_mode: bool,
                                                              num_workers: int) -> None:
    data = build(write_list('video,label', 'clip.mp4,sad', 'text.mp4,sad'), media, pipeline=PIPELINE,
                 test_mode=test_mode)
    loader = DataLoader(data, batch_size=1, num_workers=num_workers, collate_fn=pseudo_collate)
    with pytest.raises(InputError) as error:
        list(loader)
    assert original_message(error.value).startswith(f'{media / "text.mp4"}: no video that can be opened')


@pytest.mark.parametrize('test_mode', [False, True])
def test_a_transform_that_gives_nothing(write_list, media: Path, test_mode: bool) -> None:
    if 'GiveNothing' not in TRANSFORMS.module_dict:
        TRANSFORMS.register_module(module=GiveNothing)
    data = build(write_list('video,label', 'clip.mp4,sad'), media, pipeline=[dict(type='GiveNothing')],
                 test_mode=test_mode)
    with pytest.raises(InputError, match=r'clip\.mp4: a transform of the pipeline gave nothing'):
        data[0]


def test_options_are_checked(write_list, media: Path) -> None:
    with pytest.raises(TypeError, match='max_refetch'):
        build(write_list('video,label', 'clip.mp4,sad'), media, max_refetch=5)
