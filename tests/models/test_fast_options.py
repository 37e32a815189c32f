"""Precision and frame tolerance of the recognizer in tests."""
from collections.abc import Callable

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.apis.fast import speed_up
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualDataPreprocessor, AudioVisualRecognizer
from claip_emo_mm.models.layers.cpu_ops import has_bfloat16
from claip_emo_mm.models.layers.int8 import has_int8

Build = Callable[..., AudioVisualRecognizer]
needs_bfloat16 = pytest.mark.skipif(not has_bfloat16(), reason='a CPU without AVX512-BF16')


def scores(model: AudioVisualRecognizer, views: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        samples = model.eval()(views, [ActionDataSample() for _ in range(2)], mode='predict')
    return torch.stack([sample.pred_score for sample in samples])


@needs_bfloat16
def test_bfloat16_is_close_and_changes_no_weight(build_both: Build, views: dict[str, Tensor]) -> None:
    plain, fast = build_both(), build_both(precision='bf16')
    fast.load_state_dict(plain.state_dict())
    expected, found = scores(plain, views), scores(fast, views)
    assert found.dtype == torch.float32 and 1e-7 < (found - expected).abs().max() < .02
    fast.precision = 'fp32'
    assert torch.equal(scores(fast, views), expected)


@pytest.mark.parametrize(('precision', 'message'), [
    ('bf32', "precision is 'bf32'. Expected 'fp32', 'bf16' or 'fp16'"), (16, 'precision is 16. Expected')])
def test_bad_precision(build_both: Build, precision: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_both(precision=precision)


def test_precision_that_a_cpu_lacks(build_both: Build, views: dict[str, Tensor],
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="precision='fp16' is for GPUs"):
        scores(build_both(precision='fp16'), views)
    monkeypatch.setattr('claip_emo_mm.models.layers.precision.has_bfloat16', lambda: False)
    with pytest.raises(InputError, match="precision='bf16' is for CPUs with AVX512-BF16, which this one lacks"):
        scores(build_both(precision='bf16'), views)


def test_training_takes_no_lower_precision(build_both: Build, views: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match="precision='bf16' is for tests.*AmpOptimWrapper"):
        build_both(precision='bf16').train()(views, [ActionDataSample() for _ in range(2)], mode='loss')


def packed(brightness: list[list[int]]) -> dict:
    frames = [torch.tensor(clip, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2) for clip in brightness]
    index = [torch.arange(len(clip))[None] if clip else torch.full((1, len(brightness[0])), -1) for clip in brightness]
    return dict(inputs=dict(frames=frames, frame_index=index), data_samples=[ActionDataSample() for _ in frames])


def test_near_frames_are_dropped_in_tests() -> None:
    clips = [[10, 12, 13, 14, 10], [14, 14, 15, 19, 20], []]
    plain, near = (AudioVisualDataPreprocessor(frame_tolerance=tolerance, mean=[0, 0, 0], std=[1, 1, 1])
                   for tolerance in (0, 3))
    assert torch.equal(plain(packed(clips))['inputs']['frame_index'][:2, 0], torch.arange(10).view(2, 5))
    inputs = near(packed(clips))['inputs']
    assert inputs['frames'][:, 0, 0, 0].tolist() == [10, 13, 10, 14, 19]  # the second clip begins anew
    assert inputs['frame_index'][:, 0].tolist() == [[0, 0, 1, 1, 2], [3, 3, 3, 4, 4], [-1] * 5]
    assert len(near(packed(clips), training=True)['inputs']['frames']) == 10


@pytest.mark.parametrize('tolerance', [-1, 256, None, 'much', True])
def test_bad_tolerance(tolerance: object) -> None:
    with pytest.raises(InputError, match='AudioVisualDataPreprocessor: frame_tolerance is .* Expected a difference of'):
        AudioVisualDataPreprocessor(frame_tolerance=tolerance)


def test_speed_up_turns_on_what_a_cpu_has(build_both: Build, views: dict[str, Tensor],
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_both()
    keys = model.state_dict().keys()
    most = model.visual_backbone.most_merged
    taken = speed_up(model)
    assert taken.pop('precision', None) == ('bf16' if has_bfloat16() else None)
    assert taken.pop('visual_backbone.int8', False) is (has_int8() and not has_bfloat16())
    assert taken == {'data_preprocessor.frame_tolerance': 1., 'visual_backbone.merged_tokens': most // 2}
    assert model.visual_backbone.merged_tokens == most // 2 and model.data_preprocessor.frame_tolerance == 1
    assert model.state_dict().keys() == keys
    assert scores(model, views).isfinite().all()
    monkeypatch.setattr('claip_emo_mm.apis.fast.has_bfloat16', lambda: False)
    monkeypatch.setattr('claip_emo_mm.apis.fast.has_int8', lambda: True)
    assert speed_up(build_both())['visual_backbone.int8'] is True
    monkeypatch.setattr('claip_emo_mm.apis.fast.has_int8', lambda: False)
    other = build_both()
    other.data_preprocessor.frame_tolerance = 5.
    assert speed_up(other) == {'visual_backbone.merged_tokens': most // 2}
    assert other.precision == 'fp32' and not other.visual_backbone.int8 and other.data_preprocessor.frame_tolerance == 5


def test_speed_up_of_another_model() -> None:
    with pytest.raises(InputError, match='fast: is for an AudioVisualRecognizer, but the model is a Linear'):
        speed_up(nn.Linear(1, 1))
