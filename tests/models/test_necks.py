import math

import pytest
import torch

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioMeanPool, AudioTemporalTransformer, AudioTokens, FrameTokens, TemporalTransformer


def test_audio_is_averaged_over_time_and_frequency() -> None:
    latent = torch.arange(2 * 3 * 2 * 4.).view(2, 3, 2, 4)
    # each channel holds 8 numbers in a row: the mean is the first plus 3.5
    assert AudioMeanPool()(latent).tolist() == [[3.5, 11.5, 19.5], [27.5, 35.5, 43.5]]


def layer_norm(x: torch.Tensor) -> torch.Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize(('frames', 'layers'), [  # views of fewer frames than it was made for take the first positions
    (4, 1), (3, 1), (1, 1), (3, 2)])
def test_class_token_reads_the_frames(frames: int, layers: int) -> None:
    torch.manual_seed(0)
    batch, width, heads, head_width = 2, 8, 2, 5
    neck = TemporalTransformer(width, 4, heads, head_width, mlp_dims=7, num_layers=layers)
    x = torch.randn(batch, frames, width)

    weights = {name: parameter.detach() for name, parameter in neck.named_parameters()}
    tokens = torch.cat([weights['cls_token'].repeat(batch, 1, 1), x], 1) + weights['pos_embedding'][:, :frames + 1]
    for layer in range(layers):
        weight, bias = ({name: weights.get(f'layers.{layer}.{name}.{kind}') for name in ('qkv', 'out', 'fc1', 'fc2')}
                        for kind in ('weight', 'bias'))
        q, k, v = (layer_norm(tokens) @ weight['qkv'].T).chunk(3, -1)
        mixed = []
        for head in range(heads):
            part = slice(head * head_width, (head + 1) * head_width)
            attention = (q[..., part] @ k[..., part].transpose(1, 2) / head_width ** .5).softmax(-1)
            mixed.append(attention @ v[..., part])
        tokens = tokens + torch.cat(mixed, -1) @ weight['out'].T + bias['out']
        hidden = layer_norm(tokens) @ weight['fc1'].T + bias['fc1']
        hidden = hidden * .5 * (1 + torch.tanh((2 / math.pi) ** .5 * (hidden + .044715 * hidden ** 3)))
        tokens = tokens + hidden @ weight['fc2'].T + bias['fc2']
    torch.testing.assert_close(neck(x), tokens[:, 0])


def test_tokens_and_positions_are_sampled_from_a_standard_normal() -> None:
    torch.manual_seed(0)
    positions = TemporalTransformer(768, 16).pos_embedding
    assert abs(positions.mean()) < .03
    assert abs(positions.std() - 1) < .03


def test_size_is_the_references() -> None:
    assert sum(p.numel() for p in TemporalTransformer(768, 16).parameters()) == 3_165_184
    assert sum(p.numel() for p in TemporalTransformer(1024, 16).parameters()) == 4_219_904


def test_every_parameter_gets_a_gradient() -> None:
    neck = TemporalTransformer(8, 3, 2, 5, 7)
    neck(torch.randn(2, 3, 8)).sum().backward()
    assert all(parameter.grad is not None for parameter in neck.parameters())


def test_more_frames_are_refused() -> None:
    with pytest.raises(InputError, match='a view has 4 frames, but num_frames=3'):
        TemporalTransformer(8, 3)(torch.randn(2, 4, 8))


def test_audio_is_read_in_time_after_the_mean_over_frequency() -> None:
    torch.manual_seed(0)
    neck = AudioTemporalTransformer(8, num_steps=5, num_heads=2, head_dims=3, mlp_dims=7)
    latent = torch.randn(2, 8, 3, 5)
    steps = torch.stack([(latent[:, :, 0, step] + latent[:, :, 1, step] + latent[:, :, 2, step]) / 3
                         for step in range(5)], 1)
    torch.testing.assert_close(neck(latent), neck.temporal(steps))
    assert not torch.allclose(neck(latent), neck(latent.flip(3)))  # the order counts, unlike for the mean
    neck(latent).sum().backward()
    assert all(parameter.grad is not None for parameter in neck.parameters())
    with pytest.raises(InputError, match='has 4 time steps, but num_steps=5. Set num_steps=4'):
        neck(latent[..., :4])


@pytest.mark.parametrize(('neck', 'features'), [
    (TemporalTransformer(8, 3), torch.zeros(2, 3, 5)),
    (FrameTokens(8, 3), torch.zeros(2, 3, 5)),
    (AudioTokens(8, 3), torch.zeros(2, 5, 4, 3)),
    (AudioTemporalTransformer(8, 3), torch.zeros(2, 5, 4, 3))], ids=lambda value: type(value).__name__)
def test_another_width_is_refused(neck: torch.nn.Module, features: torch.Tensor) -> None:
    with pytest.raises(InputError, match='of width 5 arrived, but embed_dims=8. Set embed_dims of the neck'):
        neck(features)


def test_a_neck_of_width_1_is_not_spread() -> None:
    with pytest.raises(InputError, match='of width 6 arrived, but embed_dims=1'):
        FrameTokens(1, 3, num_layers=0)(torch.zeros(2, 3, 6))  # adding would broadcast
