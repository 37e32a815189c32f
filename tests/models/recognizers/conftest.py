"""A tiny recognizer of both modalities, and a batch for it."""
from collections.abc import Callable

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope

from claip_emo_mm.models import AudioVisualRecognizer

K = 5


@pytest.fixture
def build_both() -> Callable[..., AudioVisualRecognizer]:
    """Build it in evaluation; features 16 (visual) and 12 (audio) wide, 3 frames a view, 5 classes."""
    def build(**options: object) -> AudioVisualRecognizer:
        with DefaultScope.overwrite_default_scope('mmaction'):
            torch.manual_seed(0)
            return MODELS.build({**dict(
                type='AudioVisualRecognizer',
                visual_backbone=dict(
                    type='CLIPVisualBackbone', arch=dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8),
                    lora=dict(targets=['q_proj', 'c_fc'], rank=2, alpha=4)),
                visual_neck=dict(type='TemporalTransformer', embed_dims=16, num_frames=3, num_heads=2, head_dims=4,
                                 mlp_dims=8),
                audio_backbone=dict(
                    type='CLAPAudioBackbone', arch=dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16,
                                                        spec_size=64),
                    spec_augment=False, lora=dict(targets=['proj', 'fc1'], rank=2, alpha=4)),
                audio_neck=dict(type='AudioMeanPool'),
                cls_head=dict(type='ConcatFusionHead', num_classes=K, visual_channels=16, audio_channels=12)),
                **options}).eval()
    return build


@pytest.fixture
def views() -> dict[str, torch.Tensor]:
    """Two clips of two views: 5 distinct frames, 3 distinct sounds."""
    generator = torch.Generator().manual_seed(0)
    return dict(frames=torch.randn(5, 3, 10, 10, generator=generator),
                frame_index=torch.tensor([[[0, 1, 1], [1, 1, 2]], [[3, 4, 4], [3, 4, 4]]]),
                mel=torch.randn(3, 1, 256, 16, generator=generator), audio_index=torch.tensor([[0, 1], [2, 2]]))
