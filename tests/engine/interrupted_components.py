"""Trainings in processes of their own that are killed or asked to end, for test_killing.py and test_terminating.py.

Everything that may differ in a resumed run is there: shuffling, sampling in each clip in a worker process that lives
through the epochs, dropout, accumulation over the end of an epoch, a schedule, early stop, the best checkpoint.
"""
import json
import os
import random
import re
import signal
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clean_forks import PROCESSES, leave_configs_untidy
from dummy_components import CLASSES, dummy_config
from mmaction.registry import DATASETS, HOOKS, METRICS
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from torch.utils.data import Dataset

from claip_emo_mm.datasets.samplers import seed_clip
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.engine.resume import set_resume

EPOCHS = 4


@DATASETS.register_module()
class NoisyDataset(Dataset):
    """Ten clips of width 4 with noise from each of the three generators."""

    def __init__(self, classes: Sequence[str] = CLASSES) -> None:
        self.metainfo = dict(classes=tuple(classes))

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> dict[str, Any]:
        seed_clip(index)
        noise = torch.tensor([random.random(), np.random.rand(), *torch.rand(2).tolist()])
        return dict(feature=noise + int(index), label=int(index) % 3)


@METRICS.register_module()
class FallingMetric(BaseMetric):
    """Metrics that get better once, whatever the model gives."""

    metrics = (1., 3., 2., 2.)

    def __init__(self) -> None:
        super().__init__()
        self.per_epoch = 5 if get_world_size() == 1 else 3  # iterations

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        self.results.extend(1 for _ in data_samples)

    def compute_metrics(self, results: list[int]) -> dict[str, float]:
        iterations = MessageHub.get_current_instance().get_info('iter')  # 4, 9, ...; 5, 10, ... in a resumed run
        return dict(WAR=self.metrics[(iterations - self.per_epoch + 1) // self.per_epoch])


@HOOKS.register_module()
class SignalHook(Hook):
    """Sends SIGTERM to its process and its workers, if it has this rank, while iteration `at` is trained."""

    def __init__(self, at: int, rank: int = 0) -> None:
        self.at, self.rank = at, rank

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if runner.iter == self.at and runner.rank == self.rank:
            os.killpg(os.getpgrp(), signal.SIGTERM)


def interrupted_config(work_dir: Path, workers: int = 1, hooks: Sequence[dict] = (), batch_size: int = 2,
                       loop: str = 'ResumableTrainLoop') -> Config:
    """4 epochs of 5 iterations of 2 clips; every second iteration a step."""
    cfg = Config(dummy_config(work_dir))
    for part in ('train', 'val'):
        cfg[f'{part}_dataloader'].update(dataset=dict(type='NoisyDataset'), num_workers=workers,
                                         persistent_workers=workers > 0, batch_size=batch_size)
    cfg.model.dropout = .5
    cfg.val_evaluator.type = 'FallingMetric'
    cfg.train_cfg.update(type=loop, max_epochs=EPOCHS)
    cfg.optim_wrapper = dict(accumulative_counts=2, optimizer=dict(type='AdamW', lr=.1))
    cfg.param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True)
    cfg.default_hooks = dict(
        checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=1, save_best='WAR', rule='greater'),
        early_stop=dict(type='EarlyStoppingHook', monitor='WAR', rule='greater', min_delta=0., patience=2),
        logger=dict(type='LoggerHook', interval=1))
    cfg.custom_hooks = [*cfg.custom_hooks, *hooks]
    cfg.randomness = dict(seed=5, diff_rank_seed=True)
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    return cfg


def train(work_dir: str, options: dict[str, Any], die_at: int | None = None, events: Any = None,
          port: int | None = None, rank: int = 0) -> None:
    """Train, or go on training, in the process of this call, with its output in `work_dir/output.txt`.

    Args:
        die_at: number of the file operation in the work folder at which the process kills itself.
        events: shared number that counts these.
        port, rank: of the second of two processes, and what it is.
    """
    os.setpgrp()  # with the workers of the data loaders, as torchrun and queues see it
    folder = Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    output = os.open(folder / f'output{rank}.txt', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1), os.dup2(output, 2)
    torch.set_num_threads(1)
    if port is not None:
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1',
                          MASTER_PORT=str(port))
    process, count = os.getpid(), 0
    written: set[str] = set()

    def watch(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == 'open' and arguments[2] & (os.O_WRONLY | os.O_RDWR) and str(arguments[0]).startswith(work_dir):
            written.add(re.sub(r'\.[0-9a-f]{8}\.part$', '', str(arguments[0])))
        if event in ('open', 'os.rename', 'os.remove') and os.getpid() == process and (
                str(arguments[0]).startswith(work_dir) and 'pth' in str(arguments[0])):
            count += 1
            if events is not None:
                events.value = count
            if count == die_at:
                os.kill(process, signal.SIGKILL)

    leave_configs_untidy()
    cfg = interrupted_config(folder, **options)
    cfg.launcher = 'none' if port is None else 'pytorch'
    set_resume(cfg, 'auto')
    sys.addaudithook(watch)
    try:
        run(lambda: build_runner(cfg).train() and None)
    finally:
        paths = sorted(written)
        (folder / f'written{rank}.json').write_text(json.dumps(paths))


def start(work_dir: Path, options: dict[str, Any] | None = None, **arguments: Any) -> BaseProcess:
    """Start `train` in a process of its own."""
    process = PROCESSES.Process(target=train, args=(str(work_dir), options or {}), kwargs=arguments)
    process.start()
    return process


def load(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=False)


def equal(first: Any, second: Any) -> bool:
    """Whether two states hold the same numbers, to the bit."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(equal, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


def assert_same_end(folder: Path, whole: Path) -> None:
    """Hold the last state of two trainings against each other: weights, optimizer, best, losses, early stop."""
    for name in (f'epoch_{EPOCHS}.pth', 'best_WAR_epoch_2.pth'):
        assert equal(load(folder / name)['state_dict'], load(whole / name)['state_dict'])
    states = [load(path / f'epoch_{EPOCHS}.resume.pth') for path in (folder, whole)]
    for key in ('optimizer', 'param_schedulers', 'early_stop', 'gradients'):
        assert equal(states[0].get(key), states[1].get(key)), key
    losses = [state['message_hub']['log_scalars']['train/loss']._log_history.tolist() for state in states]
    assert losses[0] == losses[1] and len(set(losses[0])) == len(losses[0]) >= 3 * EPOCHS
    assert states[0]['message_hub']['runtime_info']['best_score'] == 3.
