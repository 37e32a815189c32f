"""A linear head that begins as CLIP's zero-shot classifier."""
from pathlib import Path

import open_clip
import pytest
import torch
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import LanguageHead, TextInitFusionHead

VISION = dict(image_size=10, patch_size=5, width=16, layers=1, head_width=8)
TEXT = dict(context_length=20, vocab_size=49408, width=8, heads=2, layers=1)
CLASSES = ['glad', 'cross', 'blank']


@pytest.fixture
def options(tmp_path: Path) -> dict:
    torch.manual_seed(0)
    torch.save(open_clip.model.CLIP(6, VISION, TEXT, quick_gelu=True).state_dict(), tmp_path / 'clip.pt')
    return dict(classes=CLASSES, arch=dict(TEXT, embed_dims=6, quick_gelu=True), pretrained=str(tmp_path / 'clip.pt'))


@pytest.mark.parametrize('audio_channels', [0, 5])
def test_before_the_first_step_it_scores_as_zero_shot(options: dict, audio_channels: int) -> None:
    head = TextInitFusionHead(3, 16, audio_channels, **options).double()
    head.init_weights()
    zero_shot = LanguageHead(3, 16, **options).double()
    visual, audio = 3 * torch.randn(4, 16, dtype=torch.float64), torch.randn(4, 5, dtype=torch.float64)
    logits = head(visual, audio if audio_channels else None)
    torch.testing.assert_close(logits, zero_shot(visual), rtol=0, atol=1e-9)
    assert logits.std() > .1
    assert head.fc.weight.shape == (3, audio_channels + 16) and not head.fc.weight[:, :audio_channels].any()
    head(torch.zeros_like(visual), audio if audio_channels else None).sum().backward()  # a clip without frames
    assert head.fc.weight.grad.isfinite().all()


def test_it_is_trained_from_there_and_a_checkpoint_keeps_it(options: dict) -> None:
    head = TextInitFusionHead(3, 16, 5, **options)
    head.init_weights()
    visual, audio = torch.randn(8, 16), torch.randn(8, 5)
    begun = head(visual, audio).detach()
    assert {name for name, parameter in head.named_parameters() if parameter.requires_grad} == {'fc.weight', 'fc.bias'}
    optimizer = torch.optim.SGD(head.fc.parameters(), lr=.1)
    nn.functional.cross_entropy(head(visual, audio), torch.arange(8) % 3).backward()
    assert head.fc.weight.grad[:, :5].any()  # audio comes in
    optimizer.step()
    trained = head(visual, audio).detach()
    assert not torch.allclose(trained, begun)
    head.init_weights()  # only once
    assert torch.equal(head(visual, audio), trained)
    other = TextInitFusionHead(3, 16, 5, **dict(options, pretrained=None))
    with pytest.raises(InputError, match='has no class embeddings'):
        other(visual, audio)
    other.load_state_dict(head.state_dict())
    assert torch.equal(other(visual, audio), trained)


def test_what_does_not_fit_is_refused(options: dict) -> None:
    with pytest.raises(InputError, match='num_classes=4, but classes has 3 names'):
        TextInitFusionHead(4, 16, **options)
    with pytest.raises(InputError, match='TextInitFusionHead: visual_channels is 0. Expected at least 1'):
        TextInitFusionHead(3, 0, 5, **options)
