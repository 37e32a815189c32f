import pytest
import torch

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioTokens, FrameTokens, TemporalTransformer

B, T, D = 2, 3, 8


def test_frames_keep_their_places() -> None:
    neck = FrameTokens(D, T, num_layers=0)
    frames = torch.randn(B, T, D)
    torch.testing.assert_close(neck(frames), frames + neck.pos_embedding)
    torch.testing.assert_close(neck(frames[:, 1:]), frames[:, 1:] + neck.pos_embedding[:, :2])  # the first positions


def test_frames_are_read_as_by_the_temporal_transformer() -> None:
    neck, whole = (kind(D, T, num_heads=2, head_dims=4, mlp_dims=6) for kind in (FrameTokens, TemporalTransformer))
    neck.layers.load_state_dict(whole.layers.state_dict())
    frames = torch.randn(B, T + 1, D)
    whole.cls_token.data, whole.pos_embedding.data = torch.zeros(1, 1, D), torch.zeros(1, T + 1, D)
    bigger = FrameTokens(D, T + 1, num_heads=2, head_dims=4, mlp_dims=6)
    bigger.layers.load_state_dict(whole.layers.state_dict())
    bigger.pos_embedding.data.zero_()
    frames[:, 0] = 0  # what the class token is
    torch.testing.assert_close(bigger(frames)[:, 0], whole(frames[:, 1:]))


def test_audio_keeps_its_time_steps() -> None:
    neck = AudioTokens(D, num_steps=5)
    latent = torch.randn(B, D, 2, 5)
    tokens = neck(latent)
    assert tokens.shape == (B, 5, D)
    expected = (latent[1, :, 0, 4] + latent[1, :, 1, 4]) / 2 + neck.pos_embedding[0, 4]
    torch.testing.assert_close(tokens[1, 4], expected)


def test_other_lengths_are_refused() -> None:
    with pytest.raises(InputError, match='FrameTokens: a view has 4 frames, but num_frames=3'):
        FrameTokens(D, T)(torch.zeros(B, 4, D))
    with pytest.raises(InputError, match='AudioTokens: the latent map has 4 time steps, but num_steps=5'):
        AudioTokens(D, 5)(torch.zeros(B, D, 2, 4))
