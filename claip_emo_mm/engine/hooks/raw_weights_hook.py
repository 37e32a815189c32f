"""Loads the weights of the last step from a checkpoint whose weights are averaged ones."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError
from claip_emo_mm.host.averaging import AVERAGED, averaged_key


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
