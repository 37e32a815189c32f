"""From a checkpoint and a video to scores, with the pipeline that the model was tested with."""
import json
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import CheckpointLoader

from claip_emo_mm.engine.hooks.checkpoint_meta_hook import FORMAT, META_KEY
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.pretrained import load_strictly


class EmotionInferencer:
    """Recognise the emotion in video files.

    The checkpoint is enough: it carries the config, as data, and the names of the classes. No code of it is run.

    Args:
        checkpoint: Checkpoint of a training with this package.
        device: Where to compute; None takes a GPU where there is one.
    Raises:
        InputError: The checkpoint is missing, unreadable, or does not say how its model is built.
    """

    def __init__(self, checkpoint: str | Path, device: str | None = None) -> None:
        if DefaultScope.get_current_instance() is None:
            init_default_scope('mmaction')
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu')
        facts = loaded.get('meta', {}).get(META_KEY)
        if facts is None:
            raise InputError(f'{checkpoint}: does not say how its model is built (meta[{META_KEY!r}]). Expected a '
                             "checkpoint of tools/train.py with dict(type='CheckpointMetaHook') in custom_hooks.")
        if facts['format'] != FORMAT:
            raise InputError(f'{checkpoint}: was written in format {facts["format"]} by claip_emo_mm '
                             f'{facts["version"]}; this version reads format {FORMAT}. Use that version.')
        cfg = Config(json.loads(facts['config']))
        self.classes: list[str] = facts['classes']
        for backbone in ('visual_backbone', 'audio_backbone'):
            if cfg.model.get(backbone):
                cfg.model[backbone].pretrained = None  # the checkpoint holds these weights, too
        self.model = MODELS.build(cfg.model).eval()
        load_strictly(self.model, loaded['state_dict'], str(checkpoint))
        self.model.to(self.device)
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
