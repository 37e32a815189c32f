"""Only the attention over frames is recorded in a recognizer."""
from collections.abc import Callable

import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.visualization.attention import record_attention, temporal_weights


def test_what_is_not_a_frame_is_not_taken_for_one(build_both: Callable[..., AudioVisualRecognizer],
                                                  views: dict[str, torch.Tensor]) -> None:
    audio_neck = dict(type='AudioTemporalTransformer', embed_dims=12, num_steps=32, num_heads=2, head_dims=4,
                      mlp_dims=8)
    samples = [ActionDataSample(), ActionDataSample()]

    def noted_frames(**options: object) -> tuple[AudioVisualRecognizer, list[torch.Tensor]]:
        model = build_both(**options)
        with torch.inference_mode(), record_attention(model) as noted:
            model(views, samples, mode='predict')
        assert len(noted['encoder']) == 2
        return model, noted['temporal']

    both, temporal = noted_frames(audio_neck=audio_neck)  # the last to look is the audio
    assert [tuple(weights.shape) for weights in temporal] == [(3, 4, 4)]  # three distinct views of three frames
    alone = both.visual_neck
    frame_features = both.visual_backbone(views['frames'])[torch.tensor([[0, 1, 1], [1, 1, 2], [3, 4, 4]])]
    tokens = torch.cat([alone.cls_token.expand(3, -1, -1), frame_features], 1) + alone.pos_embedding
    torch.testing.assert_close(temporal[0], temporal_weights(alone.layers[0], tokens).mean(1), rtol=0, atol=1e-5)
    averaged, temporal = noted_frames(audio_neck=audio_neck, visual_neck=None)
    assert averaged.visual_neck is None and temporal == []
    tokens = dict(type='FrameTokens', embed_dims=16, num_frames=3, num_heads=2, head_dims=4, mlp_dims=8)
    head = dict(type='CrossAttentionFusionHead', num_classes=5, visual_channels=16, audio_channels=12, embed_dims=8,
                num_heads=2)
    _, temporal = noted_frames(visual_neck=tokens, cls_head=head,
                               audio_neck=dict(type='AudioTokens', embed_dims=12, num_steps=32))
    assert temporal == []  # its first token is a frame, not a class token
