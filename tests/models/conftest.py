"""The reference model, written a second time on other people's encoders: transformers, laion_clap and peft."""
from collections.abc import Callable

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from benchmarks.plain_model import build_htsat
from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.backbones.htsat import HTSATArch


class TemporalModel(nn.Module):
    """One pre-norm layer over the frames and a class token, with the reference's names."""

    def __init__(self, width: int, frames: int, heads: int, head_width: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * head_width
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embedding = nn.Parameter(torch.randn(1, frames + 1, width))
        attention = nn.ModuleDict(dict(to_qkv=nn.Linear(width, 3 * inner, bias=False),
                                       to_out=nn.Sequential(nn.Linear(inner, width), nn.Dropout(0.))))
        mlp = nn.ModuleDict(dict(net=nn.Sequential(nn.Linear(width, hidden), nn.GELU(approximate='tanh'),
                                                   nn.Dropout(0.), nn.Linear(hidden, width), nn.Dropout(0.))))
        halves = [nn.ModuleDict(dict(fn=nn.ModuleDict(dict(norm=nn.LayerNorm(width), fn=part))))
                  for part in (attention, mlp)]
        self.temporal_transformer = nn.ModuleDict(dict(layers=nn.ModuleList([nn.ModuleList(halves)])))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) to (B, D)."""
        x = torch.cat([self.cls_token.repeat(len(x), 1, 1), x], 1) + self.pos_embedding
        attention, mlp = (half['fn'] for half in self.temporal_transformer['layers'][0])
        q, k, v = attention['fn']['to_qkv'](attention['norm'](x)).chunk(3, -1)
        q, k, v = (part.reshape(*part.shape[:2], self.heads, -1).transpose(1, 2) for part in (q, k, v))
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** .5).softmax(-1)
        x = x + attention['fn']['to_out']((weights @ v).transpose(1, 2).reshape(*x.shape[:2], -1))
        return (x + mlp['fn']['net'](mlp['norm'](x)))[:, 0]


class ReferenceModel(nn.Module):
    """CLIPVisionModel and HTSAT with adapters, the temporal model, one linear layer; the reference's names."""

    def __init__(self, vision: dict, audio: HTSATArch, frames: int = 16, heads: int = 8, head_width: int = 64,
                 hidden: int = 1024, classes: int = 7, rank: int = 8) -> None:
        super().__init__()

        def adapted(encoder: nn.Module, targets: list[str]) -> nn.Module:
            return inject_adapter_in_model(
                LoraConfig(r=rank, lora_alpha=4 * rank, lora_dropout=.1, target_modules=targets), encoder)

        frame = adapted(CLIPVisionModel(CLIPVisionConfig(**vision)),
                          ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2'])
        hearing = adapted(build_htsat(audio, .1), ['proj', 'fc1', 'fc2'])
        self.vision_encoder = nn.ModuleDict(dict(model=nn.ModuleDict(dict(vision_model=frame))))
        self.audio_encoder = nn.ModuleDict(dict(audio_encoder=nn.ModuleDict(dict(model=hearing))))
        self.temporal_v = TemporalModel(vision['hidden_size'], frames, heads, head_width, hidden)
        self.fusion_module = nn.ModuleDict(dict(fc=nn.Linear(vision['hidden_size'] + audio.out_channels, classes)))

    def see(self, frames: Tensor) -> Tensor:
        """(U, 3, H, W) to (U, D)."""
        return self.vision_encoder['model']['vision_model'](pixel_values=frames).pooler_output

    def hear(self, mel: Tensor) -> Tensor:
        """(B, 1, M, F) to (B, D'), through HTSAT's own forward."""
        encoder = self.audio_encoder['audio_encoder']['model']
        x = encoder.bn0(mel.transpose(1, 3)).transpose(1, 3)
        return encoder.forward_features(encoder.reshape_wav2img(x), longer_idx=[])['embedding']

    def classify(self, frame_features: Tensor, audio_features: Tensor) -> Tensor:
        """(B, T, D) and (B, D') to logits (B, K)."""
        return self.fusion_module['fc'](torch.cat([audio_features, self.temporal_v(frame_features)], 1))


@pytest.fixture(scope='session')
def reference_model(laion_clap: None) -> Callable[..., ReferenceModel]:
    """The class, to be built in the size that a test wants."""
    return ReferenceModel


K = 5


@pytest.fixture
def build_both() -> Callable[..., AudioVisualRecognizer]:
    """Build it in evaluation; features 16 (visual) and 12 (audio) wide, 3 frames a view, 5 classes."""
    def build(**options: object) -> AudioVisualRecognizer:
        with DefaultScope.overwrite_default_scope('mmaction'):
            torch.manual_seed(0)
            return MODELS.build({**dict(
                type='AudioVisualRecognizer',
                visual_backbone=dict(
                    type='CLIPVisualBackbone', arch=dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8),
                    lora=dict(targets=['q_proj', 'c_fc'], rank=2, alpha=4)),
                visual_neck=dict(type='TemporalTransformer', embed_dims=16, num_frames=3, num_heads=2, head_dims=4,
                                 mlp_dims=8),
                audio_backbone=dict(
                    type='CLAPAudioBackbone', arch=dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16,
                                                        spec_size=64),
                    spec_augment=False, lora=dict(targets=['proj', 'fc1'], rank=2, alpha=4)),
                audio_neck=dict(type='AudioMeanPool'),
                cls_head=dict(type='ConcatFusionHead', num_classes=K, visual_channels=16, audio_channels=12)),
                **options}).eval()
    return build


@pytest.fixture
def views() -> dict[str, torch.Tensor]:
    """Two clips of two views: 5 distinct frames, 3 distinct audio windows."""
    generator = torch.Generator().manual_seed(0)
    return dict(frames=torch.randn(5, 3, 10, 10, generator=generator),
                frame_index=torch.tensor([[[0, 1, 1], [1, 1, 2]], [[3, 4, 4], [3, 4, 4]]]),
                mel=torch.randn(3, 1, 256, 16, generator=generator), audio_index=torch.tensor([[0, 1], [2, 2]]))
