"""What a model for both modalities gives from one of them."""
from collections.abc import Callable

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualRecognizer

Build = Callable[..., AudioVisualRecognizer]


def predict(model: nn.Module, inputs: dict[str, Tensor], num_clips: int = 2) -> Tensor:
    with torch.no_grad():
        samples = model(inputs, [ActionDataSample() for _ in range(num_clips)], mode='predict')
    return torch.stack([sample.pred_score for sample in samples])


@pytest.mark.parametrize(('kept', 'columns'), [('visual', slice(12, None)), ('audio', slice(0, 12))])
def test_the_other_feature_is_zeros_and_its_backbone_does_not_run(build_both: Build, views: dict[str, Tensor],
                                                                  kept: str, columns: slice) -> None:
    both, one = build_both(), build_both(modality=kept)
    assert both.state_dict().keys() == one.state_dict().keys()
    other = one.audio_backbone if kept == 'visual' else one.visual_backbone
    other.register_forward_pre_hook(lambda module, inputs: pytest.fail('it ran'))
    prefix = 'frame' if kept == 'visual' else ('mel', 'audio')
    alone = {key: value for key, value in views.items() if key.startswith(prefix)}
    with torch.no_grad():
        feature = both.extract_feat(views)[kept]  # (B*V, D)
        logits = feature @ both.cls_head.fc.weight[:, columns].T + both.cls_head.fc.bias
    expected = logits.softmax(-1).view(2, 2, 5).mean(1)
    torch.testing.assert_close(predict(one, alone), expected)
    torch.testing.assert_close(predict(one, views), expected)  # what is not read may be there
    plain = dict(frames=views['frames'][views['frame_index'][:, 0]], mel=views['mel'][views['audio_index'][:, 0]])
    torch.testing.assert_close(one(plain), logits[::2])


def test_it_is_a_key_of_the_config() -> None:
    cfg = Config(dict(model=dict(
        type='AudioVisualRecognizer', visual_backbone=dict(type='CLIPVisualBackbone', arch=dict(
            image_size=10, patch_size=5, width=16, layers=1, head_width=8)),
        audio_backbone=dict(type='CLAPAudioBackbone', arch=dict(
            embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64)),
        audio_neck=dict(type='AudioMeanPool'),
        cls_head=dict(type='ConcatFusionHead', num_classes=5, visual_channels=16, audio_channels=12))))
    cfg.model.modality = 'visual'
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model).eval()
    assert model(dict(frames=torch.zeros(2, 3, 3, 10, 10))).shape == (2, 5)


def test_heads_that_read_tokens_get_one_token_of_zeros(build_both: Build, views: dict[str, Tensor]) -> None:
    parts = dict(
        visual_neck=dict(type='FrameTokens', embed_dims=16, num_frames=3, num_heads=2, head_dims=4, mlp_dims=8),
        audio_neck=dict(type='AudioTokens', embed_dims=12, num_steps=16),
        cls_head=dict(type='CrossAttentionFusionHead', num_classes=5, visual_channels=16, audio_channels=12,
                      embed_dims=6, num_heads=2))
    model = build_both(modality='visual', **parts)
    with torch.no_grad():
        features = model.extract_feat(views)
        assert features['audio'].shape == (4, 1, 12) and not features['audio'].any()
        expected = model.cls_head(features['visual'], torch.zeros(4, 16, 12))
        torch.testing.assert_close(model.cls_head(**features), expected)


def test_the_heads_of_mmaction_get_the_width_that_is_left(build_both: Build, views: dict[str, Tensor]) -> None:
    model = build_both(modality='audio', cls_head=dict(
        type='MMActionFusionHead', head=dict(type='TSNHead', num_classes=5, in_channels=28, average_clips='prob')))
    features = model.extract_feat(views)
    assert features['visual'].shape == (4, 16) and not features['visual'].any()
    assert predict(model, views).shape == (2, 5)


def test_bad_options(build_both: Build, views: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match="modality is 'sound'. Expected 'both', 'visual' or 'audio'"):
        build_both(modality='sound')
    with pytest.raises(InputError, match="modality='audio', but the model has no audio_backbone"):
        build_both(modality='audio', audio_backbone=None, audio_neck=None)
    with pytest.raises(InputError, match="modality='visual' is for tests.*leave the backbone of the other out"):
        build_both(modality='visual')(views, [ActionDataSample().set_gt_label(0)] * 2, mode='loss')
    with pytest.raises(InputError, match="the inputs have no 'mel'"):
        build_both(modality='audio')({'frames': views['frames']}, [ActionDataSample()] * 2, mode='predict')
    with pytest.raises(InputError, match='frame_chunk_size is 0. Expected at least 1'):
        build_both(frame_chunk_size=0)
