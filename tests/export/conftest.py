"""A recognizer of a few thousand weights behind a real test pipeline, trained for nothing, with adapters that act."""
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from claip_emo_mm.engine.checkpoints import TrainedModel
from claip_emo_mm.export import Exported, export_onnx
from claip_emo_mm.toy.clips import write_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import VoiceIdentity

CLASSES = ['calm', 'loud', 'odd']


def small_config(visual: bool = True, audio: bool = True, neck: bool = True) -> Config:
    lora = dict(rank=2, alpha=4)
    model = dict(type='AudioVisualRecognizer', cls_head=dict(
        type='ConcatFusionHead', num_classes=3, visual_channels=16 * visual, audio_channels=12 * audio))
    pipeline = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', clip_len=4, frame_interval=3,
                                                       num_clips=2,
                                                       test_mode=True)]
    if visual:
        model['visual_backbone'] = dict(
            type='CLIPVisualBackbone', arch=dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8,
                                                 quick_gelu=True), lora=dict(lora, targets=['q_proj', 'c_fc']))
        if neck:
            model['visual_neck'] = dict(type='TemporalTransformer', embed_dims=16, num_frames=4, num_heads=2,
                                        head_dims=4, mlp_dims=8)
        pipeline += [dict(type='DecodeFrames'), dict(type='ResizeFrames', size=10, exact=True)]
    if audio:
        model['audio_backbone'] = dict(
            type='CLAPAudioBackbone', arch=dict(embed_dims=6, depths=[2, 1], num_heads=[2, 2], mel_bins=16,
                                                spec_size=64, fusion=True), lora=dict(lora, targets=['proj', 'fc1']))
        model['audio_neck'] = dict(type='AudioMeanPool')
        pipeline += [dict(type='LoadAudioWindows', sample_rate_hz=16000, window_s=4.),
                     dict(type='LogMel', sample_rate_hz=16000, num_mel_bins=16, window_ms=25, shift_ms=16,
                          num_frames=256)]
    pipeline.append(dict(type='PackAudioVisualInputs'))
    dataset = dict(type='AudioVisualDataset', ann_file='test.csv', data_root='nowhere', classes=tuple(CLASSES),
                   pipeline=pipeline, test_mode=True)
    return Config(dict(default_scope='mmaction', model=model, test_dataloader=dict(dataset=dataset)))


def sample_model(cfg: Config) -> nn.Module:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model).eval()
    for name, parameter in model.named_parameters():
        if '.lora_B.' in name or name == 'cls_head.fc.weight':
            nn.init.normal_(parameter, std=.3)
    for name, buffer in model.named_buffers():
        if name.endswith('running_var'):
            buffer.uniform_(.5, 2)
    return model


@pytest.fixture(scope='session')
def make_trained() -> Callable[..., TrainedModel]:
    """A function that builds a model with random weights of these components."""
    def make(**components: bool) -> TrainedModel:
        cfg = small_config(**components)
        return TrainedModel(sample_model(cfg), cfg, CLASSES)

    return make


@pytest.fixture(scope='session')
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn clip of 1.6 to 2.8 s with audio of 16 kHz."""
    path = tmp_path_factory.mktemp('video') / 'clip.mp4'
    random = np.random.default_rng(3)
    face = FaceIdentity.sample(random)
    write_clip(path, face, VoiceIdentity.sample(random, face.feminine), 'angry', 4)
    return path


@pytest.fixture(scope='session')
def trained(make_trained: Callable[..., TrainedModel]) -> TrainedModel:
    """Both modalities, its adapters unmerged."""
    return make_trained()


@pytest.fixture(scope='session')
def exported(make_trained: Callable[..., TrainedModel], video: Path, tmp_path_factory: pytest.TempPathFactory,
             ) -> Exported:
    """A model of the same weights as an ONNX file, and another one with 8-bit weights."""
    out = tmp_path_factory.mktemp('exported') / 'new' / 'model.onnx'
    return export_onnx(make_trained(), out, videos=[video], int8=True, source='epoch_1.pth')
