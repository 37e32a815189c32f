"""Hooks for the content of checkpoints and for strict loading."""
import re
from collections.abc import Sequence

import torch
from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, EMAHook, Hook
from mmengine.runner import BaseLoop, Runner

from claip_emo_mm.compat.hooks import AVERAGED, averaged_key
from claip_emo_mm.engine.checkpoints.compatibility import check_compatibility, frozen_hash, frozen_keys, without_wrapper
from claip_emo_mm.engine.checkpoints.metadata import META_KEY, config_as_json, make_metadata, read_metadata
from claip_emo_mm.engine.checkpoints.provenance import describe_datasets
from claip_emo_mm.engine.checkpoints.training_clips import TrainedClips, describe_overlap, find_trained, trained_clips
from claip_emo_mm.engine.fsdp import full_state_dict, is_sharded, unwrapped_model
from claip_emo_mm.engine.hooks.checks import dataset_classes
from claip_emo_mm.errors import InputError

TRAINED_CLIPS = 'trained_clips'  # in the metadata, and among what StrictLoadingHook can ignore


@HOOKS.register_module()
class BestEpochHook(EarlyStoppingHook):
    """EarlyStoppingHook that ends the choice of the best epoch instead of the training.

    Where it would stop, `save_best` keeps its checkpoint, and the training goes on to its last epoch. Same arguments.
    """

    def before_train(self, runner: Runner) -> None:
        self._end_choice(runner)  # a resumed training may be past it

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self.wait_count >= self.patience:
            return
        stop = runner.train_loop.stop_training
        super().after_val_epoch(runner, metrics)
        runner.train_loop.stop_training = stop
        if self._end_choice(runner):
            runner.logger.info(f'The best epoch by {self.monitor} is chosen: a training that is stopped early would '
                               'end here. This one goes on to its last epoch.')

    def _end_choice(self, runner: Runner) -> bool:
        over = self.wait_count >= self.patience
        for hook in runner.hooks if over else ():
            if isinstance(hook, CheckpointHook):
                hook.save_best = None
        return over


@HOOKS.register_module()
class AdapterCheckpointHook(Hook):
    """Omit reproducible frozen weights from checkpoints, and write `meta['claip_emo_mm']` (`make_metadata`).

    A config that json cannot represent is refused before the training. The frozen weights of a backbone are kept where
    they have no source (`pretrained=None`) or a loaded checkpoint replaced them. With MMEngine's EMAHook, the
    `state_dict` holds the averaged weights, and the trainable parameters are saved twice.
    """

    priority = 'BELOW_NORMAL'  # after EMAHook, which needs all weights

    def __init__(self) -> None:
        self._omitted: dict[str, list[str]] = {}
        self._hashes: dict[str, str] = {}
        self._replaced: set[str] = set()
        self._clips: TrainedClips = {}
        self._data: list[str] = []

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the training clips and data, and the backbones whose frozen weights the checkpoint replaces."""
        metadata = read_metadata(checkpoint, str(runner._load_from)) or {}
        self._clips, self._data = metadata.get(TRAINED_CLIPS, {}), metadata.get('data', [])
        loaded, own = without_wrapper(checkpoint.get('state_dict', checkpoint)), full_state_dict(runner)
        for name, keys in frozen_keys(unwrapped_model(runner), own).items():
            if any(key in loaded and not torch.equal(loaded[key].cpu(), own[key].cpu()) for key in keys):
                self._replaced.add(name)
        if AVERAGED in checkpoint and not getattr(runner, '_resume', False):
            runner.logger.info('These are averaged weights (EMAHook); tools/test.py --raw-weights takes those of the '
                               'last step.')

    def before_train(self, runner: Runner) -> None:
        config_as_json(runner.cfg)
        model, weights = unwrapped_model(runner), full_state_dict(runner)
        if not is_main_process():  # which alone saves
            return
        self._omitted = {name: keys for name, keys in frozen_keys(model, weights).items() if name not in self._replaced}
        self._hashes = {name: frozen_hash(model, name, keys, weights) for name, keys in self._omitted.items()}
        self._clips = trained_clips(runner.train_dataloader.dataset, self._clips)
        self._data = describe_datasets(runner.train_dataloader.dataset, self._data)
        sizes = {key: value.numel() * value.element_size() for key, value in weights.items()}
        kept = sizes.keys() - {key for keys in self._omitted.values() for key in keys}
        lines = [f'Checkpoints hold {len(kept)} of {len(sizes)} keys, {sum(sizes[key] for key in kept) / 1e6:.2f} of '
                 f'{sum(sizes.values()) / 1e6:.2f} MB']
        for name, backbone in model.named_children():
            if name in self._omitted:
                lines.append(f'  {name}: frozen weights are omitted, they are those of {backbone.weights_from} '
                             f'(sha256 {self._hashes[name][:12]}...)')
            elif hasattr(backbone, 'weights_from'):
                why = ('they cannot be reproduced' if backbone.weights_from is None else
                       f'they may not be those of {backbone.weights_from} any more' if name in self._replaced else
                       'an init_cfg replaces them')
                lines.append(f'  {name}: frozen weights are kept in every checkpoint: {why}')
        runner.logger.info('\n'.join(lines))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = unwrapped_model(runner)
        omitted = {key for keys in self._omitted.values() for key in keys}
        if AVERAGED in checkpoint:  # the weights of the last step, of which the frozen ones equal the averaged ones
            equal = omitted.union(name for name, parameter in model.named_parameters() if not parameter.requires_grad)
            checkpoint[AVERAGED] = {key: value for key, value in checkpoint[AVERAGED].items()
                                    if averaged_key(key) not in equal}
        for key in omitted:
            del checkpoint['state_dict'][key]
        classes = dataset_classes(runner.train_dataloader)
        checkpoint['meta'][META_KEY] = make_metadata(runner.cfg, classes, model, self._hashes, self._clips,
                                                     self._data)


@HOOKS.register_module()
class StrictLoadingHook(Hook):
    """Compare a checkpoint with the model, its frozen weights, the classes and the front end before it is loaded.

    Args:
        ignore: regular expressions, matched at the start of a key or of a setting's name. What matches may be missing,
            unexpected or different, for instance `['cls_head']` to start from a checkpoint with other classes,
            `['front_end']` for other frames or spectrograms, `['trained_clips']` to test clips that it was trained on.
    Raises:
        InputError: it does not fit, would be tested on its training clips, or resume EMAHook's training without it.
    """

    priority = 'LOWEST'  # after hooks that rewrite the checkpoint

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        if isinstance(ignore, str):
            raise InputError(f'StrictLoadingHook: ignore is the text {ignore!r}; expected a list: ignore=[{ignore!r}].')
        for pattern in ignore:
            try:
                re.compile(pattern)
            except re.error as error:
                raise InputError(f'StrictLoadingHook: ignore has {pattern!r}, which is no regular expression ({error})'
                                 '. Escape special characters with a backslash.') from error
        self.ignore = list(ignore)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        # The optimizer's state belongs to the weights of the last step, not to the averaged ones.
        if runner._resume and AVERAGED in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
            raise InputError(f'{runner._load_from}: was trained with EMAHook: its weights are averaged ones, and the '
                             "optimizer's state is not theirs. Resume with dict(type='EMAHook', ...) in custom_hooks, "
                             'or begin anew from these weights: --cfg-options load_from=CHECKPOINT.')
        loops = (runner._train_loop, runner._val_loop, runner._test_loop)
        used = [loop.dataloader for loop in loops if isinstance(loop, BaseLoop)]  # the others are still configs
        model, weights = unwrapped_model(runner), full_state_dict(runner)
        self._check_clips(runner, checkpoint)
        here = make_metadata(runner.cfg, dataset_classes(used[0]) if used else [], model, {})
        if is_sharded(runner) and not is_main_process():  # rank 0 has the weights, and refuses for all
            return
        omitted = check_compatibility(model, checkpoint, str(runner._load_from or 'resuming'), here, self.ignore,
                                      weights)
        if omitted and not is_sharded(runner):  # filled in, so that MMEngine does not warn of them
            checkpoint['state_dict'].update({key: weights[key] for key in omitted})

    def _check_clips(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to test on training clips; warn in a training that starts from the checkpoint."""
        source = str(runner._load_from)
        metadata = read_metadata(checkpoint, source)
        is_training = isinstance(runner._train_loop, BaseLoop)
        if metadata is None or not metadata[TRAINED_CLIPS] or is_training and runner._resume:
            return
        for key in ('val', 'test'):
            loop = getattr(runner, f'_{key}_loop')
            found = isinstance(loop, BaseLoop) and find_trained(loop.dataloader.dataset, metadata[TRAINED_CLIPS])
            if not found:
                continue
            text = (f'{source}: {key}_dataloader: {describe_overlap(found, metadata["config"])}. Metrics on them say '
                    'nothing of others')
            if not is_training and not any(re.match(pattern, TRAINED_CLIPS) for pattern in self.ignore):
                raise InputError(f'{text}: test the split that was held out (--cfg-options fold=N), or say '
                                 '--allow-trained-clips.')
            runner.logger.warning(f'{text}.')


@HOOKS.register_module()
class RawWeightsHook(Hook):
    """Load the raw weights of a training with EMAHook instead of the averaged ones; refuses other checkpoints."""

    priority = 'HIGHEST'  # before StrictLoadingHook

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if AVERAGED not in checkpoint:
            raise InputError(f'{runner._load_from}: holds one kind of weights alone: it is not the checkpoint of a '
                             'training with EMAHook, or was published. Test it without --raw-weights.')
        weights = {averaged_key(key): value for key, value in checkpoint.pop(AVERAGED).items()}
        checkpoint['state_dict'].update({key: weights[key] for key in weights if key in checkpoint['state_dict']})
