"""What checkpoints hold, and strict loading of them."""
import re
from collections.abc import Sequence

import torch
from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, EMAHook, Hook
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn

from claip_emo_mm.compat.hooks import AVERAGED, averaged_key
from claip_emo_mm.engine.checkpoints.compatibility import check_fit, frozen_keys, weight_hash, without_wrapper
from claip_emo_mm.engine.checkpoints.metadata import META_KEY, config_as_json, make_metadata, read_metadata
from claip_emo_mm.engine.checkpoints.training_clips import TrainedClips, describe_overlap, find_trained, trained_clips
from claip_emo_mm.engine.fsdp import is_sharded, unwrapped_model, whole_state
from claip_emo_mm.engine.hooks.checks import dataset_classes
from claip_emo_mm.errors import InputError


@HOOKS.register_module()
class BestEpochHook(EarlyStoppingHook):
    """EarlyStoppingHook for a training that gives both protocols: it closes the choice of the best epoch instead.

    Where EarlyStoppingHook would end the training, `save_best` keeps what it has from there on, and the training goes
    on to its last epoch. So the best checkpoint is the one of a training that was stopped early, and the last one is
    of a training whose length nothing but the config decides. Its arguments are those of EarlyStoppingHook.
    """

    def before_train(self, runner: Runner) -> None:
        self._close_if_over(runner)  # an interrupted training goes on

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self.wait_count >= self.patience:
            return
        stop = runner.train_loop.stop_training
        super().after_val_epoch(runner, metrics)
        runner.train_loop.stop_training = stop
        if self._close_if_over(runner):
            runner.logger.info(f'The best epoch by {self.monitor} is chosen: a training that is stopped early would '
                               'end here. This one goes on to its last epoch.')

    def _close_if_over(self, runner: Runner) -> bool:
        over = self.wait_count >= self.patience
        if over:
            for hook in runner.hooks:
                if isinstance(hook, CheckpointHook):
                    hook.save_best = None
        return over


@HOOKS.register_module()
class AdapterCheckpointHook(Hook):
    """Leave frozen weights that can be had again out of every checkpoint, and write `meta['claip_emo_mm']` into it.

    `make_metadata` says what that is. The config in it is json, not Python: reading it back runs no code. A config that
    json cannot hold is refused before the training, not when the first epoch is saved.

    A backbone is kept whole where its weights come from nowhere (`pretrained=None`), and where a loaded checkpoint
    replaced them; the log says so.

    With MMEngine's EMAHook, the checkpoint's weights are the averaged ones, and what was trained is in it twice.
    """

    priority = 'BELOW_NORMAL'  # after EMAHook, which wants all weights

    def __init__(self) -> None:
        self._left_out: dict[str, list[str]] = {}
        self._hashes: dict[str, str] = {}
        self._replaced: set[str] = set()
        self._trained: TrainedClips = {}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note what the checkpoint was trained on, and which backbones get other frozen weights than their source's."""
        self._trained = (read_metadata(checkpoint, str(runner._load_from)) or {}).get('trained_clips', {})
        loaded, ours = without_wrapper(checkpoint.get('state_dict', checkpoint)), whole_state(runner)
        for name, keys in frozen_keys(unwrapped_model(runner), ours).items():
            if any(key in loaded and not torch.equal(loaded[key].cpu(), ours[key].cpu()) for key in keys):
                self._replaced.add(name)
        if AVERAGED in checkpoint and not getattr(runner, '_resume', False):
            runner.logger.info('These are averaged weights (EMAHook); tools/test.py --raw-weights takes those of the '
                               'last step.')

    def before_train(self, runner: Runner) -> None:
        config_as_json(runner.cfg)
        model, weights = unwrapped_model(runner), whole_state(runner)
        if is_main_process():  # which alone saves
            self._left_out = {name: keys for name, keys in frozen_keys(model, weights).items()
                              if name not in self._replaced}
            self._hashes = {name: weight_hash(model, keys, weights) for name, keys in self._left_out.items()}
            self._trained = trained_clips(runner.train_dataloader.dataset, self._trained)
            runner.logger.info('\n'.join(self._described(model, weights)))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._leave_out_equals(unwrapped_model(runner), checkpoint)
        for keys in self._left_out.values():
            for key in keys:
                del checkpoint['state_dict'][key]
        classes = dataset_classes(runner.train_dataloader)
        checkpoint['meta'][META_KEY] = make_metadata(runner.cfg, classes, unwrapped_model(runner), self._hashes,
                                                  self._trained)

    def _leave_out_equals(self, model: nn.Module, checkpoint: dict) -> None:
        """Take out of the weights beside the averaged ones what is not trained: it equals them."""
        equal = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
        equal.update(key for keys in self._left_out.values() for key in keys)
        if AVERAGED in checkpoint:
            checkpoint[AVERAGED] = {key: value for key, value in checkpoint[AVERAGED].items()
                                    if averaged_key(key) not in equal}

    def _described(self, model: nn.Module, weights: dict[str, Tensor]) -> list[str]:
        sizes = {key: value.numel() * value.element_size() for key, value in weights.items()}
        left_out = {key for keys in self._left_out.values() for key in keys}
        kept = sum(size for key, size in sizes.items() if key not in left_out)
        lines = [f'Checkpoints hold {len(sizes) - len(left_out)} of {len(sizes)} keys, {kept / 1e6:.2f} of '
                 f'{sum(sizes.values()) / 1e6:.2f} MB']
        for name, part in model.named_children():
            if name in self._left_out:
                lines.append(f'  {name}: its frozen weights are left out, they are those of {part.weights_from} '
                             f'(sha256 {self._hashes[name][:12]}...)')
            elif hasattr(part, 'weights_from'):
                why = ('they can be had from nowhere else' if part.weights_from is None else
                       f'they may not be those of {part.weights_from} any more' if name in self._replaced else
                       'an init_cfg replaces them')
                lines.append(f'  {name}: its frozen weights are kept in every checkpoint: {why}')
        return lines


TRAINED_CLIPS = 'trained_clips'


@HOOKS.register_module()
class StrictLoadingHook(Hook):
    """Hold a checkpoint against the model, its frozen weights, the classes and the front end before it is loaded.

    Args:
        ignore: regular expressions, searched from the start of a key or of a setting's name. What matches may be
            missing, unexpected or different, for instance `['cls_head']` to begin from a checkpoint with other classes,
            `['front_end']` for other frames or spectrograms, `['trained_clips']` to test clips that it was trained on.

    Raises:
        InputError: it does not fit; it is to be tested on clips that it was trained on; or a training with EMAHook
            would be resumed without it.
    """

    priority = 'LOWEST'  # after hooks that rewrite the checkpoint

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        if isinstance(ignore, str):
            raise InputError(f'StrictLoadingHook: ignore is the text {ignore!r}; expected a list: ignore=[{ignore!r}].')
        self.ignore = [re.compile(pattern).pattern for pattern in ignore]

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        _require_averaging(runner, checkpoint)
        loops = (runner._train_loop, runner._val_loop, runner._test_loop)
        used = [loop.dataloader for loop in loops if isinstance(loop, BaseLoop)]  # the others are still configs
        model, weights = unwrapped_model(runner), whole_state(runner)
        self._check_clips(runner, checkpoint)
        here = make_metadata(runner.cfg, dataset_classes(used[0]) if used else [], model, {})
        if is_sharded(runner) and not is_main_process():  # the first process has the weights, and says no for all
            return
        left_out = check_fit(model, checkpoint, str(runner._load_from or 'resuming'), here, self.ignore, weights)
        if left_out and not is_sharded(runner):  # filled in, so that MMAction2 does not warn of them
            checkpoint['state_dict'].update({key: weights[key] for key in left_out})

    def _check_clips(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to test clips that were trained on; in a training that begins from the checkpoint, say so."""
        source = str(runner._load_from)
        facts = read_metadata(checkpoint, source)
        is_training = isinstance(runner._train_loop, BaseLoop)
        if facts is None or not facts['trained_clips'] or is_training and runner._resume:
            return
        for key in ('val', 'test'):
            loop = getattr(runner, f'_{key}_loop')
            found = isinstance(loop, BaseLoop) and find_trained(loop.dataloader.dataset, facts['trained_clips'])
            if not found:
                continue
            text = f'{source}: {key}_dataloader: {describe_overlap(found, facts["config"])}.'
            if not is_training and not any(re.match(pattern, TRAINED_CLIPS) for pattern in self.ignore):
                raise InputError(f'{text} Metrics on them say nothing of others: test the part that was held out '
                                 '(--cfg-options fold=N), or say --allow-trained-clips.')
            runner.logger.warning(f'{text} Metrics on them say nothing of others.')


def _require_averaging(runner: Runner, checkpoint: dict) -> None:
    """Refuse to resume from averaged weights without averaging: the optimizer's state belongs to others."""
    if runner._resume and AVERAGED in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
        raise InputError(f'{runner._load_from}: was trained with EMAHook: its weights are averaged ones, and the '
                         "optimizer's state is not theirs. Resume with dict(type='EMAHook', ...) in custom_hooks as "
                         'before, or begin anew from the averaged weights: --cfg-options load_from=CHECKPOINT in place '
                         'of --resume.')


@HOOKS.register_module()
class RawWeightsHook(Hook):
    """Put the raw weights of a checkpoint of a training with EMAHook in the place of the averaged ones.

    A checkpoint of such a training holds the averaged weights as its `state_dict`, so that everything takes them, and
    what the optimizer had made of them under another key.

    Raises:
        InputError: the checkpoint is not one of a training with EMAHook.
    """

    priority = 'HIGHEST'  # before it is held against the model

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if AVERAGED not in checkpoint:
            raise InputError(f'{runner._load_from}: holds one kind of weights alone: it is not the checkpoint of a '
                             'training with EMAHook, or was published. Test it without --raw-weights.')
        for key, value in checkpoint.pop(AVERAGED).items():
            if averaged_key(key) in checkpoint['state_dict']:
                checkpoint['state_dict'][averaged_key(key)] = value
