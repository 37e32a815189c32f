"""Attention weights that are computed beside the model."""
from collections import OrderedDict

import pytest
import torch
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualDataPreprocessor, CLIPVisualBackbone
from claip_emo_mm.models.layers.split_attention import SplitMultiheadAttention
from claip_emo_mm.models.necks import TemporalBlock, TemporalTransformer
from claip_emo_mm.visualization.attention import (
    attention_rollout,
    frame_attention,
    patch_attention,
    record_attention,
    temporal_weights,
    vision_weights,
)

TOLERANCE = dict(rtol=0, atol=1e-6)


def test_weights_times_values_are_what_the_encoder_computes() -> None:
    torch.manual_seed(0)
    attention = SplitMultiheadAttention(nn.MultiheadAttention(6, 2, batch_first=True))
    query, key = torch.randn(2, 3, 6), torch.randn(2, 5, 6)
    weights = vision_weights(attention, query, key)
    assert weights.shape == (2, 2, 3, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 3), **TOLERANCE)
    values = attention.v_proj(key).unflatten(-1, (2, 3)).transpose(1, 2)
    expected = attention.out_proj((weights @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(attention(query, key, key)[0], expected, **TOLERANCE)


def test_weights_times_values_are_what_the_temporal_layer_computes() -> None:
    torch.manual_seed(0)
    block, x = TemporalBlock(6, 2, 4, 7), torch.randn(3, 5, 6)
    weights = temporal_weights(block, x)
    values = block.qkv(block.norm1(x))[..., 16:].unflatten(-1, (2, 4)).transpose(1, 2)
    gathered = x + block.out((weights @ values).transpose(1, 2).flatten(2))
    expected = gathered + block.fc2(nn.functional.gelu(block.fc1(block.norm2(gathered)), approximate='tanh'))
    torch.testing.assert_close(block(x), expected, **TOLERANCE)


def test_rollout_by_hand() -> None:
    # Two blocks, three tokens. The first moves half of token 2 to token 1; then the class token reads both.
    first = torch.tensor([[[1., 0, 0], [0, 0, 1], [0, 0, 1]]])
    last = torch.tensor([[[0, .5, .5]]])
    # Class token: half itself, a quarter of each; of token 1's quarter half comes from token 2.
    torch.testing.assert_close(attention_rollout([first, last]), torch.tensor([[.5, .125, .375]]))


def test_records_attention_without_changing_the_model() -> None:
    torch.manual_seed(0)
    encoder = CLIPVisualBackbone(dict(image_size=12, patch_size=4, width=8, layers=3, head_width=4)).eval()
    model = nn.Sequential(OrderedDict(visual_backbone=encoder, views=nn.Unflatten(0, (2, 3)),
                                      visual_neck=TemporalTransformer(8, 3, 2, 5, 9))).eval()
    frames = torch.randn(6, 3, 12, 12)
    with torch.inference_mode():
        before = model(frames)
        with record_attention(model) as noted:
            assert torch.equal(model(frames), before)
        model(frames)  # noted no more
    assert [tuple(weights.shape) for weights in noted['encoder']] == [(6, 10, 10)] * 2 + [(6, 1, 10)]
    assert [tuple(weights.shape) for weights in noted['temporal']] == [(2, 4, 4)]
    torch.testing.assert_close(attention_rollout(noted['encoder']).sum(-1), torch.ones(6), **TOLERANCE)


def test_patch_attention_of_frames_encoded_in_two_chunks() -> None:
    torch.manual_seed(0)
    encoder = CLIPVisualBackbone(dict(image_size=8, patch_size=4, width=8, layers=2, head_width=4)).eval()
    model, frames = nn.ModuleDict(dict(visual_backbone=encoder)), torch.randn(18, 3, 8, 8)
    found = []
    for parts in ([frames], frames.split(1)):
        with torch.no_grad(), record_attention(model) as noted:
            for part in parts:
                encoder(part)
        found.append(patch_attention(noted['encoder']))
    assert found[0].shape == (18, 2, 2)
    torch.testing.assert_close(found[0], found[1], **TOLERANCE)


def test_merged_tokens_have_no_attention() -> None:
    encoder = CLIPVisualBackbone(dict(image_size=8, patch_size=4, width=8, layers=2, head_width=4), merged_tokens=1)
    with pytest.raises(InputError, match='merged_tokens is 1.*merged_tokens=0'), record_attention(
            nn.ModuleDict(dict(visual_backbone=encoder))):
        pass


def test_frames_that_are_left_out_have_no_attention() -> None:
    model = nn.ModuleDict(dict(data_preprocessor=AudioVisualDataPreprocessor(frame_tolerance=1)))
    with pytest.raises(InputError, match=r'frame_tolerance is 1: .*data_preprocessor\.frame_tolerance=0'), \
            record_attention(model):
        pass


def test_frame_attention_is_that_of_the_first_view() -> None:
    layer = torch.tensor([[[.6, .3, .1], [1, 0, 0], [1, 0, 0]], [[.2, .2, .6], [1, 0, 0], [1, 0, 0]]])
    other = torch.full((2, 3, 3), 1 / 3)
    index = torch.tensor([[4, 5], [0, 1], [4, 5]])  # distinct views in order: (0, 1), (4, 5)
    torch.testing.assert_close(frame_attention([other, layer], index), torch.tensor([.25, .75]))
