"""From a checkpoint and a video to scores, with the pipeline that the model was tested with."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope, init_default_scope

from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.errors import InputError


class EmotionInferencer:
    """Recognise the emotion in video files.

    The checkpoint is enough: it carries the config, as data, and the names of the classes; no code of it is run. Frozen
    weights that it leaves out are fetched from where the config says.

    Args:
        checkpoint: Checkpoint of a training with this package, or a published one.
        device: Where to compute; None takes a GPU where there is one.
        cfg_options: Changes to the config: dotted path -> value, such as
            ``{'model.visual_backbone.pretrained': FILE}`` for weights that lie elsewhere here.
    Raises:
        InputError: The checkpoint is missing, unreadable, or does not say how its model is built; or the frozen weights
            that it belongs to are not there, or are others.
    """

    def __init__(self, checkpoint: str | Path, device: str | None = None,
                 cfg_options: Mapping[str, Any] | None = None) -> None:
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        model, cfg, self.classes = load_trained(str(checkpoint), cfg_options=cfg_options)
        self.model = model.to(self.device)
        self.pipeline = Compose(cfg.test_dataloader.dataset.pipeline)

    def __call__(self, video: str | Path) -> dict[str, float]:
        """Recognise the emotion of one video file.

        Args:
            video: File with picture and sound, as far as the model has these modalities.
        Returns: score of each class, 0 to 1; they sum to 1.
        Raises:
            InputError: The file cannot be read, or lacks a modality.
        """
        if not Path(video).is_file():
            raise InputError(f'{video}: there is no such file. Expected a video file.')
        batch = pseudo_collate([self.pipeline(dict(filename=str(video)))])
        with torch.inference_mode():
            sample = self.model.test_step(batch)[0]
        return dict(zip(self.classes, sample.pred_score.tolist(), strict=True))
