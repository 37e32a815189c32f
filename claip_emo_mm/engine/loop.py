"""Epoch-based training loop that can be resumed within an epoch."""
from collections.abc import Sequence

from mmaction.registry import LOOPS
from mmengine.dist import get_rank, get_world_size
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from claip_emo_mm.datasets.samplers import SeededBatchSampler
from claip_emo_mm.errors import InputError, check_whole


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """MMEngine's EpochBasedTrainLoop, with its arguments, that also resumes within an epoch.

    It skips the batches that were trained on before the interruption, seeds every clip (`SeededBatchSampler`), keeps
    the sampler's seed with `diff_rank_seed`, and runs a validation that was due when the checkpoint was written. An
    epoch without a batch is refused.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader | dict, max_epochs: int, val_begin: int = 1,
                 val_interval: int = 1, dynamic_intervals: Sequence[tuple[int, int]] | None = None) -> None:
        check_whole(self, max_epochs=max_epochs, val_begin=val_begin, val_interval=val_interval)
        if isinstance(dataloader, dict) and not dataloader.get('batch_sampler'):
            dataloader = dataloader.copy()
            dataloader['batch_sampler'] = dict(type='SeededBatchSampler', drop_last=dataloader.pop('drop_last', False))
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        require_batches(self.dataloader)
        self.trained_batches = 0  # of the epoch that is resumed

    def run(self) -> nn.Module:
        """Train the remaining epochs."""
        sampler = getattr(self.dataloader.batch_sampler, 'sampler', None)
        if hasattr(sampler, 'seed') and self.runner.seed is not None:
            different = self.runner._randomness_cfg.get('diff_rank_seed', False)
            sampler.seed = self.runner.seed - (get_rank() if different else 0)
        self.runner.call_hook('before_train')
        if self._epoch >= self._max_epochs:
            self.runner.logger.info(f'Nothing is left to train: {self._epoch} of {self._max_epochs} epochs are done.')
        if self._epoch and not self.trained_batches:
            self._validate()  # a checkpoint is written before its epoch is evaluated
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train one epoch, or the rest of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done, self.trained_batches = self.trained_batches, 0
        batch_sampler = self.dataloader.batch_sampler
        if isinstance(batch_sampler, SeededBatchSampler):
            batch_sampler.skip(done)
            batches = enumerate(self.dataloader, done)
        else:  # of the user: its batches are read and dropped
            batches = ((number, batch) for number, batch in enumerate(self.dataloader) if number >= done)
        for number, batch in batches:
            self.run_iter(number, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _validate(self) -> None:
        self._decide_current_val_interval()
        due = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        if self.runner.val_loop is not None and self._epoch >= self.val_begin and due:
            self.runner.val_loop.run()


def require_batches(dataloader: DataLoader) -> None:
    """Raise InputError where a training data loader gives no batch; one of unknown length is accepted."""
    try:
        if len(dataloader):
            return
    except TypeError:
        return
    batch_sampler = dataloader.batch_sampler
    clips, batch_size = len(getattr(batch_sampler, 'sampler', ())), getattr(batch_sampler, 'batch_size', None)
    processes = get_world_size()
    shared = f' for each of {processes} processes' if processes > 1 else ''
    if not clips:
        raise InputError(f'train_dataloader: there is no clip to train on{shared}. Look at the list of its data set.')
    raise InputError(f'train_dataloader: {clips} clips{shared} are fewer than a batch of {batch_size}, and drop_last '
                     f'drops them. Set train_dataloader.batch_size to {clips} or less, or its drop_last=False.')
