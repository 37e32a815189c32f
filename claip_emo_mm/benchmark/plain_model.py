"""The model as one would write it with the libraries alone: what ours is compared with."""
import torch
from mmaction.registry import MODELS
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from claip_emo_mm.models.backbones.htsat import build_whole_htsat, find_arch

VISUAL_TARGETS = ('q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2')
AUDIO_TARGETS = ('proj', 'fc1', 'fc2')


class PlainModel(nn.Module):
    """transformers' CLIP tower and laion_clap's whole HTSAT with peft's own adapters, never merged; our neck and head.

    Args:
        vision: Sizes of the visual tower, as ``CLIPVisionConfig`` takes them.
        audio_arch: Name of the audio tower, or a dict of the fields of ``HTSATArch``; with fusion.
        visual_neck: Config of the neck.
        cls_head: Config of the head.
        dropout: Dropout probability in front of each adapter.
    """

    def __init__(self, vision: CLIPVisionConfig, audio_arch: str | dict, visual_neck: dict, cls_head: dict,
                 dropout: float = .1) -> None:
        super().__init__()
        self.visual = CLIPVisionModel(vision)
        self.audio = build_whole_htsat(find_arch(audio_arch), drop_path_rate=.1)
        for tower, targets in ((self.visual, VISUAL_TARGETS), (self.audio, AUDIO_TARGETS)):
            inject_adapter_in_model(LoraConfig(r=8, lora_alpha=32, lora_dropout=dropout, bias='none',
                                               target_modules=list(targets)), tower)
        self.visual_neck = MODELS.build(visual_neck)
        self.cls_head = MODELS.build(cls_head)

    def forward(self, frames: Tensor, mel: Tensor) -> Tensor:
        """Map frames (B, T, 3, H, W) and mel (B, 1, M, F) to logits (B, K)."""
        features = self.visual(pixel_values=frames.flatten(0, 1)).pooler_output  # (B*T, D)
        longer = torch.zeros(len(mel), 1, dtype=torch.bool, device=mel.device)
        audio = self.audio(dict(mel_fusion=mel, longer=longer), device=mel.device)['embedding']
        return self.cls_head(visual=self.visual_neck(features.unflatten(0, frames.shape[:2])), audio=audio)
