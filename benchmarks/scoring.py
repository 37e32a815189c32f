"""Testing a batch of clips as long as DFEW's, from uint8 frames in memory: ours beside a plain implementation."""
from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from benchmarks.baselines import CLIP_LEN, STRIDE, TEST_CROPS, TEST_VIEWS
from benchmarks.sizes import ModelSizes
from claip_emo_mm.datasets.transforms.sampling import regular_frames
from claip_emo_mm.models.backbones.htsat import find_arch
from claip_emo_mm.models.recognizer import AudioVisualRecognizer


def sample_clips(sizes: ModelSizes, lengths: Sequence[int]) -> list[dict[str, Tensor]]:
    """Sample what the test pipeline makes of clips of these lengths, in frames: random pixels and spectrograms."""
    arch, side, clips = find_arch(sizes.audio_arch), sizes.vision.image_size, []
    for length in lengths:
        views = torch.as_tensor(regular_frames(int(length), CLIP_LEN, STRIDE, TEST_VIEWS))  # (V, T)
        distinct, index = views.unique(return_inverse=True)
        clips.append(dict(
            frames=torch.randint(256, (len(distinct), 3, side, side), dtype=torch.uint8), frame_index=index,
            mel=torch.randn(1, 1, arch.num_frames, arch.mel_bins),
            audio_index=torch.zeros(TEST_VIEWS, dtype=torch.int64)))
    return clips


class OurTestStep:
    """Copies each distinct frame and audio of the clips to the device once, and encodes it once.

    Args:
        model: On its device.
        clips: Of ``sample_clips``.
    """

    def __init__(self, model: AudioVisualRecognizer, clips: Sequence[dict[str, Tensor]]) -> None:
        self.model = model
        self.inputs = {key: [clip[key] for clip in clips] for key in clips[0]}
        self.images = sum(len(frames) for frames in self.inputs['frames'])

    @torch.no_grad()
    def __call__(self) -> Tensor:
        """Scores (B, K) of the clips, on the CPU."""
        samples = [ActionDataSample() for _ in self.inputs['frames']]
        self.model.eval()
        return torch.stack([sample.pred_score for sample in self.model.test_step(
            dict(inputs=self.inputs, data_samples=samples))]).float().cpu()


class PlainTestStep:
    """Encodes the 2 windows x 2 crops of each clip as 4 samples of their own, normalized beforehand.

    Args:
        model: On its device.
        clips: Of ``sample_clips``.
        normalize: Normalizes frames (n, 3, H, W) of 0..255.
        batch_size: Samples that the model gets at once.
    """

    def __init__(self, model: nn.Module, clips: Sequence[dict[str, Tensor]], normalize: nn.Module,
                 batch_size: int = 8) -> None:
        self.model, self.batch_size = model, batch_size
        self.device = next(model.parameters()).device
        self.views = [
            dict(frames=normalize(clip['frames'][clip['frame_index'][view]].float()), mel=clip['mel'][0])
            for clip in clips for view in range(TEST_VIEWS) for _ in range(TEST_CROPS)]
        self.images = sum(len(view['frames']) for view in self.views)

    @torch.no_grad()
    def __call__(self) -> Tensor:
        """Scores (B, K) of the clips, on the CPU."""
        self.model.eval()
        scores = []
        for start in range(0, len(self.views), self.batch_size):
            views = self.views[start:start + self.batch_size]
            batch = {key: torch.stack([view[key] for view in views]).to(self.device) for key in ('frames', 'mel')}
            scores.append(self.model(batch).float().softmax(-1))
        return torch.cat(scores).unflatten(0, (-1, TEST_VIEWS * TEST_CROPS)).mean(1).cpu()
