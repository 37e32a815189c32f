"""Makes the optimizer: the learning rate follows the accumulated steps, and there are few parameter groups."""
from typing import Any

from mmaction.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn

from claip_emo_mm.utils import check_whole


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class AccumulatedRateConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor with the learning rate multiplied by `accumulative_counts`.

    With ``auto_scale_lr=dict(base_batch_size=N, enable=True)``, which looks at batch size and number of processes but
    not at accumulation, `lr` is then the rate for every N clips that a step of the optimizer sees.

    Parameters with equal settings share a group, where MMEngine makes one group of each: AdamW then steps through all
    of them at once. Frozen parts are left out without a warning for each of their parameters.

    Args:
        optim_wrapper_cfg: config of the optim wrapper, `optimizer` within.
        paramwise_cfg: MMEngine's options for single parameters.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        optimizer = dict(optim_wrapper_cfg['optimizer'])
        accumulated = optim_wrapper_cfg.get('accumulative_counts', 1)
        check_whole('optim_wrapper', accumulative_counts=accumulated)
        if 'lr' in optimizer:
            optimizer['lr'] *= accumulated
        super().__init__(dict(optim_wrapper_cfg, optimizer=optimizer), paramwise_cfg)

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer for a model's trained parameters."""
        wrapper = super().__call__(model)
        wrapper.base_param_settings = None  # would be logged as base_lr, which `auto_scale_lr` does not scale
        return wrapper

    def add_params(self, params: list[dict], module: nn.Module, prefix: str = '',
                   is_dcn_module: int | float | None = None) -> None:
        """Append the groups of a module's trained parameters; of the whole model (no prefix), joined."""
        if any(parameter.requires_grad for parameter in module.parameters()):
            super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:
            params[:] = join_groups(params)


def join_groups(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the parameters of groups with equal settings; groups stand in the order of their first parameter."""
    joined: list[dict[str, Any]] = []
    for group in groups:
        settings = {key: value for key, value in group.items() if key != 'params'}
        same = next((other for other in joined
                     if {key: value for key, value in other.items() if key != 'params'} == settings), None)
        if same is None:
            joined.append(dict(settings, params=list(group['params'])))
        else:
            same['params'] += group['params']
    return joined
