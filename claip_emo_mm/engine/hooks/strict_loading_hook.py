"""Refuses a checkpoint that does not fit the run, which the host only warns of."""
import re
from collections.abc import Sequence

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import BaseLoop, Runner

from claip_emo_mm.engine.checkpoints.facts import make_facts, read_facts
from claip_emo_mm.engine.checkpoints.fit import check_fit
from claip_emo_mm.engine.checkpoints.trained_clips import describe_overlap, find_trained
from claip_emo_mm.engine.hooks.class_names_hook import dataset_classes
from claip_emo_mm.engine.sharded_models import is_sharded, unwrapped_model, whole_state
from claip_emo_mm.errors import InputError
from claip_emo_mm.host.averaging import AVERAGED

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
        here = make_facts(runner.cfg, dataset_classes(used[0]) if used else [], model, {})
        if is_sharded(runner) and not is_main_process():  # the first process has the weights, and says no for all
            return
        left_out = check_fit(model, checkpoint, str(runner._load_from or 'resuming'), here, self.ignore, weights)
        if left_out and not is_sharded(runner):  # filled in, so that the host does not warn of them
            checkpoint['state_dict'].update({key: weights[key] for key in left_out})

    def _check_clips(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to test clips that were trained on; in a training that begins from the checkpoint, say so."""
        source = str(runner._load_from)
        facts = read_facts(checkpoint, source)
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
                raise InputError(f'{text} Figures on them say nothing of others: test the part that was held out '
                                 '(--cfg-options fold=N), or say --allow-trained-clips.')
            runner.logger.warning(f'{text} Figures on them say nothing of others.')


def _require_averaging(runner: Runner, checkpoint: dict) -> None:
    """Refuse to resume from averaged weights without averaging: the optimizer's state belongs to others."""
    if runner._resume and AVERAGED in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
        raise InputError(f'{runner._load_from}: was trained with EMAHook: its weights are averaged ones, and the '
                         "optimizer's state is not theirs. Resume with dict(type='EMAHook', ...) in custom_hooks as "
                         'before, or begin anew from the averaged weights: --cfg-options load_from=CHECKPOINT in place '
                         'of --resume.')
