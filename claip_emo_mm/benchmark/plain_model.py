"""The model as one would write it with the libraries alone: what ours is compared with."""
import torch
from mmaction.registry import MODELS
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from claip_emo_mm.benchmark.model_sizes import AUDIO_TARGETS, ModelSizes
from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.backbones.htsat import build_htsat, find_arch

VISUAL_TARGETS = ('q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2')
# transformers' names and ours
_RENAMED = (('vision_model.', ''), ('embeddings.class_embedding', 'class_embedding'),
            ('embeddings.patch_embedding', 'conv1'), ('embeddings.position_embedding.weight', 'positional_embedding'),
            ('pre_layrnorm', 'ln_pre'), ('post_layernorm', 'ln_post'), ('encoder.layers.', 'transformer.resblocks.'),
            ('self_attn.', 'attn.'), ('layer_norm', 'ln_'), ('mlp.fc1', 'mlp.c_fc'), ('mlp.fc2', 'mlp.c_proj'))


class PlainModel(nn.Module):
    """transformers' CLIP tower and laion_clap's whole HTSAT with peft's own adapters, never merged; our neck and head.

    Args:
        sizes: Sizes of the model.
    """

    def __init__(self, sizes: ModelSizes) -> None:
        super().__init__()
        vision = sizes.vision
        self.visual = CLIPVisionModel(CLIPVisionConfig(
            hidden_size=vision.width, intermediate_size=int(vision.width * vision.mlp_ratio),
            num_hidden_layers=vision.layers, num_attention_heads=vision.width // vision.head_width,
            image_size=vision.image_size, patch_size=vision.patch_size, hidden_act='quick_gelu', layer_norm_eps=1e-5))
        self.audio = build_htsat(find_arch(sizes.audio_arch), drop_path_rate=.1)
        for tower, targets in ((self.visual, VISUAL_TARGETS), (self.audio, AUDIO_TARGETS)):
            inject_adapter_in_model(LoraConfig(r=sizes.rank, lora_alpha=sizes.alpha, lora_dropout=sizes.dropout,
                                               bias='none', target_modules=list(targets)), tower)
        self.visual_neck = MODELS.build(sizes.neck_config())
        self.cls_head = MODELS.build(sizes.head_config())

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map ``frames`` (B, T, 3, H, W) and ``mel`` (B, 1, M, F) to logits (B, K)."""
        frames, mel = inputs['frames'], inputs['mel']
        features = self.visual(pixel_values=frames.flatten(0, 1)).pooler_output  # (B*T, D)
        longer = torch.zeros(len(mel), 1, dtype=torch.bool, device=mel.device)
        audio = self.audio(dict(mel_fusion=mel, longer=longer), device=mel.device)['embedding']
        return self.cls_head(visual=self.visual_neck(features.unflatten(0, frames.shape[:2])), audio=audio)

    def copy_weights(self, ours: AudioVisualRecognizer) -> None:
        """Take every weight of our model, which is built of the same sizes."""
        visual = ours.visual_backbone.tower.state_dict()
        self.visual.load_state_dict({key: visual[_our_name(key)].view_as(value)
                                     for key, value in self.visual.state_dict().items()})
        audio = ours.audio_backbone.tower.state_dict()
        self.audio.load_state_dict({key: audio.get(key, value) for key, value in self.audio.state_dict().items()})
        self.visual_neck.load_state_dict(ours.visual_neck.state_dict())
        self.cls_head.load_state_dict(ours.cls_head.state_dict())


def _our_name(key: str) -> str:
    for theirs, ours in _RENAMED:
        key = key.replace(theirs, ours)
    return key
