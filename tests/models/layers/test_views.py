"""Views encoded once, in chunks of bounded size."""
from collections.abc import Callable

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.layers.views import encode_in_chunks

Build = Callable[..., AudioVisualRecognizer]


def sizes(module: nn.Module) -> list[int]:
    """The numbers of inputs that a module gets from now on."""
    found: list[int] = []
    module.register_forward_pre_hook(lambda _, args: found.append(len(args[0])))
    return found


def predict(model: nn.Module, inputs: dict[str, Tensor], num_clips: int) -> Tensor:
    with torch.no_grad():
        samples = model(inputs, [ActionDataSample() for _ in range(num_clips)], mode='predict')
    return torch.stack([sample.pred_score for sample in samples])


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Three clips of two windows: 11 distinct frames, 4 distinct audio windows; the windows of the second are the
    same.
    """
    generator = torch.Generator().manual_seed(0)
    return dict(frames=torch.randn(11, 3, 10, 10, generator=generator),
                frame_index=torch.tensor([[[0, 1, 2], [2, 3, 4]], [[5, 6, 6]] * 2, [[7, 8, 9], [8, 9, 10]]]),
                mel=torch.randn(4, 1, 256, 16, generator=generator), audio_index=torch.tensor([[0, 1], [2, 2], [3, 3]]))


def test_scores_are_those_of_two_windows_times_two_equal_crops(build_both: Build, batch: dict[str, Tensor]) -> None:
    model = build_both()
    found = predict(model, batch, 3)
    with torch.no_grad():
        for clip in range(3):
            scores = []
            for window in range(2):
                for _ in range(2):  # crops
                    plain = dict(frames=batch['frames'][batch['frame_index'][clip, window]][None],
                                 mel=batch['mel'][batch['audio_index'][clip, window]][None])
                    scores.append(model(plain).softmax(-1)[0])
            torch.testing.assert_close(found[clip], torch.stack(scores).mean(0), rtol=0, atol=1e-5)


def test_equal_views_are_read_once_and_weigh_twice(build_both: Build, batch: dict[str, Tensor]) -> None:
    model = build_both()
    read = sizes(model.visual_neck)
    found = predict(model, batch, 3)
    assert read == [5]  # of 6 views
    expected = predict(model, dict(batch, frame_index=batch['frame_index'][:, :1], audio_index=batch['audio_index'][
        :, :1]), 3)
    torch.testing.assert_close(found[1], expected[1])


@pytest.mark.parametrize(('frames', 'audio', 'chunks'), [
    (4, 3, ([4, 4, 3], [3, 1])), (11, 4, ([11], [4])), (None, None, ([11], [4])), (1, 1, ([1] * 11, [1] * 4))])
def test_no_chunk_is_larger_than_allowed(build_both: Build, batch: dict[str, Tensor], frames: int | None,
                                        audio: int | None, chunks: tuple[list[int], list[int]]) -> None:
    model = build_both(frame_chunk_size=frames, audio_chunk_size=audio)
    found = sizes(model.visual_backbone), sizes(model.audio_backbone)
    scores = predict(model, batch, 3)
    assert found == chunks
    torch.testing.assert_close(scores, predict(build_both(), batch, 3), rtol=0, atol=1e-6)


def test_training_takes_one_chunk(build_both: Build, batch: dict[str, Tensor]) -> None:
    model = build_both(frame_chunk_size=2, audio_chunk_size=1).train()
    found = sizes(model.visual_backbone), sizes(model.audio_backbone)
    model.extract_feat(batch)
    assert found == ([11], [4])


@pytest.mark.parametrize(('chunk_size', 'chunks'), [(64, [16, 16, 8]), (15, [15, 15, 10]), (None, [40])])
def test_chunks_are_small_on_a_cpu(chunk_size: int | None, chunks: list[int]) -> None:
    backbone, inputs = nn.Identity().eval(), torch.randn(40, 3)
    found = sizes(backbone)
    assert torch.equal(encode_in_chunks(backbone, None, inputs, chunk_size), inputs)
    assert found == chunks
