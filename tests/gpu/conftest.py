"""Tests of what differs on a GPU. Without one they are skipped, or run on the device that DEVICE_VARIABLE names."""
import os
from collections.abc import Callable

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope

from claip_emo_mm.models import AudioVisualRecognizer

DEVICE_VARIABLE = 'CLAIP_EMO_GPU_TESTS_DEVICE'


@pytest.fixture(scope='session')
def device() -> torch.device:
    """The device of the tests, in full precision: TF32 is off."""
    name = os.environ.get(DEVICE_VARIABLE) or ('cuda:0' if torch.cuda.is_available() else '')
    if not name:
        pytest.skip(f'PyTorch finds no GPU here; {DEVICE_VARIABLE}=cpu runs these tests on the CPU')
    torch.backends.cudnn.allow_tf32 = False  # on by default, for convolutions
    return torch.device(name)


@pytest.fixture
def build(device: torch.device) -> Callable[..., AudioVisualRecognizer]:
    """Build a tiny recognizer of both modalities on the device: frames of 32 x 32, 3 a view, 5 classes."""
    def make(dropout: float = 0., to: torch.device | str = device, **options: object) -> AudioVisualRecognizer:
        lora = dict(rank=2, alpha=4, dropout=dropout)
        with DefaultScope.overwrite_default_scope('mmaction'):
            torch.manual_seed(0)
            model = MODELS.build({**dict(
                type='AudioVisualRecognizer',
                visual_backbone=dict(
                    type='CLIPVisualBackbone', lora=dict(lora, targets=['q_proj', 'k_proj', 'c_fc', 'c_proj']),
                    arch=dict(image_size=32, patch_size=16, width=64, layers=2, head_width=32, quick_gelu=True)),
                visual_neck=dict(type='TemporalTransformer', embed_dims=64, num_frames=3),
                audio_backbone=dict(
                    type='CLAPAudioBackbone', lora=dict(lora, targets=['proj', 'fc1']), spec_augment=False,
                    drop_path_rate=0., arch=dict(embed_dims=16, depths=[2, 1], num_heads=[2, 2], mel_bins=16,
                                                 spec_size=64)),
                audio_neck=dict(type='AudioMeanPool'),
                cls_head=dict(type='ConcatFusionHead', num_classes=5, visual_channels=64, audio_channels=32)),
                **options})
        for name, parameter in model.named_parameters():
            if '.lora_B.' in name:
                torch.nn.init.normal_(parameter, std=.05)
        return model.to(to)
    return make
