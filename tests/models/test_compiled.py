"""A training step under torch.compile: recorded in one graph; random layers keep their distributions."""
from collections.abc import Callable

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.backbones.htsat import SpecAugment
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters


def compiled(module: nn.Module) -> nn.Module:
    """Compile a module; it fails where the graph would be broken."""
    torch.compiler.reset()
    return torch.compile(module, backend='eager', fullgraph=True)


def test_adapted_layer_drops_out_and_passes_gradients() -> None:
    net = nn.Sequential()
    net.layer = nn.Linear(40, 6).requires_grad_(False)
    add_adapters(net, LoRAConfig(['layer'], rank=4, alpha=4, dropout=.5), [])
    nn.init.eye_(net.layer.lora_A['default'].weight)
    nn.init.eye_(net.layer.lora_B['default'].weight)  # together they add the first 4 inputs to the first 4 outputs
    x = torch.ones(2000, 40)
    with torch.no_grad():
        without = net.layer.base_layer(x)
    output = compiled(net.train())(x)
    added = (output - without)[:, :4].detach()
    assert torch.logical_or(added.abs() < 1e-5, (added - 2).abs() < 1e-5).all()  # 1 / (1 - .5), or dropped
    assert float(added.mean()) == pytest.approx(1, abs=.1)
    output.sum().backward()
    assert net.layer.lora_B['default'].weight.grad.any() and net.layer.base_layer.weight.grad is None


def hidden(y: Tensor) -> tuple[Tensor, Tensor]:
    """How many frames and mel bins of each spectrogram (A, 1, M, F) of ones are hidden, (A,) each."""
    return (y == 0).all(3).sum((1, 2)), (y == 0).all(2).sum((1, 2))


def test_spec_augment_hides_as_much_as_without_it() -> None:
    x, augment = torch.ones(1500, 1, 40, 20), SpecAugment(12, 2, 5, 1)
    torch.manual_seed(0)
    found, expected = hidden(compiled(augment)(x)), hidden(augment(x.clone()))
    assert x.all()
    for counts, wanted, most in zip(found, expected, (2 * 11, 4), strict=True):
        assert counts.min() == 0 and counts.max() <= most
        assert float(counts.float().mean()) == pytest.approx(float(wanted.float().mean()), rel=.1)
        assert float(counts.float().std()) == pytest.approx(float(wanted.float().std()), rel=.1)


def test_training_step_is_one_graph(build_both: Callable[..., AudioVisualRecognizer]) -> None:
    model = build_both(audio_backbone=dict(
        type='CLAPAudioBackbone', lora=dict(targets=['proj'], dropout=.5), drop_path_rate=.5,
        arch=dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64))).train()
    inputs = dict(frames=torch.randn(6, 3, 10, 10), frame_index=torch.arange(6).view(2, 1, 3),
                  mel=torch.randn(2, 1, 256, 16), audio_index=torch.arange(2)[:, None])
    losses = compiled(model)(inputs, [ActionDataSample().set_gt_label(label) for label in (0, 3)], mode='loss')
    losses['loss_cls'].backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)
