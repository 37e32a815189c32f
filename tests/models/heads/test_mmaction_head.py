import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import MMActionFusionHead

K, D, D_AUDIO = 5, 3, 4
MMACTION_HEADS = {
    'TSNHead': dict(dropout_ratio=0),
    'TSMHead': dict(dropout_ratio=0, num_segments=1),
    'TSNAudioHead': dict(dropout_ratio=0),
    'I3DHead': dict(dropout_ratio=0),
    'TimeSformerHead': dict(dropout_ratio=0),
    'UniFormerHead': dict(dropout_ratio=0),
    'SlowFastHead': dict(dropout_ratio=0),
    'MViTHead': dict(dropout_ratio=0),
    'TPNHead': dict(dropout_ratio=0),
    'GCNHead': {},
}


def build(kind: str, **options: object) -> MMActionFusionHead:
    with DefaultScope.overwrite_default_scope('mmaction'):
        head = dict(type=kind, num_classes=K, in_channels=D + D_AUDIO, average_clips='prob',
                    **MMACTION_HEADS.get(kind, {}))
        return MODELS.build(dict(type='MMActionFusionHead', head={**head, **options}))


@pytest.mark.parametrize('kind', MMACTION_HEADS)
def test_the_heads_linear_layer_reads_audio_then_frames(kind: str) -> None:
    wrapped = build(kind).eval()
    visual, audio = torch.randn(2, D), torch.randn(2, D_AUDIO)
    layer = getattr(wrapped.head, 'fc_cls', None) or wrapped.head.fc
    expected = torch.cat([audio, visual], 1) @ layer.weight.T + layer.bias
    torch.testing.assert_close(wrapped(visual=visual, audio=audio), expected)
    assert wrapped.num_classes == K


def test_mvit_head_without_a_class_token() -> None:
    wrapped = build('MViTHead', with_cls_token=False).eval()
    visual, audio = torch.randn(2, D), torch.randn(2, D_AUDIO)
    torch.testing.assert_close(wrapped(visual=visual, audio=audio),
                               wrapped.head.fc_cls(torch.cat([audio, visual], 1)))


def test_trn_head_relates_one_feature() -> None:
    wrapped = build('TRNHead', num_segments=1, relation_type='TRN').eval()
    visual, audio = torch.randn(2, D), torch.randn(2, D_AUDIO)
    expected = wrapped.head.consensus.classifier(wrapped.head.fc_cls(torch.cat([audio, visual], 1)))
    torch.testing.assert_close(wrapped(visual=visual, audio=audio), expected)


def test_x3d_head_pools_one_place() -> None:
    wrapped = build('X3DHead').eval()
    visual, audio = torch.randn(2, D), torch.randn(2, D_AUDIO)
    hidden = (torch.cat([audio, visual], 1) @ wrapped.head.fc1.weight.T).clamp_min(0)
    torch.testing.assert_close(wrapped(visual=visual, audio=audio),
                               hidden @ wrapped.head.fc2.weight.T + wrapped.head.fc2.bias)


def test_loss_and_scores_are_the_heads_own() -> None:
    wrapped = build('TSNHead', topk=1)
    logits = torch.log(torch.tensor([[.5, .2, .1, .1, .1], [.1, .6, .1, .1, .1]]))
    losses = wrapped.loss_by_feat(logits, [ActionDataSample().set_gt_label(label) for label in (0, 2)])
    assert losses['loss_cls'].item() == pytest.approx(-torch.tensor([.5, .1]).log().mean().item(), rel=1e-5)
    assert losses['top1_acc'] == .5
    sample, = wrapped.predict_by_feat(logits, [ActionDataSample()])  # two views of one clip
    torch.testing.assert_close(sample.pred_score, torch.tensor([.3, .4, .1, .1, .1]))


def test_averaged_logits_become_probabilities() -> None:
    logits = torch.tensor([[2., 0, 0, 0, 0], [4., 0, 0, 0, 0]])  # two views of one clip, exp(3) to 1 together
    sample, = build('TSNHead', average_clips='score').predict_by_feat(logits, [ActionDataSample()])
    torch.testing.assert_close(sample.pred_score, torch.tensor([20.0855, 1, 1, 1, 1]) / 24.0855)
    assert sample.pred_label.tolist() == [0]


def test_what_does_not_fit_is_refused() -> None:
    wrapped = build('I3DHead')
    with pytest.raises(InputError, match=r'have the shape \(2, 3\), but head.in_channels=7'):
        wrapped(visual=torch.zeros(2, D))
    for kind, options, missing in (('TSMHead', dict(num_segments=2), 'num_segments=1'),
                                   ('TRNHead', dict(num_segments=1), "relation_type='TRN'")):
        with pytest.raises(InputError, match=f'{kind} compares the frames of a view, .* Set {missing} in its config'):
            build(kind, **options)
    for kind in ('FeatureHead', 'OmniHead', 'RGBPoseHead'):
        with pytest.raises(InputError, match=f'MMActionFusionHead: {kind} .* Use TSNHead'):
            build(kind)
    with pytest.raises(InputError, match=r'TSMHead cannot classify one feature a clip .*TSNHead'):
        build('TSMHead', temporal_pool=True)(visual=torch.zeros(3, D), audio=torch.zeros(3, D_AUDIO))
    for average_clips in (None, 'mean'):
        with pytest.raises(InputError, match=f"head.average_clips is {average_clips!r}. Set average_clips='prob' or "
                                             "'score' in .* of I3DHead"):
            build('I3DHead', average_clips=average_clips)
