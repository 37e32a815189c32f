"""Trains a tiny model with mmengine's runners: the script of test_processes.py, started once per process.

Arguments: folder for the checkpoints. Both runners train one epoch, and are then built again to resume for a second.
"""
import sys
from importlib import import_module
from pathlib import Path

import torch
from mmengine.model import BaseModel
from mmengine.runner import FlexibleRunner, Runner
from torch import nn

import claip_emo_mm  # noqa: F401 - patches MMAction2

LEARNING_RATE = 0.01
SAMPLES = [(torch.linspace(-1, 1, 5).roll(number) * (number + 1), number % 3) for number in range(8)]


class TinyModel(BaseModel):
    """Two layers with all-different sizes, and the loss of a 3-class problem."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.first = nn.Linear(5, 7)
        self.second = nn.Linear(7, 3)

    def forward(self, samples: torch.Tensor, labels: torch.Tensor, mode: str = 'tensor') -> dict | torch.Tensor:
        """(B, 5) -> (B, 3), or the loss."""
        logits = self.second(self.first(samples).relu())
        return dict(loss=nn.functional.cross_entropy(logits, labels)) if mode == 'loss' else logits


def train(runner_class: type, work_dir: Path, epochs: int, **options: object) -> None:
    """Train with 2 samples per process, in order; go on from the last checkpoint where there is one."""
    runner_class(
        model=TinyModel(), work_dir=str(work_dir), launcher='pytorch', resume=epochs > 1,
        train_dataloader=dict(batch_size=2, dataset=SAMPLES, sampler=dict(type='DefaultSampler', shuffle=False),
                              collate_fn=dict(type='default_collate')),
        train_cfg=dict(by_epoch=True, max_epochs=epochs), optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=LEARNING_RATE)),
        param_scheduler=dict(type='MultiStepLR', milestones=[9]), experiment_name=f'{work_dir.name}{epochs}',
        env_cfg=dict(dist_cfg=dict(backend='nccl')), **options).train()  # nccl, as MMAction2's configs have it


if __name__ == '__main__':
    import_module('mmaction.models')  # works once the package is imported
    folder = Path(sys.argv[1])
    for epochs in (1, 2):
        train(Runner, folder / 'data_parallel', epochs)
        train(FlexibleRunner, folder / 'fsdp', epochs, strategy=dict(type='FSDPStrategy', state_dict_cfg='full'))
    train(FlexibleRunner, folder / 'fsdp_local', 1, strategy=dict(type='FSDPStrategy', state_dict_cfg='local'))
