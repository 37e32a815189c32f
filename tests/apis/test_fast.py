"""Inference with the options that are faster."""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.models.layers.cpu_ops import has_bfloat16
from claip_emo_mm.models.layers.int8 import has_int8


def test_the_result_says_what_was_on(checkpoint: Path, toy_set: Path) -> None:
    video = next((toy_set / 'videos').glob('test*.mp4'))
    exact, fast = EmotionInferencer(str(checkpoint), 'cpu'), EmotionInferencer(str(checkpoint), 'cpu', fast=True)
    expected, found = (infer.infer(video, face='none', window_s=1.) for infer in (exact, fast))
    assert expected.to_dict()['model']['fast'] == {}
    on = found.to_dict()['model']['fast']
    assert on['data_preprocessor.frame_tolerance'] == 1
    assert on.get('visual_backbone.int8', False) is (has_int8() and not has_bfloat16())
    assert on['visual_backbone.merged_tokens'] == fast.model.visual_backbone.most_merged // 2 > 0
    scores = [torch.tensor([list(row.scores.values()) for row in result.rows]) for result in (expected, found)]
    assert scores[0].shape == scores[1].shape and torch.allclose(scores[1].sum(1), torch.ones(len(scores[1])))
    assert not torch.equal(*scores)


def test_a_frame_that_two_batches_share_is_encoded_once(checkpoint: Path, toy_set: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    video = next((toy_set / 'videos').glob('test*.mp4'))
    infer = EmotionInferencer(str(checkpoint), 'cpu')
    encode, sizes = infer.model.encode_frames, []

    def counted(frames: torch.Tensor) -> torch.Tensor:
        sizes.append(len(frames))
        return encode(frames)

    monkeypatch.setattr(infer.model, 'encode_frames', counted)
    rows = {}
    for batch_size in (1, 8):
        sizes.clear()
        rows[batch_size] = infer.infer(video, face='none', window_s=1., stride_s=1 / 6, batch_size=batch_size).rows
        rows[batch_size].append(sum(sizes))
    assert len(rows[1]) > 4 and rows[1].pop() == rows[8].pop()
    for one, many in zip(rows[1], rows[8], strict=True):
        assert list(one.scores.values()) == pytest.approx(list(many.scores.values()), abs=1e-5)


def test_two_threads_may_use_one_inferencer(checkpoint: Path, toy_set: Path) -> None:
    videos = sorted((toy_set / 'videos').glob('test*.mp4'))[:2]
    infer = EmotionInferencer(str(checkpoint), 'cpu')

    def scores(video: Path) -> list[dict[str, float]]:
        return [row.scores for row in infer.infer(video, face='none', window_s=1., stride_s=1 / 6, batch_size=1).rows]

    expected = [scores(video) for video in videos]
    assert expected[0] != expected[1]
    with ThreadPoolExecutor(2) as pool:
        for found, wanted in zip(pool.map(scores, videos * 3), expected * 3, strict=True):
            assert found == wanted
