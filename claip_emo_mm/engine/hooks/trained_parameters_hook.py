"""Says how much of the model a training changes, and refuses to train nothing."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from claip_emo_mm.engine.resumable_train_loop import require_batches
from claip_emo_mm.engine.sharded_models import sum_over_shards, unwrapped_model
from claip_emo_mm.errors import InputError


@HOOKS.register_module()
class TrainedParametersHook(Hook):
    """Log trained and all parameters, whole and part by part, before the first iteration.

    Raises:
        InputError: not a single parameter would be trained, or an epoch has no batch.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        require_batches(runner.train_dataloader)
        model = unwrapped_model(runner)
        trained, whole = sum_over_shards(runner, count_parameters(model))
        parts = {name: sum_over_shards(runner, count_parameters(part)) for name, part in model.named_children()}
        parts = {name: counts for name, counts in parts.items() if counts[1]}
        if trained == 0:
            raise InputError(_nothing_trained(type(model).__name__, whole, parts))
        width = max([len(name) for name in parts], default=0)
        lines = [f'  {name:<{width}}  {_share(*counts)}' for name, counts in parts.items()]
        runner.logger.info('\n'.join([f'Trained parameters: {_share(trained, whole)}', *lines]))


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Numbers of trained and of all parameters; buffers do not count, shared parameters count once."""
    parameters = list(module.parameters())
    return sum(p.numel() for p in parameters if p.requires_grad), sum(p.numel() for p in parameters)


def _share(trained: int, whole: int) -> str:
    return f'{trained:,} of {whole:,} ({100 * trained / max(whole, 1):.2f} %)'


def _nothing_trained(model: str, whole: int, parts: dict[str, tuple[int, int]]) -> str:
    if not whole:
        return f'model: {model} has no parameters, so there is nothing to train. Give its config at least one part.'
    frozen = ', '.join(f'model.{name} ({count:,})' for name, (_, count) in parts.items())
    return (f'model: 0 of {whole:,} parameters would be trained: every part is frozen: {frozen}. '
            'Give a backbone adapters, or take away the key that freezes one of these parts.')
