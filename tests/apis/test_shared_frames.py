import torch

from claip_emo_mm.apis.shared_frames import number_frames, share_frames
from claip_emo_mm.datasets.left_out import LEFT_OUT


def test_views_show_the_same_pictures_and_each_is_there_once() -> None:
    pictures = torch.randint(0, 256, (4, 3, 5, 7), dtype=torch.uint8)
    clips = [pictures[[0, 1, 2]], pictures[[1, 2, 3]], pictures[:0], pictures[[3, 0]]]
    numbers = number_frames(clips)
    assert numbers == [0, 1, 2, 1, 2, 5, 5, 0]
    index = torch.tensor([[[0, 1], [1, 2]], [[3, 4], [4, 5]], [[LEFT_OUT] * 2] * 2, [[6, 7], [7, 7]]])  # (B, V, T)
    inputs = dict(frames=torch.cat(clips).float(), frame_index=index, mel=torch.zeros(1))
    shared = share_frames(inputs, numbers)
    assert len(shared['frames']) == 4 and set(shared) == set(inputs)
    seen = index != LEFT_OUT
    assert torch.equal(shared['frame_index'] == LEFT_OUT, ~seen)
    assert torch.equal(shared['frames'][shared['frame_index'][seen]], inputs['frames'][index[seen]])


def test_different_pictures_stay_as_they_are() -> None:
    frames = torch.arange(6).view(2, 3, 1, 1)
    inputs = dict(frames=frames, frame_index=torch.tensor([[[0, 1]]]))
    assert share_frames(inputs, number_frames([frames.byte()])) is inputs
