"""Clips with audio, without audio and without frames in one batch."""
from collections.abc import Callable

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.models import AudioVisualRecognizer

Build = Callable[..., AudioVisualRecognizer]


@pytest.fixture
def mixed() -> dict[str, Tensor]:
    """Four clips of one view: with both, without audio, without frames, with both; 4 frames, 3 audio."""
    generator = torch.Generator().manual_seed(0)
    return dict(frames=torch.randn(4, 3, 10, 10, generator=generator),
                frame_index=torch.tensor([[[0, 1, 1]], [[2, 2, 2]], [[-1, -1, -1]], [[3, 3, 1]]]),
                mel=torch.randn(3, 1, 256, 16, generator=generator), audio_index=torch.tensor([[0], [-1], [2], [1]]))


def labeled(count: int = 4) -> list[ActionDataSample]:
    return [ActionDataSample().set_gt_label(label) for label in range(count)]


def test_what_is_missing_is_a_feature_of_zeros(build_both: Build, mixed: dict[str, Tensor]) -> None:
    model = build_both()
    with torch.no_grad():
        features = model.extract_feat(mixed)
        for clip, (frames, window) in enumerate([([0, 1, 1], 0), ([2, 2, 2], None), (None, 2), ([3, 3, 1], 1)]):
            visual, audio = torch.zeros(16), torch.zeros(12)
            if frames is not None:
                visual = model.visual_neck(model.visual_backbone(mixed['frames'][frames])[None])[0]
            if window is not None:
                audio = model.audio_backbone(mixed['mel'][[window]]).mean((0, 2, 3))
            torch.testing.assert_close(features['visual'][clip], visual)
            torch.testing.assert_close(features['audio'][clip], audio)


def lacking(mixed: dict[str, Tensor], key: str, index_key: str) -> dict[str, Tensor]:
    """The batch without any frames, or without any audio."""
    return dict(mixed, **{key: mixed[key][:0], index_key: torch.full_like(mixed[index_key], -1)})


@pytest.mark.parametrize(('key', 'index_key', 'name'), [('frames', 'frame_index', 'visual'),
                                                        ('mel', 'audio_index', 'audio')])
def test_all_that_is_trained_gets_gradients_where_no_clip_has_it(build_both: Build, mixed: dict[str, Tensor], key: str,
                                                                 index_key: str, name: str) -> None:
    model = build_both().train()
    backbone = getattr(model, f'{name}_backbone')
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model(lacking(mixed, key, index_key), labeled(), mode='loss')['loss_cls'].backward()
    for parameter_name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, parameter_name
    assert not any(parameter.grad.any() for parameter in backbone.parameters() if parameter.requires_grad)
    assert model.cls_head.fc.weight.grad.any()
    own = {key: value for key, value in model.state_dict().items() if key.startswith(f'{name}_')}
    assert all(torch.equal(before[key], value) for key, value in own.items())  # statistics of batch norms, too
    assert backbone.training and all(module.training for module in backbone.modules() if isinstance(
        module, nn.BatchNorm2d))


def test_a_batch_without_audio_is_scored_as_by_the_frames_alone(build_both: Build, mixed: dict[str, Tensor]) -> None:
    with torch.no_grad():
        found = build_both()(lacking(mixed, 'mel', 'audio_index'), labeled(), mode='predict')
        expected = build_both(modality='visual')(mixed, labeled(), mode='predict')
    torch.testing.assert_close([sample.pred_score for sample in found], [sample.pred_score for sample in expected])


def test_a_backbone_for_views_encodes_the_clips_that_have_some(build_both: Build, mixed: dict[str, Tensor]) -> None:
    model = build_both(visual_backbone=dict(type='VideoBackboneWrapper', backbone=dict(
        type='mmaction.ResNet3dSlowOnly', depth=18, pretrained=None, pretrained2d=False, base_channels=2, num_stages=2,
        out_indices=(1,), spatial_strides=(1, 2), temporal_strides=(1, 1), dilations=(1, 1), inflate=(1, 1),
        with_pool1=False)), visual_neck=None, cls_head=dict(
            type='ConcatFusionHead', num_classes=5, visual_channels=4, audio_channels=12))
    counts: list[int] = []
    model.visual_backbone.register_forward_pre_hook(lambda module, inputs: counts.append(len(inputs[0])))
    with torch.no_grad():
        features = model.extract_feat(mixed)['visual']
        shown = mixed['frames'][mixed['frame_index'][[0, 1, 3], 0]]
        torch.testing.assert_close(features[[0, 1, 3]], model.visual_backbone(shown).mean(1))
        assert not features[2].any() and counts[0] == 3
        nothing = model.extract_feat(lacking(mixed, 'frames', 'frame_index'))['visual']
        assert nothing.shape == (4, 4) and not nothing.any()
