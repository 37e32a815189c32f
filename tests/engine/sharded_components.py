"""Trainings by FSDP of the leaf for ViT-bigG-14 with a small encoder, in processes of their own, for
test_sharding.py.
"""
import json
import os
from pathlib import Path

import torch
from clean_forks import PROCESSES, leave_configs_untidy
from dummy_components import SignalAt
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from sampled_components import sampled_config

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.engine.resume import set_resume

LEAF = Path(__file__).parents[2] / 'configs' / 'claip_emo_vitbigg14_dfew_fsdp.py'


def sharded_config(folder: Path, encoders: Path, plain: bool = False) -> Config:
    """The leaf's runner, strategy and recipe on the toy model with weights from files, on random clips.

    Args:
        plain: whether to train with MMEngine's Runner, every process holding the whole model.
    """
    cfg, leaf = sampled_config(folder, encoders), Config.fromfile(LEAF)
    if plain:
        cfg.sync_bn = leaf.strategy.sync_bn
    else:
        cfg.runner_type, cfg.strategy = leaf.runner_type, leaf.strategy
        cfg.pop('sync_bn')
    cfg.optim_wrapper = leaf.optim_wrapper
    cfg.optim_wrapper.update(type='OptimWrapper', accumulative_counts=1)
    for key in ('dtype', 'loss_scale'):
        cfg.optim_wrapper.pop(key)
    cfg.optim_wrapper.optimizer.lr = 1e-2
    cfg.model.visual_backbone.checkpoint_blocks = leaf.model.visual_backbone.checkpoint_blocks
    cfg.val_cfg, cfg.val_dataloader, cfg.val_evaluator = dict(), cfg.test_dataloader, cfg.test_evaluator
    cfg.train_dataloader.batch_size = 1  # two steps an epoch
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=1, save_best='WAR', rule='greater')
    cfg.train_cfg.type = 'ResumableTrainLoop'
    cfg.param_scheduler = [dict(type='LinearLR', start_factor=.5, by_epoch=True, end=2, convert_to_iter_based=True)]
    cfg.vis_backends = cfg.visualizer.vis_backends = []
    return cfg


def train(folder: Path, encoders: Path, plain: bool, epochs: int, rank: int, port: int, accumulate: int = 1,
          ended_at: int | None = None) -> None:
    """Train in one of two processes, or go on; note the losses, and the number of parameters that it holds.

    Args:
        accumulate: batches of a step; where there are several, an epoch has 3 of them.
        ended_at: iteration, from 0, in which the training is asked to end.
    """
    output = os.open(folder / f'output{rank}.txt', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1), os.dup2(output, 2)
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1',
                      MASTER_PORT=str(port))
    leave_configs_untidy()
    cfg = sharded_config(folder, encoders, plain)
    cfg.launcher, cfg.train_cfg.max_epochs = 'pytorch', epochs
    cfg.load_from = str(encoders / 'first.pth')  # the runners build the model at different random numbers
    if accumulate > 1:
        cfg.optim_wrapper.accumulative_counts, cfg.train_dataloader.dataset.clips = accumulate, 6
        # AdamW would take steps of rounding errors
        cfg.optim_wrapper.optimizer = dict(type='SGD', lr=1e-2, momentum=.9, weight_decay=0.)
    if epochs > 1 and not plain:
        set_resume(cfg, 'auto')

    def train_and_note() -> None:
        runner = build_runner(cfg)
        if ended_at is not None:
            runner.register_hook(SignalAt(ended_at))
        runner.train()
        losses = runner.message_hub.get_scalar('train/loss')._log_history.tolist()
        (folder / f'result{rank}.json').write_text(json.dumps(dict(losses=losses, held=held_parameters(runner))))

    run(train_and_note)


def write_first_weights(encoders: Path) -> None:
    """Write the weights with which all trainings begin, as `first.pth` beside the encoders."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(sampled_config(encoders, encoders).model)
    torch.save(dict(state_dict=model.state_dict()), encoders / 'first.pth')


def held_parameters(runner: Runner) -> int:
    """How many parameters of the visual encoder this process holds."""
    return sum(parameter.numel() for name, parameter in runner.model.named_parameters() if 'visual_backbone' in name)


def run_pair(folder: Path, encoders: Path, plain: bool, epochs: int, port: int, *more: int | None) -> list[int | None]:
    """Train in two processes; their exit codes."""
    folder.mkdir(parents=True, exist_ok=True)
    started = [PROCESSES.Process(target=train, args=(folder, encoders, plain, epochs, rank, port, *more))
               for rank in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(200)
    return [process.exitcode for process in started]
