"""Two ways to test clips, step by step: ours, and one view after another."""
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from claip_emo_mm.benchmark.plain_data import TEST_CROPS, TEST_VIEWS, PlainPipeline
from claip_emo_mm.datasets.annotation_list import ListedClip
from claip_emo_mm.models import AudioVisualRecognizer


class EvaluationRun(ABC):
    """A pipeline and a model. `load` reads clips, and `score` finds what the model says of them.

    Args:
        root: folder that the paths of the clips are relative to.
        model: on its device.
        batch_size: what the model gets at once: clips (ours), or views (plain).
    """

    def __init__(self, root: Path, model: nn.Module, batch_size: int) -> None:
        self.root = root
        self.model = model.eval()
        self.device = next(model.parameters()).device
        self.batch_size = batch_size

    @abstractmethod
    def load(self, clips: Sequence[ListedClip]) -> Any:
        """Load clips."""

    @abstractmethod
    def score(self, loaded: Any) -> Tensor:
        """Score loaded clips; (B, K), on the CPU."""


class OurRun(EvaluationRun):
    """Each distinct frame and sound of a batch of clips is loaded and encoded once.

    Args:
        root, model, batch_size: as in ``EvaluationRun``.
        pipeline: configs of the test pipeline's transforms.
    """

    model: AudioVisualRecognizer

    def __init__(self, root: Path, model: AudioVisualRecognizer, batch_size: int, pipeline: Sequence[dict]) -> None:
        super().__init__(root, model, batch_size)
        self.pipeline = Compose([TRANSFORMS.build(dict(transform)) for transform in pipeline])

    def load(self, clips: Sequence[ListedClip]) -> list[dict[str, Any]]:
        return [self.pipeline(dict(frame_dir=str(self.root / clip.frames), audio_path=str(self.root / clip.audio)))
                for clip in clips]

    def score(self, loaded: list[dict[str, Any]]) -> Tensor:
        scores = []
        for start in range(0, len(loaded), self.batch_size):
            with torch.no_grad():
                samples = self.model.test_step(pseudo_collate(loaded[start:start + self.batch_size]))
            scores += [sample.pred_score.cpu() for sample in samples]
        return torch.stack(scores)


class PlainRun(EvaluationRun):
    """The 2 windows x 2 crops of a clip are 4 samples, each loaded and encoded on its own, as the reference does."""

    def load(self, clips: Sequence[ListedClip]) -> list[dict[str, Tensor]]:
        pipeline = PlainPipeline(training=False)
        views = [view for clip in clips for view in pipeline(self.root / clip.frames, self.root / clip.audio)]
        return [dict(frames=view['frames'], mel=view['mel'][None]) for view in views]

    def score(self, loaded: list[dict[str, Tensor]]) -> Tensor:
        scores = []
        for start in range(0, len(loaded), self.batch_size):
            views = loaded[start:start + self.batch_size]
            batch = {key: torch.stack([view[key] for view in views]).to(self.device) for key in ('frames', 'mel')}
            with torch.no_grad():
                scores.append(self.model(batch).softmax(-1).cpu())
        return torch.cat(scores).unflatten(0, (-1, TEST_VIEWS * TEST_CROPS)).mean(1)

    def write_out(self, loaded: list[dict[str, Any]], ours: AudioVisualRecognizer) -> list[dict[str, Tensor]]:
        """Write every view out of what our pipeline loaded, to score the same pixels and sounds."""
        views = []
        for sample in loaded:
            inputs = sample['inputs']
            for number in range(TEST_VIEWS * TEST_CROPS):
                frames = inputs['frames'][inputs['frame_index'][number // TEST_CROPS]].float()
                views.append(dict(frames=ours.data_preprocessor.normalise(frames.to(self.device)),
                                  mel=inputs['mel'][inputs['audio_index'][number // TEST_CROPS]]))
        return views
