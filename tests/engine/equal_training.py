"""Trains the toy recognizer for 20 steps of 8 clips and tests it on 13: the script of test_equality.py.

Arguments: folder for the results, launcher. However many processes: the same clips in every step, nothing random.
"""
import json
import os
import sys
from pathlib import Path

import torch
from mmengine.dist import all_gather, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from sampled_components import sampled_config

import claip_emo_mm  # noqa: F401 - patches MMAction2


class LossOfAllRanks(Hook):
    """Collects the mean of all processes' losses, and the names of the parameters that ever got a gradient."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.with_gradient: set[str] = set()

    def before_train(self, runner: Runner) -> None:
        for name, parameter in runner.model.named_parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(lambda _, name=name: self.with_gradient.add(name))

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None,
                         outputs: dict | None = None) -> None:
        self.losses.append(float(torch.stack(all_gather(outputs['loss'].detach())).mean()))


if __name__ == '__main__':
    folder, launcher = Path(sys.argv[1]), sys.argv[2]
    cfg = sampled_config(folder, encoders=None)
    cfg.launcher = launcher
    cfg.experiment_name = folder.name
    for key, clips in (('train_dataloader', 16), ('test_dataloader', 13)):
        cfg[key].batch_size = 8 // int(os.environ.get('WORLD_SIZE', 1))
        cfg[key].dataset.clips = clips
    cfg.train_dataloader.sampler.shuffle = False
    cfg.train_cfg.max_epochs = 10
    for backbone in (cfg.model.visual_backbone, cfg.model.audio_backbone):
        backbone.lora.dropout = 0.
    cfg.model.audio_backbone.update(drop_path_rate=0., spec_augment=False)
    cfg.sync_bn = None if sys.argv[3:] == ['own'] else cfg.sync_bn
    cfg.default_hooks.logger.interval = 100
    cfg.default_hooks.checkpoint.interval = 100
    runner = Runner.from_cfg(cfg)
    collected = LossOfAllRanks()
    runner.register_hook(collected)
    runner.train()
    metrics = runner.test()
    assert get_world_size() == int(os.environ.get('WORLD_SIZE', 1))
    if is_main_process():
        norm = {name: value.tolist() for name, value in runner.model.state_dict().items() if 'bn0.running' in name}
        (folder / 'result.json').write_text(json.dumps(dict(
            losses=collected.losses, metrics=metrics, without_gradient=sorted(
                {name for name, value in runner.model.named_parameters() if value.requires_grad}
                - collected.with_gradient),
            norm={name.removeprefix('module.'): value for name, value in norm.items()})))
