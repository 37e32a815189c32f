"""Drawn clips for the toy recognizer, and a config that trains it on them in seconds."""
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch.utils.data import Dataset

from claip_emo_mm.datasets import DFEW
from claip_emo_mm.models.weights.save import write_encoder

CONFIGS = Path(__file__).parents[2] / 'configs'


@DATASETS.register_module()
class RandomDataset(Dataset):
    """Some clips of noise, as PackAudioVisualInputs packs them. The pipeline is there to be compared."""

    def __init__(self, pipeline: list[dict], classes: tuple[str, ...] = DFEW.classes, clips: int = 4) -> None:
        self.clips = clips
        self.metainfo = dict(classes=tuple(classes))

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, index: int) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(index)
        sample = ActionDataSample()
        sample.set_gt_label(index % len(self.metainfo['classes']))
        inputs = dict(frames=torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=generator),
                      frame_index=torch.arange(8)[None] % 3, mel=torch.randn(1, 1, 256, 64, generator=generator),
                      audio_index=torch.zeros(1, dtype=torch.int64))
        return dict(inputs=inputs, data_samples=sample)


def sampled_config(work_dir: Path, encoders: Path | None) -> Config:
    """The toy config on random clips: two epochs of two iterations, no validation, test.

    Args:
        work_dir: folder of the run.
        encoders: folder of `write_encoders`; None for random encoders.
    """
    cfg = Config.fromfile(CONFIGS / 'claip_emo_tiny_toy.py')
    for key in ('train_dataloader', 'test_dataloader'):
        pipeline = cfg[key].dataset.pipeline
        cfg[key] = dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=key[:5] == 'train'),
                        dataset=dict(type='RandomDataset', pipeline=pipeline))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
    cfg.default_hooks.logger.interval = 1
    for name in ('visual', 'audio'):
        cfg.model[f'{name}_backbone'].pretrained = None if encoders is None else str(encoders / f'{name}.safetensors')
    cfg.work_dir = str(work_dir)
    return cfg


def write_encoders(folder: Path) -> Path:
    """Write random encoders in the formats of CLIP and CLAP."""
    cfg = Config.fromfile(CONFIGS / 'claip_emo_tiny_toy.py')
    for name, kind in (('visual', 'clip'), ('audio', 'clap')):
        with DefaultScope.overwrite_default_scope('mmaction'):
            backbone = MODELS.build(dict(cfg.model[f'{name}_backbone'], pretrained=None, lora=None))
        write_encoder(backbone.tower, folder / f'{name}.safetensors', kind, note='random')
    return folder
