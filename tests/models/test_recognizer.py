import pytest
import torch
from mmaction.models.backbones import ResNet
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualRecognizer

VISUAL = dict(
    visual_backbone=dict(type='CLIPVisualBackbone', arch=dict(image_size=10, patch_size=5, width=16, layers=2,
                                                              head_width=8)),
    visual_neck=dict(type='TemporalTransformer', embed_dims=16, num_frames=3, num_heads=2, head_dims=4, mlp_dims=8))
AUDIO = dict(
    audio_backbone=dict(type='CLAPAudioBackbone', arch=dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16,
                                                            spec_size=64)),
    audio_neck=dict(type='AudioMeanPool'))
K = 5


def build(visual: bool = True, audio: bool = True) -> AudioVisualRecognizer:
    DefaultScope.get_instance('recognizer_test', scope_name='mmaction')
    torch.manual_seed(0)
    head = dict(type='ConcatFusionHead', num_classes=K, visual_channels=16 * visual, audio_channels=12 * audio)
    parts = {**(VISUAL if visual else {}), **(AUDIO if audio else {})}
    return MODELS.build(dict(type='AudioVisualRecognizer', cls_head=head, **parts)).eval()


def count_items(module: nn.Module) -> list[int]:
    counts: list[int] = []
    module.register_forward_hook(lambda _, inputs, __: counts.append(len(inputs[0])))
    return counts


def test_scores_are_those_of_every_view_encoded_on_its_own(views: dict[str, torch.Tensor]) -> None:
    model = build()
    frames, audio = count_items(model.visual_backbone), count_items(model.audio_backbone)
    with torch.no_grad():
        samples = model(views, [ActionDataSample(), ActionDataSample()], mode='predict')
        assert (frames, audio) == ([5], [3])  # each distinct one once
        for clip, sample in enumerate(samples):
            scores = []
            for view in range(2):
                plain = dict(frames=views['frames'][views['frame_index'][clip, view]][None],
                             mel=views['mel'][views['audio_index'][clip, view]][None])
                scores.append(model(plain).softmax(-1)[0])
            torch.testing.assert_close(sample.pred_score, torch.stack(scores).mean(0))
            assert sample.pred_label.item() == torch.stack(scores).mean(0).argmax().item()


def test_loss_is_the_cross_entropy_of_the_logits(views: dict[str, torch.Tensor]) -> None:
    model = build()
    one_view = dict(views, frame_index=views['frame_index'][:, :1], audio_index=views['audio_index'][:, :1])
    samples = [ActionDataSample().set_gt_label(label) for label in (3, 1)]
    with torch.no_grad():
        losses = model(one_view, samples, mode='loss')
        logits = model(dict(frames=views['frames'][one_view['frame_index'][:, 0]],
                            mel=views['mel'][one_view['audio_index'][:, 0]]))
    log_scores = logits.log_softmax(-1)
    torch.testing.assert_close(losses['loss_cls'], -(log_scores[0, 3] + log_scores[1, 1]) / 2)


@pytest.mark.parametrize(('visual', 'audio'), [(True, False), (False, True)])
def test_one_modality_is_a_model(views: dict[str, torch.Tensor], visual: bool, audio: bool) -> None:
    model = build(visual, audio)
    kept = {key: value for key, value in views.items() if key.startswith('frame') == visual}
    assert model(kept, [ActionDataSample(), ActionDataSample()], mode='predict')[0].pred_score.shape == (K,)
    plain = dict(frames=torch.zeros(2, 3, 3, 10, 10)) if visual else dict(mel=torch.zeros(2, 1, 256, 16))
    assert model(plain).shape == (2, K)


def test_plain_frames_get_silent_audio() -> None:
    """As MMAction2's get_flops gives them."""
    frames = torch.randn(2, 3, 3, 10, 10)
    model = build()
    features = model.extract_feat(frames)
    expected = model.extract_feat(dict(
        frames=frames.flatten(0, 1), frame_index=torch.arange(6).view(2, 1, 3),
        mel=torch.zeros(1, 1, 256, 16), audio_index=torch.zeros(2, 1, dtype=torch.long)))
    for modality in ('visual', 'audio'):
        torch.testing.assert_close(features[modality], expected[modality])
    assert set(build(audio=False).extract_feat(frames)) == {'visual'}


def test_frames_are_averaged_without_a_neck() -> None:
    DefaultScope.get_instance('recognizer_test', scope_name='mmaction')
    model = MODELS.build(dict(
        type='AudioVisualRecognizer', visual_backbone=VISUAL['visual_backbone'],
        cls_head=dict(type='ConcatFusionHead', num_classes=K, visual_channels=16)))
    frames = torch.randn(2, 4, 3, 10, 10)
    mean = model.visual_backbone(frames.flatten(0, 1)).view(2, 4, 16).mean(1)
    torch.testing.assert_close(model(dict(frames=frames)), model.cls_head.fc(mean))


def test_what_is_missing_is_named(views: dict[str, torch.Tensor]) -> None:
    model = build()
    with pytest.raises(InputError, match="the inputs have no 'mel'"):
        model({key: value for key, value in views.items() if key != 'mel'}, [ActionDataSample()] * 2, mode='predict')
    with pytest.raises(InputError, match='4 views for 2 clips in training'):
        model(views, [ActionDataSample().set_gt_label(0)] * 2, mode='loss')
    with pytest.raises(InputError, match='both missing'):
        AudioVisualRecognizer(cls_head=dict(type='ConcatFusionHead', num_classes=K))
    with pytest.raises(InputError, match='audio_neck is given without audio_backbone'):
        AudioVisualRecognizer(cls_head={}, audio_neck=AUDIO['audio_neck'], **VISUAL)
    with pytest.raises(ValueError, match="mode='train' is none of"):
        model(views, [ActionDataSample()] * 2, mode='train')


def unreadable() -> ActionDataSample:
    return ActionDataSample(metainfo=dict(skip_reason='clip.mp4: cut off')).set_gt_label(2)


def test_clips_that_could_not_be_read_do_not_count(views: dict[str, torch.Tensor]) -> None:
    model = build()
    one_view = dict(views, frame_index=views['frame_index'][:, :1], audio_index=views['audio_index'][:, :1])
    labeled = [ActionDataSample().set_gt_label(label) for label in (3, 1)]
    with torch.no_grad():
        expected = model(one_view, labeled, mode='loss')['loss_cls']
        loss = model(one_view, [labeled[0], unreadable(), labeled[1]], mode='loss')['loss_cls']
        first, skipped, last = model(views, [ActionDataSample(), unreadable(), ActionDataSample()], mode='predict')
        plain = model(views, [ActionDataSample(), ActionDataSample()], mode='predict')
    assert loss == expected
    assert torch.equal(first.pred_score, plain[0].pred_score) and torch.equal(last.pred_score, plain[1].pred_score)
    assert 'pred_score' not in skipped


def test_a_batch_of_nothing_but_unreadable_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build()
    samples = [unreadable(), unreadable()]
    assert model({}, samples, mode='predict') is samples
    model({}, samples, mode='loss')['loss_cls'].backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
    assert gradients and all(gradient is not None and not gradient.any() for gradient in gradients)

    monkeypatch.setattr('claip_emo_mm.models.recognizer.get_world_size', lambda: 2)
    assert model({}, samples, mode='loss')['loss_cls'] == 0
    nn.SyncBatchNorm.convert_sync_batchnorm(model)
    with pytest.raises(InputError, match='not one of the 2 clips of a batch could be read.*clip.mp4: cut off'):
        model({}, samples, mode='loss')


@MODELS.register_module()
class FirstAndLast(nn.Module):
    """Reads views: the mean brightness of the first and of the last frame, as two time steps of width 1."""

    reads_views = True

    def forward(self, views: torch.Tensor) -> torch.Tensor:
        return views.flatten(2).mean(2)[:, [0, -1], None]


def test_a_backbone_for_views_gets_each_distinct_view_once(views: dict[str, torch.Tensor]) -> None:
    DefaultScope.get_instance('recognizer_test', scope_name='mmaction')
    model = MODELS.build(dict(type='AudioVisualRecognizer', visual_backbone=dict(type='FirstAndLast'),
                              cls_head=dict(type='ConcatFusionHead', num_classes=K, visual_channels=1))).eval()
    counts = count_items(model.visual_backbone)
    inputs = {key: value for key, value in views.items() if key.startswith('frame')}
    brightness = inputs['frames'].mean((1, 2, 3))
    ends = [[0, 1], [1, 2], [3, 4], [3, 4]]  # of each view
    expected = torch.stack([brightness[pair].mean() for pair in ends])[:, None]
    torch.testing.assert_close(model.extract_feat(inputs)['visual'], expected)
    assert counts == [3]  # the two views of the second clip are one
    for frames, chunks in ((7, [2, 1]), (2, [1, 1, 1])):  # whole views of 3 frames, one at least
        counts.clear()
        model.frame_chunk_size = frames
        torch.testing.assert_close(model.extract_feat(inputs)['visual'], expected)
        assert counts == chunks
    torch.testing.assert_close(model.train().extract_feat(inputs)['visual'], expected)


class OwnResNet(ResNet):
    """A network of one's own, whose input nobody knows."""


@pytest.mark.parametrize(('network', 'message'), [
    (dict(type=OwnResNet, depth=18), r"visual_backbone OwnResNet gives an output of shape \(5, 512, 1, 1\) for frames.*"
                                     r"type='ImageBackboneWrapper', backbone=dict\(type='OwnResNet'"),
    (dict(type=OwnResNet, depth=18, out_indices=(2, 3)), 'OwnResNet gives a tuple.*Wrap it in ImageBackbone')])
def test_networks_of_others_that_are_not_wrapped_are_named(views: dict[str, torch.Tensor], network: dict,
                                                           message: str) -> None:
    DefaultScope.get_instance('recognizer_test', scope_name='mmaction')
    model = MODELS.build(dict(type='AudioVisualRecognizer', visual_backbone=network, frame_chunk_size=2,
                              cls_head=dict(type='ConcatFusionHead', num_classes=K, visual_channels=512))).eval()
    with pytest.raises(InputError, match=message):
        model(views, [ActionDataSample(), ActionDataSample()], mode='predict')


@pytest.mark.parametrize(('part', 'message'), [
    (dict(visual_backbone=dict(type='X3D')), r"visual_backbone: X3D reads the frames .*'VideoBackboneWrapper'"),
    (dict(audio_backbone=dict(type='ResNetAudio', depth=50)), "audio_backbone: ResNetAudio .*'AudioBackboneWrapper'"),
    (dict(visual_backbone=dict(type='timm.resnet18')), "visual_backbone: timm.resnet18 .*'ImageBackboneWrapper'"),
    (dict(visual_backbone=dict(type='CLIPVisualBackbone', arch=dict(width=8, layers=1, head_width=8), pretrained=None),
          cls_head=dict(type='I3DHead', num_classes=K, in_channels=8)),
     r"cls_head: I3DHead is a head of MMAction2. Use .*'MMActionFusionHead', head=dict\(type='I3DHead'")])
def test_what_needs_a_wrapper_is_refused_with_it(part: dict, message: str) -> None:
    DefaultScope.get_instance('recognizer_test', scope_name='mmaction')
    head = dict(type='ConcatFusionHead', num_classes=K, visual_channels=8)
    with pytest.raises(InputError, match=message):
        MODELS.build(dict(dict(type='AudioVisualRecognizer', cls_head=head), **part))
