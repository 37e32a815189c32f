"""Building other people's networks, with their weights, so that adapters can be put into them."""
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from torch import Tensor, nn

from claip_emo_mm.errors import InputError


def build_network(cfg: Mapping[str, Any]) -> nn.Module:
    """Build a network of MMAction2's registry, of MMPretrain or of timm, and give it its weights at once.

    The runner would do the latter (`init_weights`) when adapters have already changed the names of the layers.

    Args:
        cfg: `type`, written as in MMAction2's own recognizers: `ResNet`, `mmpretrain.ResNet`, `timm.resnet18`; and the
            network's options, among them `init_cfg` or `pretrained`.
    Raises:
        InputError: MMPretrain is needed and not there, timm has no such network, or the weights cannot be read.
    """
    kind, source = cfg['type'], weight_source(cfg)
    origin, _, name = kind.partition('.') if isinstance(kind, str) else ('', '', '')
    if origin == 'timm' and name:
        return _build_of_timm(name, {key: value for key, value in cfg.items() if key != 'type'})
    if origin == 'mmpretrain':
        try:
            import mmpretrain.models  # noqa: F401 - registers them
        except ImportError as error:
            raise InputError(f'{kind}: MMPretrain is needed for it and cannot be imported ({error}). '
                             'pip install "mmpretrain>=1.0.0"') from error
    with _without_list_of_parameters():  # TANet draws its weights in the constructor
        network = MODELS.build(dict(cfg))
    if source is None and getattr(network, 'pretrained2d', False):
        network.pretrained2d = False  # the default of Swin3D and TSM, which then load the file None
    if hasattr(network, 'init_weights'):
        try:
            with _without_list_of_parameters():
                network.init_weights()
        except (OSError, InputError) as error:  # no network
            if isinstance(error, InputError) and '://' not in str(source):
                raise
            raise InputError(f'{kind}: its weights cannot be read from {source} ({error}). Download them '
                             'where there is a network, and give the path of the file as the checkpoint.') from error
    return network


def _build_of_timm(name: str, options: Mapping[str, Any]) -> nn.Module:
    import timm  # comes with open_clip
    try:
        return timm.create_model(name, **dict(options, num_classes=0))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f'timm.{name}: timm cannot make it ({str(error) or type(error).__name__}). timm.list_models() '
                         "names its networks; pretrained_cfg_overlay=dict(file='FILE') reads weights that it cannot "
                         'fetch.') from error


def weight_source(cfg: Mapping[str, Any]) -> str | None:
    """Return the file or name that the weights of a network's config come from; None where they are drawn.

    Raises:
        InputError: `init_cfg` is no dict.
    """
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
    """Take the tensor out of the tuple of one that many networks give.

    Raises:
        InputError: there are several, or something else.
    """
    while isinstance(output, list | tuple) and len(output) == 1:
        output = output[0]
    if not isinstance(output, Tensor):
        found = f'{len(output)} outputs' if isinstance(output, list | tuple) else type(output).__name__
        raise InputError(f'{type(network).__name__} gives {found}; one tensor is expected. Let its options choose '
                         'one: out_indices or out_scales for the last stage alone, no class token beside a map '
                         '(output_cls_token=False).')
    return output


@contextmanager
def _without_list_of_parameters() -> Iterator[None]:
    """Keep MMEngine from printing how each parameter was drawn; it belongs into a run's log file, where there is one.
    """
    logger = MMLogger.get_current_instance()
    level = logger.level
    if not any(isinstance(handler, logging.FileHandler) for handler in logger.handlers):
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
