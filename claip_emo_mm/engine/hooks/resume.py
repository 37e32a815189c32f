"""Hook that keeps the state for resuming in a second file beside the checkpoint."""
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.runner import CheckpointLoader, EpochBasedTrainLoop, Runner, save_checkpoint

from claip_emo_mm.compat.checkpoint_io import resumed_file
from claip_emo_mm.engine.optim import GRADIENTS_KEY
from claip_emo_mm.engine.resume import EPOCH_LENGTH_KEY, RESUME_SUFFIX, follow_config, resume_file
from claip_emo_mm.errors import InputError

_EARLY_STOPPING_KEY, _SAVE_BEST_KEY = 'early_stopping', 'save_best'  # of a checkpoint
_STATE_KEYS = ('optimizer', 'param_schedulers', 'message_hub', GRADIENTS_KEY, _EARLY_STOPPING_KEY, _SAVE_BEST_KEY,
               EPOCH_LENGTH_KEY)
_STATE_OF_STOP, _RULE_OF_STOP = ('wait_count', 'best_score'), ('monitor', 'rule')  # of EarlyStoppingHook
_LAST_CKPT = 'last_ckpt'  # in the message hub
_PAIR_KEYS = ('epoch', 'iter', 'experiment_name')  # of `meta`, equal in both files


@HOOKS.register_module()
class ResumeStateHook(Hook):
    """Save optimizer, schedulers and log history as `epoch_3.resume.pth` beside `epoch_3.pth`, and load them again.

    The second file is written first, so what `last_checkpoint` names can always be resumed, and deleted after
    CheckpointHook has deleted its checkpoint. The best checkpoint (`save_best`) has none. Runners other than MMEngine's
    Runner, and remote folders (s3://...), keep everything in one file. The state of EarlyStoppingHook and the metric
    and rule of the best checkpoint are kept, too; the schedule is the config's (`follow_config`).
    """

    priority = 'LOWEST'  # after all that is added to a checkpoint

    def __init__(self) -> None:
        self._folder: Path | None = None  # of the last checkpoint

    def before_train(self, runner: Runner) -> None:
        runner.message_hub.runtime_info.pop(_LAST_CKPT, None)  # of the resumed run, perhaps in another folder
        if is_main_process():  # incomplete files of a killed training
            for path in Path(runner.work_dir).glob('*.pth*.part'):
                path.unlink()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if 'optimizer' in checkpoint:
            checkpoint[_EARLY_STOPPING_KEY] = [{key: getattr(hook, key) for key in (*_STATE_OF_STOP, *_RULE_OF_STOP)}
                                               for hook in _hooks(runner, EarlyStoppingHook)]
            checkpoint[_SAVE_BEST_KEY] = _save_best(runner)
            if isinstance(runner.train_loop, EpochBasedTrainLoop):
                checkpoint[EPOCH_LENGTH_KEY] = len(runner.train_dataloader)
        target = runner.message_hub.runtime_info.get(_LAST_CKPT, '')  # set by CheckpointHook just before it saves
        if not isinstance(runner, Runner) or not target or '://' in target:
            return
        state = {key: checkpoint.pop(key) for key in _STATE_KEYS if key in checkpoint}
        if 'optimizer' in state:
            path = resume_file(target)
            self._folder = path.parent
            save_checkpoint({'meta': {key: checkpoint['meta'][key] for key in _PAIR_KEYS}, **state}, str(path))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not runner._resume:
            return
        if isinstance(runner, Runner) and 'message_hub' not in checkpoint:
            _load_state(runner, checkpoint)
        for hook, saved in zip(_hooks(runner, EarlyStoppingHook), checkpoint.get(_EARLY_STOPPING_KEY, ()),
                               strict=False):
            if all(saved[key] == getattr(hook, key) for key in _RULE_OF_STOP):
                for key in _STATE_OF_STOP:
                    setattr(hook, key, saved[key])
            else:
                runner.logger.warning(f'EarlyStoppingHook went by {saved["monitor"]} ({saved["rule"]}) and goes by '
                                      f'{hook.monitor} ({hook.rule}) now: it waits from the beginning.')
        _forget_other_best(runner, checkpoint)
        follow_config(runner, checkpoint)

    def _after_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None,
                    mode: str = 'train') -> None:
        self._after_epoch(runner)

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        """Delete resume states whose checkpoint is gone, once after each checkpoint."""
        folder, self._folder = self._folder, None
        if folder is not None and is_main_process():
            for path in folder.glob(f'*{RESUME_SUFFIX}'):
                if not path.with_name(f'{path.name.removesuffix(RESUME_SUFFIX)}.pth').is_file():
                    path.unlink()


def _load_state(runner: Runner, checkpoint: dict) -> None:
    """Put the content of the second file back into the checkpoint."""
    source = resumed_file(runner)
    path = resume_file(source)
    if not path.is_file():
        raise InputError(f'{source}: cannot be resumed: the optimizer\'s state, {path.name}, is not beside it. Copy it '
                         f'there, or begin anew from these weights: --cfg-options load_from={source}.')
    state = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    found, expected = (', '.join(f'{key} {meta.get(key)}' for key in _PAIR_KEYS)
                       for meta in (state.pop('meta'), checkpoint['meta']))
    if found != expected:
        raise InputError(f'{source}: cannot be resumed: {path.name} beside it belongs to another checkpoint ({found}; '
                         f'expected {expected}). Resume from another checkpoint.')
    checkpoint.update(state)


def _forget_other_best(runner: Runner, checkpoint: dict) -> None:
    """Choose the best checkpoint anew where it was chosen by another metric or rule; the old one stays."""
    before, now = checkpoint.get(_SAVE_BEST_KEY), _save_best(runner)
    info = (checkpoint.get('message_hub') or {}).get('runtime_info', {})
    chosen = [key for key in info if key.startswith(('best_score', 'best_ckpt'))]
    if before is None or before == now or 'auto' in now or not now or not chosen:
        return
    for key in chosen:
        info.pop(key)
    runner.logger.warning(f'The best checkpoint was chosen by {before} before, and is by {now} now: the choice begins '
                          'anew, among the epochs from here on. The old best checkpoint stays.')


def _hooks(runner: Runner, kind: type[Hook]) -> list[Any]:
    return [hook for hook in runner.hooks if isinstance(hook, kind)]


def _save_best(runner: Runner) -> dict[str, str | None]:
    """Metrics by which CheckpointHook chooses the best checkpoints, and their rules."""
    return {key: rule for hook in _hooks(runner, CheckpointHook) if hasattr(hook, 'key_indicators')
            for key, rule in zip(hook.key_indicators, hook.rules, strict=True)}
