"""Trains the toy recognizer for 20 steps of 8 clips and tests it on 13, for test_equality.py.

However many processes: the same clips in every step, nothing random.
"""
import json
import os
from pathlib import Path
from typing import Any

import torch
from clean_forks import PROCESSES
from mmengine.dist import all_gather, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from sampled_components import sampled_config
from tool_runs import free_port

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


def train(folder: Path, sync_bn: bool, processes: int, rank: int, port: int) -> None:
    """Train and test in one of some processes; the first writes `result.json`."""
    output = os.open(folder / f'output{rank}.txt', os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1), os.dup2(output, 2)
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(processes), MASTER_ADDR='127.0.0.1',
                      MASTER_PORT=str(port))
    cfg = sampled_config(folder, encoders=None)
    cfg.launcher = 'pytorch' if processes > 1 else 'none'
    cfg.experiment_name = folder.name
    for key, clips in (('train_dataloader', 16), ('test_dataloader', 13)):
        cfg[key].batch_size = 8 // processes
        cfg[key].dataset.clips = clips
    cfg.train_dataloader.sampler.shuffle = False
    cfg.train_cfg.max_epochs = 10
    for backbone in (cfg.model.visual_backbone, cfg.model.audio_backbone):
        backbone.lora.dropout = 0.
    cfg.model.audio_backbone.update(drop_path_rate=0., spec_augment=False)
    cfg.sync_bn = cfg.sync_bn if sync_bn else None
    cfg.default_hooks.logger.interval = 100
    cfg.default_hooks.checkpoint.interval = 100
    runner = Runner.from_cfg(cfg)
    collected = LossOfAllRanks()
    runner.register_hook(collected)
    runner.train()
    metrics = runner.test()
    assert get_world_size() == processes
    if is_main_process():
        norm = {name: value.tolist() for name, value in runner.model.state_dict().items() if 'bn0.running' in name}
        (folder / 'result.json').write_text(json.dumps(dict(
            losses=collected.losses, metrics=metrics, without_gradient=sorted(
                {name for name, value in runner.model.named_parameters() if value.requires_grad}
                - collected.with_gradient),
            norm={name.removeprefix('module.'): value for name, value in norm.items()})))


def train_in(folder: Path, processes: int, sync_bn: bool = True) -> dict[str, Any]:
    """Train in some processes; what the first has written."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    started = [PROCESSES.Process(target=train, args=(folder, sync_bn, processes, rank, port), daemon=True)
               for rank in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(300)
    assert [process.exitcode for process in started] == [0] * processes, (folder / 'output0.txt').read_text()
    return json.loads((folder / 'result.json').read_text())
