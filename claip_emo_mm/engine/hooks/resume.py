"""Keeps what only resuming needs in a second file beside the checkpoint."""
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, EarlyStoppingHook, Hook
from mmengine.runner import CheckpointLoader, EpochBasedTrainLoop, Runner, find_latest_checkpoint, save_checkpoint

from claip_emo_mm.engine.resume import BATCHES, RESUME_SUFFIX, follow_config, resume_file
from claip_emo_mm.errors import InputError

_KEYS = ('optimizer', 'param_schedulers', 'message_hub', 'gradients', 'early_stop', 'best_by', BATCHES)
_EARLY_STOP, _STOPS_BY = ('wait_count', 'best_score'), ('monitor', 'rule')
_SAVED_AS = 'last_ckpt'  # in the message hub
_PAIR = ('epoch', 'iter', 'experiment_name')


@HOOKS.register_module()
class ResumeStateHook(Hook):
    """Write optimizer, schedules and log history to `epoch_3.resume.pth` beside `epoch_3.pth`, and read them again.

    The second file is complete before the checkpoint takes its name, so what `last_checkpoint` names can always be
    resumed. It goes when CheckpointHook has deleted its checkpoint. The best checkpoint (`save_best`) has none. Other
    runners than MMEngine's Runner, and folders elsewhere (s3://...), keep everything in one file.

    How long EarlyStoppingHook has been waiting, which MMEngine forgets, is kept as well; and by which metric and rule
    it and the best checkpoint are chosen, so that a resumed training does not compare with a metric of another kind.
    The schedule is the config's (`follow_config`).
    """

    priority = 'LOWEST'  # after whatever else a checkpoint is given

    def __init__(self) -> None:
        self._folder: Path | None = None  # of the last checkpoint

    def before_train(self, runner: Runner) -> None:
        runner.message_hub.runtime_info.pop(_SAVED_AS, None)  # a resumed run's, perhaps in another folder
        if is_main_process():  # what a killed training was writing
            for path in Path(runner.work_dir).glob('*.pth*.part'):
                path.unlink()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if 'optimizer' in checkpoint:
            checkpoint['early_stop'] = [{key: getattr(hook, key) for key in (*_EARLY_STOP, *_STOPS_BY)}
                                        for hook in _hooks(runner, EarlyStoppingHook)]
            checkpoint['best_by'] = _best_by(runner)
            if isinstance(runner.train_loop, EpochBasedTrainLoop):
                checkpoint[BATCHES] = len(runner.train_dataloader)
        saved_as = runner.message_hub.runtime_info.get(_SAVED_AS, '')  # set by CheckpointHook just before it saves
        if not isinstance(runner, Runner) or not saved_as or '://' in saved_as:
            return
        state = {key: checkpoint.pop(key) for key in _KEYS if key in checkpoint}
        if 'optimizer' in state:
            path = resume_file(saved_as)
            self._folder = path.parent
            save_checkpoint({'meta': {key: checkpoint['meta'][key] for key in _PAIR}, **state}, str(path))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not runner._resume:
            return
        if isinstance(runner, Runner) and 'message_hub' not in checkpoint:
            self._read_state(runner, checkpoint)
        for hook, values in zip(_hooks(runner, EarlyStoppingHook), checkpoint.get('early_stop', ()), strict=False):
            if all(values[key] == getattr(hook, key) for key in _STOPS_BY):
                for key in _EARLY_STOP:
                    setattr(hook, key, values[key])
            else:
                runner.logger.warning(f'EarlyStoppingHook went by {values["monitor"]} ({values["rule"]}) and goes by '
                                      f'{hook.monitor} ({hook.rule}) now: it waits from the beginning.')
        self._forget_other_best(runner, checkpoint)
        follow_config(runner, checkpoint)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None,
                         outputs: dict | None = None) -> None:
        self._remove_widowed()

    def after_train_epoch(self, runner: Runner) -> None:
        self._remove_widowed()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._remove_widowed()

    @staticmethod
    def _forget_other_best(runner: Runner, checkpoint: dict) -> None:
        """Choose the best checkpoint anew where it was chosen by another metric or rule; the old one stays."""
        before, now = checkpoint.get('best_by'), _best_by(runner)
        told = (checkpoint.get('message_hub') or {}).get('runtime_info', {})
        chosen = [key for key in told if key.startswith(('best_score', 'best_ckpt'))]
        if before is None or before == now or 'auto' in now or not now or not chosen:
            return
        for key in chosen:
            told.pop(key)
        runner.logger.warning(f'The best checkpoint was chosen by {before} before, and is by {now} now: the choice '
                              'begins anew, among the epochs from here on. The old best checkpoint stays.')

    @staticmethod
    def _read_state(runner: Runner, checkpoint: dict) -> None:
        """Put what lies in the second file back into the checkpoint."""
        source = runner._load_from or find_latest_checkpoint(runner.work_dir)
        path = resume_file(source)
        if not path.is_file():
            raise InputError(f'{source}: cannot be resumed: the optimizer\'s state, {path.name}, is not beside it. '
                             'Copy it there, resume from another checkpoint, or begin anew from these weights with '
                             f'--cfg-options load_from={source} in place of --resume.')
        state = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
        theirs, ours = ([f'{key} {meta.get(key)}' for key in _PAIR] for meta in (state['meta'], checkpoint['meta']))
        if theirs != ours:
            raise InputError(f'{source}: cannot be resumed: {path.name} beside it belongs to another checkpoint '
                             f'({", ".join(theirs)}; expected {", ".join(ours)}). Resume from another checkpoint.')
        checkpoint.update({key: value for key, value in state.items() if key != 'meta'})

    def _remove_widowed(self) -> None:
        """Delete the files for resuming whose checkpoint is gone, once after each checkpoint."""
        folder, self._folder = self._folder, None
        if folder is not None and is_main_process():
            for path in folder.glob(f'*{RESUME_SUFFIX}'):
                if not path.with_name(f'{path.name.removesuffix(RESUME_SUFFIX)}.pth').is_file():
                    path.unlink()


def _hooks(runner: Runner, kind: type[Hook]) -> list[Any]:
    return [hook for hook in runner.hooks if isinstance(hook, kind)]


def _best_by(runner: Runner) -> dict[str, str | None]:
    """Metrics by which CheckpointHook chooses the best checkpoints, and their rules."""
    return {key: rule for hook in _hooks(runner, CheckpointHook) if hasattr(hook, 'key_indicators')
            for key, rule in zip(hook.key_indicators, hook.rules, strict=True)}
