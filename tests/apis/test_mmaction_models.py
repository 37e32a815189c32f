"""Inference and attention with checkpoints of MMAction2's recognizers, as configs/mix makes them."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from tool_runs import call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.engine.checkpoints import META_KEY, frozen_keys, make_metadata, weight_hash
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.resolve import with_random_weights

CLIP = dict(image_size=32, patch_size=16, width=16, layers=2, head_width=8)
CLAP = dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64)
SMALL = dict(ResizeFrames=dict(size=32), SampleFrameViews=dict(clip_len=4),
             LoadAudioWindows=dict(sample_rate_hz=16000, window_s=3.072),
             LogMel=dict(sample_rate_hz=16000, num_mel_bins=16, window_ms=25, shift_ms=12, num_frames=256))


def save_small(name: str, folder: Path, classes: tuple[str, ...] | None = None, weights: str | None = None,
               **head: object) -> tuple[str, Config]:
    """Save a small model of a config in configs/mix as tools/train.py would, random where no weights are given.

    Returns its path and config.
    """
    cfg = load_config(f'configs/mix/{name}.py')
    cfg.model = with_random_weights(cfg.model.to_dict())
    is_audio = 'audio' in name
    cfg.model.backbone.pretrained = weights
    cfg.model.backbone.arch = CLAP if is_audio else CLIP
    cfg.model.cls_head.update(in_channels=12 if is_audio else 16, **head)
    for step in cfg.test_dataloader.dataset.pipeline:
        step.update(SMALL.get(step.type, {}))
    torch.manual_seed(3)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model)
    for parameter in model.cls_head.parameters():
        torch.nn.init.normal_(parameter)
    path = folder / f'{name}.pth'
    if classes is None:
        classes = ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')
    omitted = frozen_keys(model)
    hashes = {part: weight_hash(model, keys) for part, keys in omitted.items()}
    state = {key: value for key, value in model.state_dict().items() if key not in sum(omitted.values(), [])}
    torch.save(dict(state_dict=state, meta={META_KEY: make_metadata(cfg, classes, model, hashes)}), path)
    return str(path), cfg


@pytest.fixture
def video(toy_set: Path) -> Path:
    return next((toy_set / 'videos').glob('test*.mp4'))


@pytest.mark.parametrize('name, head', [('tsn_clip-vitb16_lora_dfew', {}), ('tsm_clip-vitb16_lora_dfew',
                                                                           dict(num_segments=4))])
def test_scores_are_those_of_mmaction(name: str, head: dict, video: Path, tmp_path: Path) -> None:
    checkpoint, cfg = save_small(name, tmp_path, **head)
    infer = EmotionInferencer(checkpoint)
    with DefaultScope.overwrite_default_scope('mmaction'):
        sample = Compose(cfg.test_dataloader.dataset.pipeline)(dict(filename=str(video)))
    with torch.no_grad():
        expected = infer.model.test_step(pseudo_collate([sample]))[0].pred_score
    whole = infer.infer(video, face='none').scores
    np.testing.assert_allclose(list(whole.values()), expected, atol=1e-6)
    faces = infer.infer(video, window_s=1, stride_s=1)  # the crop of the face: other scores, and a box
    assert all(row.box for row in faces.rows) and sum(faces.scores.values()) == pytest.approx(1, abs=1e-6)
    assert max(abs(faces.scores[key] - whole[key]) for key in whole) > 1e-4


def test_audio_alone(video: Path, tmp_path: Path) -> None:
    checkpoint, _ = save_small('tsn-audio_clap_sounds', tmp_path, classes=())
    result = EmotionInferencer(checkpoint).infer(video)
    assert result.classes == ['0', '1', '2', '3', '4', '5', '6']  # the checkpoint knows no names
    assert sum(result.scores.values()) == pytest.approx(1, abs=1e-6)


def test_heads_without_probabilities_are_refused(tmp_path: Path) -> None:
    checkpoint, _ = save_small('tsn_clip-vitb16_lora_dfew', tmp_path, average_clips=None)
    with pytest.raises(InputError, match='average_clips is None.*Set model.cls_head.average_clips=prob'):
        EmotionInferencer(checkpoint)
    assert EmotionInferencer(checkpoint, cfg_options={'model.cls_head.average_clips': 'prob'}).classes[0] == 'happy'


def test_attention(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                   capsys: pytest.CaptureFixture) -> None:
    checkpoint, _ = save_small('tsn_clip-vitb16_lora_dfew', tmp_path)
    out = tmp_path / 'attention'
    assert call_tool(monkeypatch, 'analysis_tools/attention.py', checkpoint, video, '--out', out) == 0
    assert capsys.readouterr().out == f'{out / f"001_{video.stem}.png"}\n'
    checkpoint, _ = save_small('tsn-audio_clap_sounds', tmp_path)
    assert call_tool(monkeypatch, 'analysis_tools/attention.py', checkpoint, video, '--out', out) == 1
    assert 'the model has no CLIPVisualBackbone (model.type is RecognizerAudio)' in capsys.readouterr().err
