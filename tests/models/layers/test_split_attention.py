"""Attention with fused projections, split: the same values, and adapters on each projection."""
import copy
from collections.abc import Iterator

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone, VideoBackboneWrapper
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters, merge_adapters
from claip_emo_mm.models.layers.split_attention import SplitMultiheadAttention
from claip_emo_mm.models.weights.formats import split_fused_projections

B, N, M, D, HEADS = 2, 5, 3, 12, 4
T, SIDE, WIDTH = 2, 16, 16
VIDEOMAE = dict(type='VisionTransformer', img_size=SIDE, patch_size=8, embed_dims=WIDTH, depth=2, num_heads=2,
                mlp_ratio=2, num_frames=T, norm_cfg=dict(type='LN', eps=1e-6))
TIMESFORMER = dict(type='TimeSformer', num_frames=T, img_size=SIDE, patch_size=8, embed_dims=WIDTH, num_heads=2,
                   num_transformer_layers=2, norm_cfg=dict(type='LN', eps=1e-6))
UNIFORMER = dict(type='UniFormerV2', input_resolution=SIDE, patch_size=8, width=24, layers=2, heads=2, t_size=T,
                 return_list=[1], n_layers=1, n_dim=24, n_head=2, clip_pretrained=False)
NETWORKS = {  # config, where an attention lies, name of its fused matrix
    'VideoMAE': (VIDEOMAE, 'blocks.1.attn', 'qkv.weight'),
    'VideoMAE without biases': (dict(VIDEOMAE, qkv_bias=False, qk_scale=.3), 'blocks.0.attn', 'qkv.weight'),
    'TimeSformer': (TIMESFORMER, 'transformer_layers.layers.1.attentions.1.attn', 'in_proj_weight'),
    'UniFormerV2': (UNIFORMER, 'transformer.resblocks.1.attn', 'in_proj_weight')}


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield


def noisy(module: nn.Module) -> nn.Module:
    """Networks begin with zeros in many places, where mistakes would not show."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=.3)
    return module.double()


@pytest.mark.parametrize('need_weights', [True, False])
@pytest.mark.parametrize('options', [
    {}, dict(batch_first=True), dict(bias=False), dict(kdim=7, vdim=9), dict(kdim=7, vdim=9, bias=False)])
def test_it_computes_what_torch_s_module_computes(options: dict, need_weights: bool) -> None:
    fused = noisy(nn.MultiheadAttention(D, HEADS, **options))
    inputs = [torch.randn(B, length, width, dtype=torch.double) for length, width in
              ((N, D), (M, options.get('kdim', D)), (M, options.get('vdim', D)))]
    if 'batch_first' not in options:
        inputs = [x.transpose(0, 1) for x in inputs]
    padding = torch.tensor([[False, True, False], [False, False, False]])
    split = SplitMultiheadAttention(fused)
    for masks in ({}, dict(key_padding_mask=padding), dict(attn_mask=torch.randn(N, M, dtype=torch.double)),
                  dict(attn_mask=torch.tensor([[False, True, False]]).expand(N, M)),
                  dict(attn_mask=torch.randn(B * HEADS, N, M, dtype=torch.double),
                       key_padding_mask=torch.where(padding, -torch.inf, 0.).double())):
        for average in (True, False):
            arguments = dict(masks, need_weights=need_weights, average_attn_weights=average)
            torch.testing.assert_close(split(*inputs, **arguments), fused(*inputs, **arguments))
    single = [x[0] if 'batch_first' in options else x[:, 0] for x in inputs]
    torch.testing.assert_close(split(*single, key_padding_mask=padding[0]), fused(*single, key_padding_mask=padding[0]))


@pytest.fixture
def pair() -> tuple[nn.MultiheadAttention, SplitMultiheadAttention]:
    """An attention, and another one that has loaded its weights."""
    fused = nn.MultiheadAttention(12, 3, batch_first=True)
    nn.init.normal_(fused.in_proj_bias)
    nn.init.normal_(fused.out_proj.bias)
    split = SplitMultiheadAttention(nn.MultiheadAttention(12, 3, batch_first=True))
    split.load_state_dict({key.removeprefix('attn.'): value for key, value in split_fused_projections(
        {f'attn.{key}': value for key, value in fused.state_dict().items()}).items()})
    return fused, split


def test_it_loads_the_weights_of_torchs_attention(pair: tuple[nn.MultiheadAttention, SplitMultiheadAttention]) -> None:
    fused, split = pair
    query, other = torch.randn(2, 4, 12), torch.randn(2, 5, 12)
    expected = fused(query, other, other, need_weights=False)[0]
    torch.testing.assert_close(split(query, other, other, need_weights=False)[0], expected)


def test_every_projection_is_called(pair: tuple[nn.MultiheadAttention, SplitMultiheadAttention]) -> None:
    split = pair[1]
    called = []
    for name, layer in split.named_children():
        layer.register_forward_hook(lambda *_, name=name: called.append(name))
    x = torch.randn(1, 3, 12)
    split(x, x, x, need_weights=False)
    assert sorted(called) == ['k_proj', 'out_proj', 'q_proj', 'v_proj']


def test_projections_are_initialized_as_torchs() -> None:
    """The stacked matrix (3 D, D) is Xavier-uniform: within sqrt(6 / (D + 3 D)), and up to it."""
    arch = dict(image_size=4, patch_size=4, width=48, layers=1, head_width=16)
    split = SplitMultiheadAttention(nn.MultiheadAttention(48, 3))
    nn.init.ones_(split.q_proj.weight)
    nn.init.ones_(split.k_proj.bias)
    split.reset_parameters()
    bound = (6 / (48 + 144)) ** .5
    for attention in (split, CLIPVisualBackbone(arch).tower.transformer.resblocks[0].attn):
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
            assert .99 * bound < projection.weight.abs().max() <= bound
            torch.testing.assert_close(projection.weight.std(), torch.tensor(bound / 3 ** .5), rtol=.05, atol=0)
            assert not projection.bias.any()
        assert not attention.out_proj.bias.any()
    fused = nn.MultiheadAttention(48, 3).in_proj_weight
    assert .99 * bound < fused.abs().max() <= bound


def test_it_drops_attention_in_training_alone() -> None:
    split = SplitMultiheadAttention(nn.MultiheadAttention(D, HEADS, dropout=.5))
    x = torch.randn(N, B, D)
    for need_weights in (True, False):
        outputs = [split.train(mode)(x, x, x, need_weights=need_weights)[0] for mode in (True, True, False, False)]
        assert not torch.equal(*outputs[:2]) and torch.equal(*outputs[2:])


def test_a_transformer_layer_of_torch_calls_it() -> None:
    layer = nn.TransformerEncoderLayer(D, HEADS, 8, batch_first=True).eval()
    x = torch.randn(B, N, D)
    with torch.no_grad():
        before = layer(x)
        add_adapters(layer, LoRAConfig(['q_proj'], dropout=0.), ())
        torch.testing.assert_close(layer(x), before)
        nn.init.normal_(layer.self_attn.q_proj.lora_B['default'].weight)
        assert not torch.allclose(layer(x), before, atol=1e-2)


@pytest.mark.parametrize('name', NETWORKS)
def test_adapters_of_q_and_v_are_those_written_into_the_fused_matrix(name: str) -> None:
    network, place, matrix = NETWORKS[name]
    targets = [f'{place}.q_proj', f'{place}.v_proj']
    plain = noisy(MODELS.build(network)).eval()
    adapted = VideoBackboneWrapper(network, frozen=True).double().eval()
    adapted.network.load_state_dict(plain.state_dict())
    views = torch.randn(B, T, 3, SIDE, SIDE, dtype=torch.double)
    before = adapted(views)
    add_adapters(adapted.network, LoRAConfig(targets, rank=2, alpha=6, dropout=0.), ())
    adapted.double().eval()
    torch.testing.assert_close(adapted(views), before, rtol=0, atol=1e-9)

    trained = {key: value for key, value in adapted.named_parameters() if value.requires_grad}
    assert len(trained) == 4 and all(key.startswith(f'network.{place}.') and '.lora_' in key for key in trained)
    fused = copy.deepcopy(plain)
    with torch.no_grad():
        weight = fused.get_parameter(f'{place}.{matrix}')
        width = len(weight) // 3
        for target, start in zip(targets, (0, 2 * width), strict=True):
            layer = adapted.network.get_submodule(target)
            down, up = torch.randn(2, width, dtype=torch.double), torch.randn(width, 2, dtype=torch.double)
            layer.lora_A['default'].weight.copy_(down)
            layer.lora_B['default'].weight.copy_(up)
            weight[start:start + width] += 6 / 2 * up @ down
    by_hand = VideoBackboneWrapper(network).double().eval()
    by_hand.network.load_state_dict(fused.state_dict())
    expected = by_hand(views)
    assert not torch.allclose(expected, before, rtol=1e-3)
    output = adapted(views)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-9)

    output.square().sum().backward()
    assert {key for key, value in adapted.named_parameters() if value.grad is not None} == set(trained)
    assert all(value.grad.abs().max() > 0 for value in trained.values())
    by_hand(views).square().sum().backward()
    gradient = by_hand.network.get_parameter(f'{place}.{matrix}').grad
    for target, start in zip(targets, (0, 2 * width), strict=True):  # the chain rule, written out
        layer = adapted.network.get_submodule(target)
        up, part = layer.lora_B['default'].weight, gradient[start:start + width]
        torch.testing.assert_close(layer.lora_A['default'].weight.grad, 3 * up.T @ part, rtol=1e-6, atol=1e-7)
    merge_adapters(adapted)
    torch.testing.assert_close(adapted(views), output, rtol=0, atol=1e-6)


@pytest.mark.parametrize('network', [VIDEOMAE, TIMESFORMER])
def test_names_reach_every_block_and_what_is_not_named_stays(network: dict) -> None:
    backbone = VideoBackboneWrapper(network, lora=dict(targets=['k_proj'], rank=2), frozen=True)
    adapted = {name.split('.lora_')[0].rpartition('.')[2] for name, parameter in backbone.named_parameters()
               if parameter.requires_grad}
    count = sum('lora_A' in name for name, _ in backbone.named_parameters())
    assert adapted == {'k_proj'} and count == (2 if network is VIDEOMAE else 4)
    views = torch.randn(B, T, 3, SIDE, SIDE)
    nn.init.normal_(next(value for name, value in backbone.named_parameters() if 'lora_B' in name))
    assert not torch.equal(backbone.train()(views), backbone(views))  # dropout, which torch's module would leave out
    backbone = VideoBackboneWrapper(network, lora=dict(targets=['proj' if network is VIDEOMAE else 'temporal_fc']))
    assert not any('q_proj' in name for name, _ in backbone.named_parameters())
    assert all(parameter.requires_grad for parameter in backbone.parameters())


def test_what_was_frozen_or_trained_before_stays_so() -> None:
    for trainable in (True, False):
        encoder = nn.Sequential(nn.MultiheadAttention(D, HEADS)).requires_grad_(trainable)
        add_adapters(encoder, LoRAConfig(['q_proj']), ())
        for name, parameter in encoder.named_parameters():
            assert parameter.requires_grad == (trainable or '.lora_' in name), name


def test_networks_that_read_a_projection_are_told_of() -> None:
    views: Tensor = torch.randn(B, T, 3, SIDE, SIDE)
    VideoBackboneWrapper(UNIFORMER, lora=dict(targets=['out_proj']))(views)  # is called by all of its attention
    with pytest.raises(InputError, match='the network reads the weight of q_proj in an attention in place of calling'):
        VideoBackboneWrapper(UNIFORMER, lora=dict(targets=['q_proj']))(views)
    with pytest.raises(InputError, match=r'without effect.*blocks.1.attn.qkv.*name q_proj, k_proj and v_proj in'):
        VideoBackboneWrapper(VIDEOMAE, lora=dict(targets=['qkv']))(views)


def test_attention_that_cannot_be_split_is_refused() -> None:
    for options in (dict(add_bias_kv=True), dict(add_zero_attn=True)):
        encoder = nn.Sequential(nn.MultiheadAttention(D, HEADS, **options))
        with pytest.raises(InputError, match=r'0.out_proj belongs to an nn.MultiheadAttention.*Take out_proj out'):
            add_adapters(encoder, LoRAConfig(['out_proj']), ())
        with pytest.raises(InputError, match='no layer is called q_proj'):
            add_adapters(encoder, LoRAConfig(['q_proj']), ())
    with pytest.raises(InputError, match='no layer is called qproj.*This encoder has k_proj, out_proj, q_proj, v_proj'):
        add_adapters(nn.Sequential(nn.MultiheadAttention(D, HEADS)), LoRAConfig(['qproj']), ())
