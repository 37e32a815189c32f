"""From a checkpoint and a video to scores, with the pipeline that the model was tested with."""
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import MODELS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import CheckpointLoader
from torch import nn

from claip_emo_mm.engine.checkpoints import META_KEY, Facts, check_fit, read_facts
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
        loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu')
        facts = read_facts(loaded, str(checkpoint))
        if facts is None or facts['config'] is None:
            raise InputError(f'{checkpoint}: does not say how its model is built (meta[{META_KEY!r}]). Expected a '
                             "checkpoint of tools/train.py with dict(type='CheckpointContentHook') in custom_hooks.")
        cfg = Config(json.loads(facts['config']))
        cfg.merge_from_dict(dict(cfg_options or {}))
        self.classes: list[str] = facts['classes']
        model = _build_model(cfg, facts, str(checkpoint))
        check_fit(model, loaded, str(checkpoint))
        model.load_state_dict(loaded['state_dict'], strict=False)
        self.model = model.eval().to(self.device)
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


def _build_model(cfg: Config, facts: Facts, checkpoint: str) -> nn.Module:
    """Build the model; backbones that the checkpoint holds whole are built without their source."""
    fetched = []
    for name in ('visual_backbone', 'audio_backbone'):
        backbone = cfg.model.get(name)
        if backbone and backbone.get('pretrained') is not None:
            if facts['backbones'].get(name, {}).get('sha256') is None:
                backbone.pretrained = None
            else:
                fetched.append(f'model.{name}.pretrained={backbone.pretrained}')
    try:
        return MODELS.build(cfg.model)
    except InputError as error:
        if not fetched:
            raise
        raise InputError(f'{checkpoint}: holds what was trained; the frozen weights belong to {", ".join(fetched)}. '
                         f'{error} Where they lie elsewhere, say so: --cfg-options {fetched[0].split("=")[0]}=FILE '
                         '(cfg_options of EmotionInferencer).') from error
