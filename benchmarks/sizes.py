"""Models and clips to measure."""
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import open_clip
import soundfile
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from open_clip.model import CLIPVisionCfg
from torch import Tensor, nn

from claip_emo_mm.datasets.annotations import ListedClip, read_annotation_list
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


# DFEW's clips: the length, in frames, that this ratio of them does not exceed
_RATIO = (0, .05, .25, .5, .75, .95, 1)
_FRAMES = (11, 33, 48, 70, 95, 155, 847)
_FRAMES_PER_S = 25


def sample_lengths(count: int, seed: int = 0) -> np.ndarray:
    """Sample lengths of clips, frames, from DFEW's distribution: its inverse, interpolated between seven of its points.

    One is sampled from each of `count` equal parts of the distribution, so that few clips have its mean as well.
    """
    rng = np.random.default_rng(seed)
    ratios = (np.arange(count) + rng.random(count)) / count
    return rng.permutation(np.interp(ratios, _RATIO, _FRAMES).round().astype(int))


def make_clips(tree: Path, out: Path, lengths: Sequence[int]) -> list[ListedClip]:
    """Make frame folders and audio files of given lengths by going to and fro in the clips of a tree.

    Args:
        tree: folder of ``make_frame_tree`` with a ``test.csv``.
        out: folder to be made.
        lengths: frames of each clip; 25 of them are a second of audio.
    Returns: the clips; their paths are relative to `out`.
    """
    sources = read_annotation_list(tree / 'test.csv')
    clips = []
    for number, length in enumerate(lengths):
        source = sources[number % len(sources)]
        clip = ListedClip(number, source.label, frames=f'frames/{number:05d}', audio=f'{number:05d}.wav')
        (out / clip.frames).mkdir(parents=True)
        names = sorted((tree / source.frames).iterdir())
        for frame, index in enumerate(to_and_fro(len(names), length), start=1):
            shutil.copyfile(names[index], out / clip.frames / f'{frame:05d}{names[index].suffix}')
        samples, rate_hz = soundfile.read(tree / source.audio, dtype='float32')
        wanted = round(length / _FRAMES_PER_S * rate_hz)
        soundfile.write(out / clip.audio, samples[to_and_fro(len(samples), wanted)], rate_hz)
        clips.append(clip)
    return clips


def to_and_fro(count: int, wanted: int) -> np.ndarray:
    """Indices 0, 1, ..., count - 1, count - 2, ..., 0, 1, ..., `wanted` of them."""
    return np.abs((np.arange(wanted) + count - 1) % max(2 * (count - 1), 1) - (count - 1))


class TrainingStep:
    """Forward, cross entropy, backward and AdamW over what is trainable.

    Args:
        model: Maps a batch to logits (B, K).
        batch: Its input.
    """

    def __init__(self, model: nn.Module, batch: dict[str, Tensor]) -> None:
        self.model = model
        self.batch = batch
        self.labels = torch.arange(len(batch['frames']), device=batch['frames'].device)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=.05)

    def __call__(self) -> None:
        self.model.train()
        F.cross_entropy(self.model(self.batch), self.labels).backward()
        self.optimizer.step()
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
