"""A plain model to compare with."""
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from mmaction.registry import MODELS
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from transformers import ClapAudioConfig, ClapAudioModel, CLIPVisionConfig, CLIPVisionModel

from benchmarks.sizes import AUDIO_TARGETS, ModelSizes
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.htsat import HTSATArch, find_arch
from claip_emo_mm.models.recognizer import AudioVisualRecognizer


def import_htsat() -> ModuleType:
    """Import ``laion_clap.clap_module.htsat``, both of whose parent packages are empty modules meanwhile.

    ``import laion_clap`` builds three tokenizers from the hub, which hangs without a network.
    """
    name = 'laion_clap.clap_module.htsat'
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec('laion_clap')
    if spec is None:
        raise InputError('The comparison needs the package laion_clap: pip install "laion_clap>=1.1.6".')
    folder = Path(spec.origin).parent
    parents = {'laion_clap': folder, 'laion_clap.clap_module': folder / 'clap_module'}
    parents = {parent: path for parent, path in parents.items() if parent not in sys.modules}
    for parent, path in parents.items():
        sys.modules[parent] = ModuleType(parent)
        sys.modules[parent].__path__ = [str(path)]
    try:
        return importlib.import_module(name)
    finally:
        for parent in parents:
            del sys.modules[parent]


def build_htsat(arch: HTSATArch, drop_path_rate: float) -> nn.Module:
    """Build laion_clap's own HTSAT, with its forward pass, but without its spectrogram extractor."""
    unused_front_end = SimpleNamespace(mel_bins=arch.mel_bins, window_size=1024, hop_size=480, sample_rate=48000,
                                       fmin=50, fmax=14000)
    htsat = import_htsat().HTSAT_Swin_Transformer(
        spec_size=arch.spec_size, num_classes=arch.num_classes, embed_dim=arch.embed_dims, depths=list(arch.depths),
        num_heads=list(arch.num_heads), window_size=arch.window_size, drop_path_rate=drop_path_rate,
        config=unused_front_end, enable_fusion=arch.fusion, fusion_type='aff_2d' if arch.fusion else 'None')
    del htsat.spectrogram_extractor, htsat.logmel_extractor
    return htsat


def build_clap_audio(arch: HTSATArch) -> nn.Module:
    """Build transformers' HTSAT, without feature fusion, which the spectrograms here do not use."""
    return ClapAudioModel(ClapAudioConfig(
        window_size=arch.window_size, num_mel_bins=arch.mel_bins, spec_size=arch.spec_size,
        patch_embeds_hidden_size=arch.embed_dims, hidden_size=arch.out_channels, depths=list(arch.depths),
        num_attention_heads=list(arch.num_heads),
        hidden_dropout_prob=0., drop_path_rate=.1))


VISUAL_TARGETS = ('q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1', 'fc2')
CLAP_AUDIO_TARGETS = ('dense',)  # the layers of AUDIO_TARGETS: output of the attention and both of the MLP
# transformers' names and ours
_RENAMED = (('vision_model.', ''), ('embeddings.class_embedding', 'class_embedding'),
            ('embeddings.patch_embedding', 'conv1'), ('embeddings.position_embedding.weight', 'positional_embedding'),
            ('pre_layrnorm', 'ln_pre'), ('post_layernorm', 'ln_post'), ('encoder.layers.', 'transformer.resblocks.'),
            ('self_attn.', 'attn.'), ('layer_norm', 'ln_'), ('mlp.fc1', 'mlp.c_fc'), ('mlp.fc2', 'mlp.c_proj'))


def plain_audio() -> str:
    """Package whose HTSAT the plain model has: laion_clap's own, or transformers' where laion_clap is not installed."""
    return 'laion_clap' if importlib.util.find_spec('laion_clap') else 'transformers'


class PlainModel(nn.Module):
    """transformers' CLIP encoder and laion_clap's whole HTSAT with peft's own adapters, never merged; our neck and
    head.

    Args:
        sizes: Sizes of the model.
        audio: ``'laion_clap'``, or ``'transformers'`` for its ``ClapAudioModel``, whose weights stay random; None for
            what is installed.
    """

    def __init__(self, sizes: ModelSizes, audio: str | None = None) -> None:
        super().__init__()
        vision, self.audio_from = sizes.vision, audio or plain_audio()
        self.visual = CLIPVisionModel(CLIPVisionConfig(
            hidden_size=vision.width, intermediate_size=int(vision.width * vision.mlp_ratio),
            num_hidden_layers=vision.layers, num_attention_heads=vision.width // vision.head_width,
            image_size=vision.image_size, patch_size=vision.patch_size, hidden_act='quick_gelu', layer_norm_eps=1e-5))
        arch = find_arch(sizes.audio_arch)
        if self.audio_from == 'laion_clap':
            self.audio, audio_targets = build_htsat(arch, drop_path_rate=.1), AUDIO_TARGETS
            # In training it fuses the features of a random clip where none is long, which fails under autocast.
            self.audio.patch_embed.enable_fusion = False
        else:
            self.audio, audio_targets = build_clap_audio(arch), CLAP_AUDIO_TARGETS
        for encoder, targets in ((self.visual, VISUAL_TARGETS), (self.audio, audio_targets)):
            inject_adapter_in_model(LoraConfig(r=sizes.rank, lora_alpha=sizes.alpha, lora_dropout=sizes.dropout,
                                               bias='none', target_modules=list(targets)), encoder)
        self.visual_neck = MODELS.build(sizes.neck_config())
        self.cls_head = MODELS.build(sizes.head_config())

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Map ``frames`` (B, T, 3, H, W) and ``mel`` (B, 1, M, F) to logits (B, K)."""
        frames, mel = inputs['frames'], inputs['mel']
        features = self.visual(pixel_values=frames.flatten(0, 1)).pooler_output  # (B*T, D)
        if self.audio_from == 'laion_clap':
            longer = torch.zeros(len(mel), 1, dtype=torch.bool, device=mel.device)
            audio = self.audio(dict(mel_fusion=mel, longer=longer), device=mel.device)['embedding']
        else:
            audio = self.audio(input_features=mel).pooler_output
        return self.cls_head(visual=self.visual_neck(features.unflatten(0, frames.shape[:2])), audio=audio)

    def copy_weights(self, ours: AudioVisualRecognizer) -> None:
        """Take every weight of our model, which is built of the same sizes; not those of ClapAudioModel."""
        visual = ours.visual_backbone.tower.state_dict()
        self.visual.load_state_dict({key: visual[_our_name(key)].view_as(value)
                                     for key, value in self.visual.state_dict().items()})
        if self.audio_from == 'laion_clap':
            audio = ours.audio_backbone.tower.state_dict()
            self.audio.load_state_dict({key: audio.get(key, value) for key, value in self.audio.state_dict().items()})
        self.visual_neck.load_state_dict(ours.visual_neck.state_dict())
        self.cls_head.load_state_dict(ours.cls_head.state_dict())


def _our_name(key: str) -> str:
    for other, ours in _RENAMED:
        key = key.replace(other, ours)
    return key
