from collections import OrderedDict

import pytest
import torch
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters

BLOCKS = ['blocks.0', 'blocks.1']


def make_encoder() -> nn.Module:
    torch.manual_seed(0)

    def block() -> nn.Module:
        return nn.Sequential(OrderedDict(fc1=nn.Linear(6, 5), fc2=nn.Linear(5, 6)))

    encoder = nn.Module()
    encoder.stem = nn.Module()
    encoder.stem.proj = nn.Conv2d(2, 6, 3)
    encoder.blocks = nn.Sequential(block(), block())
    encoder.norm = nn.LayerNorm(6)
    return encoder.requires_grad_(False)


def adapted(encoder: nn.Module) -> set[str]:
    return {name.split('.lora_')[0] for name, parameter in encoder.named_parameters() if parameter.requires_grad}


def test_output_is_the_layers_plus_the_scaled_low_rank_product() -> None:
    encoder = make_encoder()
    weight, bias = encoder.blocks[1].fc2.weight.clone(), encoder.blocks[1].fc2.bias.clone()
    add_adapters(encoder, LoRAConfig(['fc2'], rank=2, alpha=10, dropout=0), BLOCKS)
    layer = encoder.blocks[1].fc2
    down, up = torch.randn(2, 5), torch.randn(6, 2)
    layer.lora_A['default'].weight.data, layer.lora_B['default'].weight.data = down, up
    x = torch.randn(4, 5)
    torch.testing.assert_close(layer(x), x @ weight.T + bias + 10 / 2 * (x @ down.T @ up.T))


def test_adapters_begin_as_nothing_and_drop_their_input_in_training() -> None:
    encoder = make_encoder()
    x = torch.randn(4, 6)
    before = encoder.blocks(x)
    add_adapters(encoder, LoRAConfig(['fc1'], dropout=.5), BLOCKS)
    torch.testing.assert_close(encoder.blocks(x), before)
    nn.init.normal_(encoder.blocks[0].fc1.lora_B['default'].weight)
    assert not torch.equal(encoder.blocks(x), encoder.blocks(x))
    encoder.eval()
    assert torch.equal(encoder.blocks(x), encoder.blocks(x))


def test_exactly_the_targets_are_trained() -> None:
    encoder = make_encoder()
    names = add_adapters(encoder, LoRAConfig(['proj', 'fc2'], rank=3), BLOCKS)
    assert names == ['stem.proj', 'blocks.0.fc2', 'blocks.1.fc2']
    assert adapted(encoder) == set(names)
    # convolution: 3 x 2 x 3 x 3 down, 6 x 3 up; each linear layer: 3 x 5 down, 6 x 3 up
    assert sum(p.numel() for p in encoder.parameters() if p.requires_grad) == 54 + 18 + 2 * (15 + 18)


def test_what_was_trainable_stays_trainable() -> None:
    encoder = make_encoder().requires_grad_(True)
    add_adapters(encoder, LoRAConfig(['fc2']), BLOCKS)
    assert all(parameter.requires_grad for parameter in encoder.parameters())


def test_blocks_can_be_chosen() -> None:
    encoder = make_encoder()
    assert add_adapters(encoder, LoRAConfig(['fc1', 'proj'], blocks=[1]), BLOCKS) == ['blocks.1.fc1']


@pytest.mark.parametrize(('settings', 'message'), [
    (LoRAConfig(['fc1', 'q_proj']), r'no layer is called q_proj\. This encoder has fc1, fc2, proj\.'),
    (LoRAConfig([]), 'This encoder has fc1, fc2, proj'),
    (LoRAConfig(['fc1'], blocks=[0, 2]), r'there is no block 2\. This encoder has the blocks 0 to 1'),
    (LoRAConfig(['proj'], blocks=[0]), 'match no layer in')])
def test_what_matches_nothing_is_an_error(settings: LoRAConfig, message: str) -> None:
    with pytest.raises(InputError, match=message):
        add_adapters(make_encoder(), settings, BLOCKS)


@pytest.mark.parametrize(('options', 'message'), [
    (dict(targets='fc1'), r"lora.targets is 'fc1'. Expected a list of names: \['fc1'\]"),
    (dict(targets=['fc1'], rank=0), 'lora.rank is 0. Expected at least 1'),
    (dict(targets=['fc1'], dropout=1.), r'lora.dropout is 1.0. Expected a probability from 0 to below 1')])
def test_options_that_make_no_sense_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LoRAConfig(**options)


def test_groups_of_a_convolution_divide_the_rank() -> None:
    encoder = nn.Sequential(nn.Conv3d(6, 6, 3, groups=6))
    assert add_adapters(encoder, LoRAConfig(['0'], rank=12), ()) == ['0']
    with pytest.raises(InputError, match='lora.rank=8: 0 is a convolution in 6 groups'):
        add_adapters(nn.Sequential(nn.Conv3d(6, 6, 3, groups=6)), LoRAConfig(['0'], rank=8), ())
