import math

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope

# two frames with two phrases of three tokens each; the phrase (4, 1, 5) is true of both
TOKENS = torch.tensor([[[4, 1, 5], [4, 2, 5]], [[4, 3, 5], [4, 1, 5]]])
TRUTH = {(4, 1, 5): (1., 1.), (4, 2, 5): (1., 0.), (4, 3, 5): (0., 1.)}


@pytest.fixture
def parts() -> tuple[torch.nn.Module, dict[str, torch.Tensor], list[ActionDataSample]]:
    DefaultScope.get_instance('pretrainer_test', scope_name='mmaction')
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='ContrastivePretrainer', inputs_key='frames', vocab_size=6, context_length=3, embed_dims=8, text_layers=1,
        text_heads=2, backbone=dict(
            type='CLIPVisualBackbone', frozen=False,
            arch=dict(image_size=10, patch_size=5, width=16, layers=1, head_width=8))))
    sample = ActionDataSample()
    sample.set_field(TOKENS, 'tokens')
    return model, dict(frames=torch.randn(2, 3, 10, 10)), [sample]


def test_loss_asks_of_every_pair_whether_it_belongs_together(
        parts: tuple[torch.nn.Module, dict[str, torch.Tensor], list[ActionDataSample]]) -> None:
    model, inputs, samples = parts
    losses = model(inputs, samples)
    with torch.no_grad():
        frames = F.normalize(model.projection(model.backbone(inputs['frames'])), dim=-1)
        expected = []
        for phrase, truths in TRUTH.items():
            words = F.normalize(model.text_tower(torch.tensor([phrase])), dim=-1)[0]
            for frame, true in zip(frames, truths, strict=True):
                score = 1 / (1 + math.exp(-(10 * float(frame @ words) - 2)))
                expected.append(-math.log(score if true else 1 - score))
    assert losses['loss'].item() == pytest.approx(sum(expected) / 6, rel=1e-5)


def test_it_learns_the_phrases(
        parts: tuple[torch.nn.Module, dict[str, torch.Tensor], list[ActionDataSample]]) -> None:
    model, inputs, samples = parts
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        losses = model(inputs, samples)
        optimizer.zero_grad()
        losses['loss'].backward()
        optimizer.step()
    assert losses['precision'] == 1
    assert losses['loss'] < .1


def test_it_only_trains(parts: tuple[torch.nn.Module, dict[str, torch.Tensor], list[ActionDataSample]]) -> None:
    with pytest.raises(ValueError, match='only trains'):
        parts[0](parts[1], parts[2], mode='predict')
