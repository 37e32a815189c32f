"""Decides what a checkpoint holds: what was trained, and the facts that make it enough alone."""
import torch
from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from claip_emo_mm.engine.checkpoints.facts import META_KEY, config_as_json, make_facts, read_facts
from claip_emo_mm.engine.checkpoints.fit import without_wrapper
from claip_emo_mm.engine.checkpoints.left_out_weights import left_out_keys, weight_hash
from claip_emo_mm.engine.checkpoints.trained_clips import TrainedClips, trained_clips
from claip_emo_mm.engine.hooks.class_names_hook import dataset_classes
from claip_emo_mm.engine.sharded_models import unwrapped_model, whole_state
from claip_emo_mm.host.averaging import AVERAGED, averaged_key


@HOOKS.register_module()
class CheckpointContentHook(Hook):
    """Leave frozen weights that can be had again out of every checkpoint, and write `meta['claip_emo_mm']` into it.

    `make_facts` says what that is. The config in it is json, not Python: reading it back runs no code. A config that
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
        self._trained = (read_facts(checkpoint, str(runner._load_from)) or {}).get('trained_clips', {})
        loaded, ours = without_wrapper(checkpoint.get('state_dict', checkpoint)), whole_state(runner)
        for name, keys in left_out_keys(unwrapped_model(runner), ours).items():
            if any(key in loaded and not torch.equal(loaded[key].cpu(), ours[key].cpu()) for key in keys):
                self._replaced.add(name)
        if AVERAGED in checkpoint and not getattr(runner, '_resume', False):
            runner.logger.info('These are averaged weights (EMAHook); tools/test.py --raw-weights takes those of the '
                               'last step.')

    def before_train(self, runner: Runner) -> None:
        config_as_json(runner.cfg)
        model, weights = unwrapped_model(runner), whole_state(runner)
        if is_main_process():  # which alone saves
            self._left_out = {name: keys for name, keys in left_out_keys(model, weights).items()
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
        checkpoint['meta'][META_KEY] = make_facts(runner.cfg, classes, unwrapped_model(runner), self._hashes,
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
