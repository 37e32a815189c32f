import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CrossAttentionFusionHead, FiLMFusionHead, GatedFusionHead, SumFusionHead
from claip_emo_mm.models.heads.fusion_head import FusionHead

B, T, STEPS, D, D_AUDIO, WIDTH, K = 2, 3, 5, 6, 4, 8, 7
HEADS = {
    'SumFusionHead': dict(embed_dims=WIDTH),
    'GatedFusionHead': dict(embed_dims=WIDTH),
    'FiLMFusionHead': dict(),
    'CrossAttentionFusionHead': dict(embed_dims=WIDTH, num_heads=2),
}


def build(kind: str, **options: object) -> FusionHead:
    torch.manual_seed(0)
    return MODELS.build(dict(type=f'mmaction.{kind}', num_classes=K, visual_channels=D, audio_channels=D_AUDIO,
                             **{**HEADS[kind], **options}))


def features(tokens: bool) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = ((B, T, D), (B, STEPS, D_AUDIO)) if tokens else ((B, D), (B, D_AUDIO))
    return {name: torch.randn(shape, generator=generator)
            for name, shape in zip(('visual', 'audio'), shapes, strict=True)}


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return x @ layer.weight.T + layer.bias


@pytest.mark.parametrize('kind', HEADS)
def test_every_head_classifies_and_trains_every_parameter(kind: str) -> None:
    head = build(kind)
    if kind == 'FiLMFusionHead':
        nn.init.normal_(head.modulation.weight)  # at 0 it has a gradient, too, but nothing behind it moves
    inputs = features(head.reads_tokens)
    logits = head(**inputs)
    assert logits.shape == (B, K)
    logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in head.parameters())
    for name in inputs:  # both modalities matter
        silent = dict(inputs, **{name: torch.zeros_like(inputs[name])})
        assert not torch.allclose(head(**silent), logits)


def test_sum() -> None:
    head = build('SumFusionHead')
    inputs = features(False)
    parts = [linear(projection[1], F.layer_norm(inputs[name], inputs[name].shape[1:]))
             for name, projection in (('visual', head.visual_projection), ('audio', head.audio_projection))]
    torch.testing.assert_close(head(**inputs), linear(head.fc, parts[0] + parts[1]))


def test_gate() -> None:
    head = build('GatedFusionHead')
    inputs = features(False)
    gate = torch.sigmoid(linear(head.gate, torch.cat([inputs['audio'], inputs['visual']], 1)))
    fused = (gate * torch.tanh(linear(head.visual_projection, inputs['visual']))
             + (1 - gate) * torch.tanh(linear(head.audio_projection, inputs['audio'])))
    torch.testing.assert_close(head(**inputs), linear(head.fc, fused))


@pytest.mark.parametrize(('condition', 'other', 'width'), [('audio', 'visual', D), ('visual', 'audio', D_AUDIO)])
def test_film(condition: str, other: str, width: int) -> None:
    head = build('FiLMFusionHead', condition=condition)
    inputs = features(False)
    torch.testing.assert_close(head(**inputs), linear(head.fc, inputs[other]))  # at first the condition does nothing
    nn.init.normal_(head.modulation.weight)
    nn.init.normal_(head.modulation.bias)
    both = linear(head.modulation, inputs[condition])
    scale, shift = both[:, :width], both[:, width:]
    torch.testing.assert_close(head(**inputs), linear(head.fc, (1 + scale) * inputs[other] + shift))


def test_cross_attention_is_that_of_torch() -> None:
    head = build('CrossAttentionFusionHead').double()
    inputs = {name: feature.double() for name, feature in features(True).items()}
    tokens = dict(visual=linear(head.visual_projection, inputs['visual']),
                  audio=linear(head.audio_projection, inputs['audio']))
    means = []
    for name, other, ours in (('audio', 'visual', head.audio_attention), ('visual', 'audio', head.visual_attention)):
        theirs = nn.MultiheadAttention(WIDTH, 2, batch_first=True, dtype=torch.float64)
        theirs.in_proj_weight.data = torch.cat([ours.q.weight.data, ours.kv.weight.data])
        theirs.in_proj_bias.data = torch.cat([ours.q.bias.data, ours.kv.bias.data])
        theirs.out_proj.load_state_dict(ours.out.state_dict())
        key = ours.norm_other(tokens[other])
        means.append((tokens[name] + theirs(ours.norm(tokens[name]), key, key)[0]).mean(1))
    torch.testing.assert_close(head(**inputs), linear(head.fc, torch.cat(means, 1)))


@pytest.mark.parametrize('kind', HEADS)
def test_what_does_not_fit_is_refused(kind: str) -> None:
    head = build(kind)
    inputs, wrong_form = features(head.reads_tokens), features(not head.reads_tokens)
    with pytest.raises(InputError, match=rf'{kind}: the audio feature has width 0, but audio_channels={D_AUDIO}'):
        head(visual=inputs['visual'])
    necks = 'FrameTokens and AudioTokens' if head.reads_tokens else 'TemporalTransformer and AudioMeanPool'
    with pytest.raises(InputError, match=rf'{kind}: the audio feature has the shape .*{necks} are necks'):
        head(**wrong_form)
    with pytest.raises(InputError, match=rf'{kind}: audio_channels is 0, but this head fuses two modalities'):
        MODELS.build(dict(type=f'mmaction.{kind}', num_classes=K, visual_channels=D, audio_channels=0))


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="condition is 'sound'. Expected 'audio' or 'visual'"):
        FiLMFusionHead(K, D, D_AUDIO, condition='sound')
    with pytest.raises(InputError, match='embed_dims=8 is no multiple of num_heads=3'):
        CrossAttentionFusionHead(K, D, D_AUDIO, embed_dims=8, num_heads=3)
    with pytest.raises(InputError, match='GatedFusionHead: class_weight of loss_cls has 2 numbers, but num_classes=7'):
        GatedFusionHead(K, D, D_AUDIO, loss_cls=dict(type='mmaction.CrossEntropyLoss', class_weight=[1., 2.]))
    for average_clips in (None, 'mean'):
        with pytest.raises(InputError, match=f"SumFusionHead: average_clips is {average_clips!r}. Expected 'prob' or"):
            build('SumFusionHead', average_clips=average_clips)
    with pytest.raises(TypeError, match='embed_dim'):
        SumFusionHead(K, D, D_AUDIO, embed_dim=WIDTH)
