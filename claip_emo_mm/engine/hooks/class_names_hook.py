"""Holds the head and the data sets against each other: the same number of classes."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from claip_emo_mm.engine.sharded_models import unwrapped_model
from claip_emo_mm.errors import InputError


@HOOKS.register_module()
class ClassNamesHook(Hook):
    """Refuse a head with another number of outputs than a data set has classes.

    Data sets that do not name their classes (`metainfo['classes']`) and heads without `num_classes` are left alone.

    Raises:
        InputError: the numbers differ.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        for key in ('train', 'val', 'test'):
            loop = getattr(runner, f'_{key}_loop')
            if isinstance(loop, BaseLoop):  # a loop that this run does not use is still a config
                self._check_head(runner, f'{key}_dataloader', loop.dataloader)

    def _check_head(self, runner: Runner, key: str, dataloader: DataLoader) -> None:
        outputs = getattr(getattr(unwrapped_model(runner), 'cls_head', None), 'num_classes', None)
        classes = dataset_classes(dataloader)
        if outputs is not None and classes and outputs != len(classes):
            raise InputError(f'model.cls_head.num_classes is {outputs}, but the data set of {key} has {len(classes)} '
                             f'classes: {", ".join(classes)}. Set model.cls_head.num_classes={len(classes)}, or give '
                             f'{key}.dataset the right class list.')


def dataset_classes(dataloader: DataLoader) -> list[str]:
    """Names of the classes, in the order of their numbers; empty where the data set does not say."""
    return list(getattr(dataloader.dataset, 'metainfo', {}).get('classes', ()))
