"""Building networks of MMAction2, MMPretrain and timm with their weights."""
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from torch import Tensor, nn

from claip_emo_mm.errors import InputError


def build_network(cfg: Mapping[str, Any]) -> nn.Module:
    """Build a network (`ResNet`, `mmpretrain.ResNet`, `timm.resnet18`) and load its weights at once.

    The runner would call `init_weights` when adapters have already changed the names of the layers.
    """
    kind, source = cfg['type'], weight_source(cfg)
    origin, _, name = kind.partition('.') if isinstance(kind, str) else ('', '', '')
    if origin == 'timm' and name:
        return _build_timm(name, {key: value for key, value in cfg.items() if key != 'type'})
    if origin == 'mmpretrain':
        try:
            import mmpretrain.models  # noqa: F401 - registers them
        except ImportError as error:
            raise InputError(f'{kind}: MMPretrain is needed for it and cannot be imported ({error}). '
                             'pip install "mmpretrain>=1.0.0"') from error
    with _without_parameter_log():  # TANet initializes its weights in the constructor
        network = MODELS.build(dict(cfg))
    if source is None and getattr(network, 'pretrained2d', False):
        network.pretrained2d = False  # the default of Swin3D and TSM, which then load the file None
    if hasattr(network, 'init_weights'):
        try:
            with _without_parameter_log():
                network.init_weights()
        except (OSError, InputError) as error:  # no network
            if isinstance(error, InputError) and '://' not in str(source):
                raise
            raise InputError(f'{kind}: its weights cannot be read from {source} ({error}). Download them '
                             'where there is a network, and give the path of the file as the checkpoint.') from error
    return network


def _build_timm(name: str, options: Mapping[str, Any]) -> nn.Module:
    import timm  # comes with open_clip
    try:
        return timm.create_model(name, **dict(options, num_classes=0))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f'timm.{name}: timm cannot make it ({str(error) or type(error).__name__}). timm.list_models() '
                         "names its networks; pretrained_cfg_overlay=dict(file='FILE') reads weights.") from error


def weight_source(cfg: Mapping[str, Any]) -> str | None:
    """Return the file or name that the weights of a network's config come from; None where they are random."""
    init = cfg.get('init_cfg') or ()
    for entry in init if isinstance(init, list | tuple) else [init]:
        if not isinstance(entry, Mapping) or entry.get('type') == 'Pretrained' and 'checkpoint' not in entry:
            raise InputError(f"{cfg['type']}: init_cfg is {entry!r}. Expected a dict, such as "
                             "dict(type='Pretrained', checkpoint='FILE').")
        if entry.get('type') == 'Pretrained':
            return str(entry['checkpoint'])
    source = cfg.get('pretrained')
    if source is True:
        return str(cfg.get('model_name', cfg['type']))
    return str(source) if source else None


def single_output(output: Any, network: nn.Module) -> Tensor:
    """Unpack the tuple of one tensor that many networks give."""
    while isinstance(output, list | tuple) and len(output) == 1:
        output = output[0]
    if not isinstance(output, Tensor):
        found = f'{len(output)} outputs' if isinstance(output, list | tuple) else type(output).__name__
        raise InputError(f'{type(network).__name__} gives {found}; one tensor is expected. Let its options '
                         'choose one: out_indices or out_scales of the last stage alone, output_cls_token=False.')
    return output


@contextmanager
def _without_parameter_log() -> Iterator[None]:
    """Keep MMEngine from printing how each parameter was initialized where there is no log file for it."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    if not any(isinstance(handler, logging.FileHandler) for handler in logger.handlers):
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
