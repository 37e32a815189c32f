import torch

from claip_emo_mm.apis.window_clip import dedup_frames
from claip_emo_mm.structures import MISSING_INDEX


def test_views_show_the_same_frames_and_each_is_there_once() -> None:
    images = torch.randint(0, 256, (4, 3, 5, 7), dtype=torch.uint8)
    clips = [images[[0, 1, 2]], images[[1, 2, 3]], images[:0], images[[3, 0]]]
    index = torch.tensor([[[0, 1], [1, 2]], [[3, 4], [4, 5]], [[MISSING_INDEX] * 2] * 2, [[6, 7], [7, 7]]])  # (B, V, T)
    inputs = dict(frames=torch.cat(clips).float(), frame_index=index, mel=torch.zeros(1))
    shared = dedup_frames(inputs, clips)
    assert len(shared['frames']) == 4 and set(shared) == set(inputs)
    places = torch.tensor([0, 1, 2, 1, 2, 3, 3, 0])  # of the frames among those that are kept
    present = index != MISSING_INDEX
    assert torch.equal(shared['frame_index'][present], places[index[present]])
    assert torch.equal(shared['frame_index'] == MISSING_INDEX, ~present)
    assert torch.equal(shared['frames'][shared['frame_index'][present]], inputs['frames'][index[present]])


def test_different_frames_stay_as_they_are() -> None:
    frames = torch.arange(6).view(2, 3, 1, 1)
    inputs = dict(frames=frames, frame_index=torch.tensor([[[0, 1]]]))
    assert dedup_frames(inputs, [frames.byte()]) is inputs
