import pytest
import torch
from torch import nn

from claip_emo_mm.models.layers.attention import (
    SeparateProjectionAttention,
    fuse_separate_projections,
    split_fused_projections,
)


@pytest.fixture
def pair() -> tuple[nn.MultiheadAttention, SeparateProjectionAttention]:
    torch.manual_seed(0)
    fused = nn.MultiheadAttention(12, 3, batch_first=True)
    nn.init.normal_(fused.in_proj_bias)
    nn.init.normal_(fused.out_proj.bias)
    separate = SeparateProjectionAttention(12, 3)
    separate.load_state_dict({key.removeprefix('attn.'): value for key, value in split_fused_projections(
        {f'attn.{key}': value for key, value in fused.state_dict().items()}).items()})
    return fused, separate


def test_equals_torchs_attention(pair: tuple[nn.MultiheadAttention, SeparateProjectionAttention]) -> None:
    fused, separate = pair
    query, other = torch.randn(2, 4, 12), torch.randn(2, 5, 12)
    expected = fused(query, other, other, need_weights=False)[0]
    torch.testing.assert_close(separate(query, other, other)[0], expected)


def test_every_projection_is_called(pair: tuple[nn.MultiheadAttention, SeparateProjectionAttention]) -> None:
    separate = pair[1]
    called = []
    for name, layer in separate.named_children():
        layer.register_forward_hook(lambda *_, name=name: called.append(name))
    x = torch.randn(1, 3, 12)
    separate(x, x, x)
    assert sorted(called) == ['k_proj', 'out_proj', 'q_proj', 'v_proj']


def test_weights_are_not_formed(pair: tuple[nn.MultiheadAttention, SeparateProjectionAttention]) -> None:
    x = torch.randn(1, 3, 12)
    with pytest.raises(ValueError, match='need_weights=False'):
        pair[1](x, x, x, need_weights=True)


def test_fusing_undoes_splitting() -> None:
    state = {'a.in_proj_weight': torch.randn(9, 3), 'a.in_proj_bias': torch.randn(9),
             'a.out_proj.weight': torch.randn(3, 3), 'ln.weight': torch.randn(3)}
    split = split_fused_projections(state)
    assert torch.equal(split['a.k_proj.weight'], state['a.in_proj_weight'][3:6])
    fused = fuse_separate_projections(split)
    assert fused.keys() == state.keys()
    assert all(torch.equal(fused[key], state[key]) for key in state)


def test_projections_are_initialized_as_torchs() -> None:
    """The stacked matrix (3 D, D) is Xavier-uniform: within sqrt(6 / (D + 3 D)), and up to it."""
    torch.manual_seed(0)
    separate = SeparateProjectionAttention(48, 3)
    separate.reset_parameters()
    bound = (6 / (48 + 144)) ** .5
    for projection in (separate.q_proj, separate.k_proj, separate.v_proj):
        assert .99 * bound < projection.weight.abs().max() <= bound
        torch.testing.assert_close(projection.weight.std(), torch.tensor(bound / 3 ** .5), rtol=.05, atol=0)
        assert not projection.bias.any()
    fused = nn.MultiheadAttention(48, 3).in_proj_weight
    assert .99 * bound < fused.abs().max() <= bound
