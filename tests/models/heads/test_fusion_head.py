import math

import pytest
import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import ConcatFusionHead


def test_audio_stands_before_the_frames() -> None:
    head = ConcatFusionHead(num_classes=2, visual_channels=3, audio_channels=1)
    head.fc.weight.data = torch.tensor([[10., 1, 2, 3], [0, 0, 0, 1]])
    head.fc.bias.data = torch.tensor([100., 0])
    logits = head(visual=torch.tensor([[1., 1, 1], [0, 0, 2]]), audio=torch.tensor([[1.], [2]]))
    assert logits.tolist() == [[116., 1.], [126., 2.]]


def test_one_modality_is_enough() -> None:
    assert ConcatFusionHead(7, visual_channels=3)(visual=torch.randn(2, 3)).shape == (2, 7)
    assert ConcatFusionHead(7, audio_channels=4)(audio=torch.randn(2, 4)).shape == (2, 7)


def test_views_are_averaged_as_probabilities_or_logits() -> None:
    head = ConcatFusionHead(num_classes=2, visual_channels=1)
    samples = head.predict_by_feat(torch.log(torch.tensor([[.9, .1], [.2, .8]])), [ActionDataSample()])
    torch.testing.assert_close(samples[0].pred_score, torch.tensor([.55, .45]))
    assert samples[0].pred_label.tolist() == [0]
    head = ConcatFusionHead(num_classes=2, visual_channels=1, average_clips='score')
    samples = head.predict_by_feat(torch.tensor([[3., 1], [0, 4]]), [ActionDataSample()])
    odds = math.exp(1.5 - 2.5)  # of the two classes, from the averaged logits 1.5 and 2.5
    torch.testing.assert_close(samples[0].pred_score, torch.tensor([odds, 1]) / (1 + odds))
    assert samples[0].pred_label.tolist() == [1]


@pytest.mark.parametrize(('features', 'message'), [
    (dict(visual=torch.zeros(1, 3)), 'audio feature has width 0, but audio_channels=1'),
    (dict(visual=torch.zeros(1, 2), audio=torch.zeros(1, 1)), 'visual feature has width 2, but visual_channels=3')])
def test_features_that_do_not_fit_are_refused(features: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConcatFusionHead(2, visual_channels=3, audio_channels=1)(**features)


def test_a_head_for_nothing_is_refused() -> None:
    with pytest.raises(InputError, match='are both 0'):
        ConcatFusionHead(2)


def samples_of(labels: torch.Tensor) -> list[ActionDataSample]:
    return [ActionDataSample().set_gt_label(label) for label in labels]


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_loss_of_soft_labels(dtype: torch.dtype) -> None:
    head = ConcatFusionHead(num_classes=3, visual_channels=1, topk=(1, 2))
    logits = torch.log(torch.tensor([[.5, .25, .25], [.125, .125, .75]])).to(dtype)
    losses = head.loss_by_feat(logits, samples_of(torch.tensor([[.75, .25, 0], [.2, .5, .3]])))
    # -(.75 ln .5 + .25 ln .25) = 1.25 ln 2, and -(.7 ln .125 + .3 ln .75) = 2.1 ln 2 + .3 ln (4 / 3), averaged
    expected = (1.25 * math.log(2) + 2.1 * math.log(2) + .3 * math.log(4 / 3)) / 2
    assert losses['loss_cls'].item() == pytest.approx(expected, rel=1e-5 if dtype == torch.float32 else 1e-2)
    assert losses['top1_acc'] == .5  # class 0 for the first clip's largest class, class 2 for the second's
    assert ConcatFusionHead(3, 1).loss_by_feat(logits[:1], samples_of(torch.tensor([[.2, .5, .3]])))['top1_acc'] == 0


def test_loss_of_plain_labels() -> None:
    losses = ConcatFusionHead(2, 1).loss_by_feat(torch.log(torch.tensor([[.8, .2], [.4, .6]])), samples_of(
        torch.tensor([[0], [0]])))
    assert losses['loss_cls'].item() == pytest.approx(-math.log(.8 * .4) / 2)
    assert losses['top1_acc'] == .5


def test_soft_labels_of_other_classes_are_refused() -> None:
    with pytest.raises(InputError, match=r'soft labels of 2 class.*model\.data_preprocessor\.blending\.num_classes=3'):
        ConcatFusionHead(3, 1).loss_by_feat(torch.zeros(1, 3), samples_of(torch.tensor([[.5, .5]])))
