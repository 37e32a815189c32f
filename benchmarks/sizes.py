"""Models to measure."""
from dataclasses import dataclass, field

import open_clip
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from open_clip.model import CLIPVisionCfg
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.htsat import find_arch
from claip_emo_mm.models.recognizer import AudioVisualRecognizer

AUDIO_TARGETS = ('proj', 'fc1', 'fc2')


@dataclass(frozen=True)
class ModelSizes:
    """Sizes of the model and of a batch; adapters as in the reference recipe.

    Args:
        visual_arch: Name of an open_clip model, or a dict of the fields of ``CLIPVisionCfg``.
        audio_arch: Name of an HTSAT with fusion, or a dict of the fields of ``HTSATArch``.
        num_clips: Clips B of a batch.
        num_frames: Frames T of a clip, all distinct.
        rank, alpha, dropout: Of the adapters.
    """
    visual_arch: str | dict = 'ViT-B-16-quickgelu'
    audio_arch: str | dict = field(default='HTSAT-tiny-fusion')
    num_clips: int = 2
    num_frames: int = 16
    rank: int = 8
    alpha: float = 32
    dropout: float = .1

    @property
    def vision(self) -> CLIPVisionCfg:
        """Sizes of the visual encoder."""
        if isinstance(self.visual_arch, dict):
            return CLIPVisionCfg(**{key: value for key, value in self.visual_arch.items() if key != 'quick_gelu'})
        config = open_clip.get_model_config(self.visual_arch)
        if config is None or not config.get('quick_gelu'):
            raise InputError(f'--arch {self.visual_arch}: expected a model of open_clip in its quickgelu variant, such '
                             'as ViT-B-32-quickgelu, ViT-B-16-quickgelu or ViT-L-14-quickgelu.')
        return CLIPVisionCfg(**config['vision_cfg'])

    def neck_config(self) -> dict:
        return dict(type='TemporalTransformer', embed_dims=self.vision.width, num_frames=self.num_frames)

    def head_config(self) -> dict:
        return dict(type='ConcatFusionHead', num_classes=7, visual_channels=self.vision.width,
                    audio_channels=find_arch(self.audio_arch).out_channels)

    def build_ours(self) -> AudioVisualRecognizer:
        """Build our model; the adapters are sampled so that they change the result."""
        lora = dict(rank=self.rank, alpha=self.alpha, dropout=self.dropout)
        model = MODELS.build(dict(
            type='AudioVisualRecognizer',
            visual_backbone=dict(type='CLIPVisualBackbone', arch=self.visual_arch, lora=dict(
                lora, targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'])),
            visual_neck=self.neck_config(),
            audio_backbone=dict(type='CLAPAudioBackbone', arch=self.audio_arch, lora=dict(lora, targets=AUDIO_TARGETS)),
            audio_neck=dict(type='AudioMeanPool'),
            cls_head=self.head_config()))
        for name, parameter in model.named_parameters():
            if '.lora_B.' in name:
                torch.nn.init.normal_(parameter, std=.01)
        return model

    def sample_batch(self, device: torch.device) -> dict[str, Tensor]:
        """Sample ``frames`` (B, T, 3, H, W) and ``mel`` (B, 1, M, F)."""
        arch, side = find_arch(self.audio_arch), self.vision.image_size
        return dict(frames=torch.randn(self.num_clips, self.num_frames, 3, side, side, device=device),
                    mel=torch.randn(self.num_clips, 1, arch.num_frames, arch.mel_bins, device=device))


class TrainingStep:
    """Forward, cross entropy, backward and AdamW over what is trainable.

    Args:
        model: Maps a batch to logits (B, K).
        batch: Its input.
        scaled: Whether to scale the loss, as float16 needs it.
    """

    def __init__(self, model: nn.Module, batch: dict[str, Tensor], scaled: bool = False) -> None:
        self.model = model
        self.batch = batch
        self.labels = torch.arange(len(batch['frames']), device=batch['frames'].device) % 7
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=.05)
        self.scaler = torch.amp.GradScaler(self.labels.device.type, enabled=scaled)

    def __call__(self) -> None:
        self.model.train()
        self.scaler.scale(F.cross_entropy(self.model(self.batch).float(), self.labels)).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()


def evaluate(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Logits (B, K) in evaluation."""
    model.eval()
    with torch.no_grad():
        return model(batch)


def set_checkpointing(model: AudioVisualRecognizer, on: bool) -> None:
    """Set ``checkpoint_blocks`` of both backbones."""
    for backbone in (model.visual_backbone, model.audio_backbone):
        backbone.checkpoint_blocks = on
