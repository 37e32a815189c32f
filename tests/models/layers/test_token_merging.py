"""Token merging beside a reference written token by token."""
import pytest
import torch
from slow_merging import slowly

from claip_emo_mm.models.layers.token_merging import merge_tokens, most_merged


@pytest.mark.parametrize(('count', 'num_merged'), [(9, 0), (9, 1), (9, 4), (10, 4), (10, 2)])
def test_it_is_the_slow_reference(count: int, num_merged: int) -> None:
    generator = torch.Generator().manual_seed(count + num_merged)
    x, keys = torch.randn(3, count, 5, generator=generator), torch.randn(3, count, 4, generator=generator)
    sizes = torch.randint(1, 6, (3, count), generator=generator).float()
    found = merge_tokens(x, keys, sizes, num_merged)
    assert found[0].shape == (3, count - num_merged, 5) and found[1].shape == (3, count - num_merged)
    for frame in range(3):
        expected = slowly(x[frame], keys[frame], sizes[frame], num_merged)
        torch.testing.assert_close(found[0][frame], expected[0], rtol=0, atol=1e-5)
        assert torch.equal(found[1][frame], expected[1])


def test_equal_tokens_become_one_of_their_weight() -> None:
    a, b, cls = torch.eye(3)
    x = torch.stack([cls, a, a, b, b, a])[None]  # sources 0, 2, 4; targets 1, 3, 5
    merged, sizes = merge_tokens(x, x, torch.tensor([[1., 1, 3, 1, 1, 1]]), 2)
    assert torch.equal(merged[0], torch.stack([cls, a, b, a]))
    assert sizes[0].tolist() == [1, 4, 2, 1]


@pytest.mark.parametrize(('tokens', 'blocks', 'most'), [(197, 11, 16), (5, 1, 2), (5, 2, 1), (2, 1, 0), (9, 0, 4)])
def test_most_merged(tokens: int, blocks: int, most: int) -> None:
    left = tokens
    for _ in range(blocks):
        assert most < (left + 1) // 2
        left -= most
    assert most_merged(tokens, blocks) == most
