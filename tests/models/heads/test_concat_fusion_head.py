import pytest
import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import ConcatFusionHead


def test_audio_stands_before_the_picture() -> None:
    head = ConcatFusionHead(num_classes=2, visual_channels=3, audio_channels=1)
    head.fc.weight.data = torch.tensor([[10., 1, 2, 3], [0, 0, 0, 1]])
    head.fc.bias.data = torch.tensor([100., 0])
    logits = head(visual=torch.tensor([[1., 1, 1], [0, 0, 2]]), audio=torch.tensor([[1.], [2]]))
    assert logits.tolist() == [[116., 1.], [126., 2.]]


def test_one_modality_is_enough() -> None:
    assert ConcatFusionHead(7, visual_channels=3)(visual=torch.randn(2, 3)).shape == (2, 7)
    assert ConcatFusionHead(7, audio_channels=4)(audio=torch.randn(2, 4)).shape == (2, 7)


def test_views_are_averaged_as_probabilities() -> None:
    head = ConcatFusionHead(num_classes=2, visual_channels=1)
    samples = head.predict_by_feat(torch.log(torch.tensor([[.9, .1], [.2, .8]])), [ActionDataSample()])
    torch.testing.assert_close(samples[0].pred_score, torch.tensor([.55, .45]))
    assert samples[0].pred_label.tolist() == [0]


@pytest.mark.parametrize(('features', 'message'), [
    (dict(visual=torch.zeros(1, 3)), 'audio feature has width 0, but audio_channels=1'),
    (dict(visual=torch.zeros(1, 2), audio=torch.zeros(1, 1)), 'visual feature has width 2, but visual_channels=3')])
def test_features_that_do_not_fit_are_refused(features: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ConcatFusionHead(2, visual_channels=3, audio_channels=1)(**features)


def test_a_head_for_nothing_is_refused() -> None:
    with pytest.raises(InputError, match='are both 0'):
        ConcatFusionHead(2)
