"""Puts into every checkpoint what inference needs, so that the checkpoint alone is enough."""
import json
from typing import Any

from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.errors import InputError
from claip_emo_mm.version import __version__

from .class_names_hook import dataset_classes

META_KEY = 'claip_emo_mm'
FORMAT = 1


@HOOKS.register_module()
class CheckpointMetaHook(Hook):
    """Write `checkpoint['meta']['claip_emo_mm']`: format, version, config (json text) and classes (list of names).

    The config is json, not Python: reading it back runs no code. A config that json cannot hold is refused before the
    training, not when the first epoch is saved.
    """

    def before_train(self, runner: Runner) -> None:
        config_as_json(runner.cfg)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['meta'][META_KEY] = dict(
            format=FORMAT,
            version=__version__,
            config=config_as_json(runner.cfg),
            classes=dataset_classes(runner.train_dataloader),
        )


def config_as_json(cfg: Config) -> str:
    """Text of a whole config; tuples become lists, classes their dotted names, which registries take as `type`.

    Raises:
        InputError: the config holds something else, such as a function's result.
    """
    return json.dumps(cfg.to_dict(), default=_dotted_name)


def _dotted_name(value: Any) -> str:
    if isinstance(value, type):
        return f'{value.__module__}.{value.__qualname__}'
    raise InputError(f'the config holds {value!r} ({type(value).__name__}), which cannot be kept in a checkpoint. '
                     'Expected numbers, texts, lists, dicts and classes; write the name of a registered part instead.')
