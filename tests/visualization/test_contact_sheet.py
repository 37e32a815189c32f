from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError
from claip_emo_mm.visualization import make_contact_sheet, write_contact_sheets

CLASSES = ['calm', 'loud']


def packed(label: int = 1) -> dict:
    """Two views of ten frames of 4 x 6 out of three gray ones, each with an audio clip of its own."""
    frames = torch.stack([torch.full((3, 4, 6), 50 * number, dtype=torch.uint8) for number in (1, 2, 3)])
    index = torch.tensor([[0, 1, 2, 2, 2, 2, 2, 2, 2, 2], [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]])
    mel = torch.arange(2 * 7 * 5).view(2, 1, 7, 5).float()
    sample = ActionDataSample(metainfo=dict(frame_dir='clips/00007', total_frames=31, audio_missing=False))
    return dict(inputs=dict(frames=frames, frame_index=index, mel=mel, audio_index=torch.tensor([1, 0])),
                data_samples=sample.set_gt_label(label))


class TwoClips:
    metainfo = dict(classes=CLASSES)

    def __len__(self) -> int:
        return 2

    def get_data_info(self, index: int) -> dict:
        return dict(frame_dir=f'clips/0000{index}', label=index)

    def __getitem__(self, index: int) -> dict:
        return packed(index)


def test_every_view_shows_its_frames_in_order_and_its_audio() -> None:
    sample = packed()
    metric = make_contact_sheet(sample['inputs'], sample['data_samples'], CLASSES)
    assert metric.get_suptitle() == 'loud   clips/00007   (31 frames)'
    images = [axis.get_images()[0].get_array() for axis in metric.axes]
    assert [image.shape for image in images] == [(8, 48, 3), (5, 7)] * 2
    assert images[0][0, ::6, 0].tolist() == [50, 100] + [150] * 6  # the first frames of the first view
    assert images[0][4, ::6, 0].tolist() == [150, 150] + [255] * 6  # two more, then nothing
    assert images[2][0, ::6, 0].tolist() == [150, 100] + [50] * 6
    assert images[2][4, ::6, 0].tolist() == [50, 100] + [255] * 6
    assert np.array_equal(images[1], sample['inputs']['mel'][1, 0].T) and images[3][0, 1] == 5


@pytest.mark.parametrize('absent', [('frames', 'frame_index'), ('mel', 'audio_index')])
def test_one_modality(absent: tuple[str, str]) -> None:
    sample = packed()
    inputs = {key: value for key, value in sample['inputs'].items() if key not in absent}
    assert len(make_contact_sheet(inputs, sample['data_samples'], CLASSES).axes) == 2


def test_files_are_named_and_not_replaced_unasked(tmp_path: Path) -> None:
    names = [path.name for path in write_contact_sheets(TwoClips(), tmp_path / 'sheets', 5)]
    assert names == ['00000_calm_00000.png', '00001_loud_00001.png']
    assert sorted(path.name for path in (tmp_path / 'sheets').iterdir()) == names
    assert cv2.imread(str(tmp_path / 'sheets' / names[0])).shape[1] == 960  # 12 inches at 80 dots
    with pytest.raises(InputError, match=r'00000_calm_00000\.png: is there already \(1 of 1 sheets are\)'):
        write_contact_sheets(TwoClips(), tmp_path / 'sheets', 1)
    assert len(write_contact_sheets(TwoClips(), tmp_path / 'sheets', 5, overwrite=True)) == 2


def test_a_soft_label_shows_its_largest_class() -> None:
    sample = packed()
    sample['data_samples'].set_gt_label(torch.tensor([.7, .3]))
    figure = make_contact_sheet(sample['inputs'], sample['data_samples'], CLASSES)
    assert figure.get_suptitle() == 'calm   clips/00007   (31 frames)'
