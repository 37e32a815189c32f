"""Wrappers that make networks of MMAction2, MMPretrain and timm visual and audio backbones."""
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from claip_emo_mm.compat.safe_pickle import one_line
from claip_emo_mm.errors import InputError, check_choice, check_whole, named
from claip_emo_mm.models.backbones.network_kinds import AUDIO, IMAGE, SHIFTED, VIDEO, check_network
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters


class BackboneWrapper(BaseModule):
    """A network of MMAction2, MMPretrain or timm, with optional LoRA adapters.

    The constructor loads its weights, from its own `init_cfg` or `pretrained`, before it adds the adapters.

    Args:
        backbone: Config of the network, as a config of MMAction2 writes it.
        lora: Fields of ``LoRAConfig``, except `blocks`; None for no adapters.
        frozen: Whether the network's own weights, and the statistics of its batch norms, are frozen.
    """

    def __init__(self, backbone: dict, lora: dict | None = None, frozen: bool = False) -> None:
        super().__init__()
        self.frozen = frozen
        self.network = _build_network(backbone)
        self.weights_from = _weight_source(backbone)  # checkpoints leave out frozen weights that can be loaded again
        if frozen:
            self.network.requires_grad_(False)
        settings = LoRAConfig(**(lora or dict(targets=())))
        if settings.blocks is not None:
            raise InputError(f'{type(self).__name__}: lora.blocks={settings.blocks}: the blocks of '
                             f'{type(self.network).__name__} are not known. Name blocks.11.attn.proj in lora.targets.')
        self._adapted = add_adapters(self.network, settings, ()) if lora is not None else []
        self._checked = False

    def init_weights(self) -> None:
        """Do nothing: the constructor has loaded the weights."""

    def train(self, mode: bool = True) -> nn.Module:
        """Set the mode; batch norms of a frozen network stay in evaluation."""
        super().train(mode)
        if mode and self.frozen:
            for module in self.network.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def run(self, x: Tensor) -> Tensor:
        """Run the network; the first time, check its input shape and that it calls every adapted layer."""
        if self._checked:
            return self._single_output(self.network(x))
        network, called = type(self.network).__name__, set()
        hooks = [self.network.get_submodule(name).register_forward_pre_hook(
            lambda module, inputs, name=name: called.add(name)) for name in self._adapted]
        try:
            output = self.network(x)
        except torch.OutOfMemoryError:
            raise
        except ImportError as error:
            raise InputError(f'{type(self).__name__}: {network} needs what is not installed ({one_line(error)}). '
                             'Its operators are in the full mmcv, built for your PyTorch, not in mmcv-lite.') from error
        except (AssertionError, RuntimeError) as error:
            raise InputError(f'{type(self).__name__}: {network} cannot read an input of shape {tuple(x.shape)} '
                             f'({str(error).strip()}). Make its size, frames and channels those of ResizeFrames, '
                             'SampleFrameViews, LogMel and in_channels of AudioBackboneWrapper.') from error
        finally:
            for hook in hooks:
                hook.remove()
        idle = [name for name in self._adapted if name not in called]
        if idle:
            raise InputError(f'{type(self).__name__}: the adapters of {len(idle)} layers of {network} are without '
                             f'effect, as it never calls these layers: {named(idle)}. Take them out of lora.targets, '
                             'or name q_proj, k_proj and v_proj in place of a qkv that is read.')
        self._checked = True
        return self._single_output(output)

    def _single_output(self, output: Any) -> Tensor:
        """Unpack the tuple of one tensor that many networks give."""
        while isinstance(output, list | tuple) and len(output) == 1:
            output = output[0]
        if not isinstance(output, Tensor):
            found = f'{len(output)} outputs' if isinstance(output, list | tuple) else type(output).__name__
            raise InputError(f'{type(self.network).__name__} gives {found}; one tensor is expected. Let its options '
                             'choose one: out_indices or out_scales of the last stage alone, output_cls_token=False.')
        return output

    def _unexpected(self, output: Tensor, expected: str) -> InputError:
        return InputError(f'{type(self).__name__}: {type(self.network).__name__} gives an output of shape '
                          f'{tuple(output.shape)}; expected is {expected}.')


@MODELS.register_module()
class ImageBackboneWrapper(BackboneWrapper):
    """Image network as `visual_backbone`: each frame on its own; options as of ``BackboneWrapper``.

    Raises:
        InputError: The network reads views or spectrograms.
    """

    def __init__(self, backbone: dict, **kwargs: Any) -> None:
        check_network('ImageBackboneWrapper', backbone, IMAGE)
        super().__init__(backbone, **kwargs)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode normalized frames (U, 3, H, W) to (U, D); averages maps (U, D, H', W') and tokens (U, N, D)."""
        output = self.run(frames)
        if output.ndim not in (2, 3, 4) or len(output) != len(frames):
            raise self._unexpected(output, f'({len(frames)}, D), ({len(frames)}, N, D) or ({len(frames)}, D, H, W)')
        return output if output.ndim == 2 else output.mean(1 if output.ndim == 3 else (2, 3))


@MODELS.register_module()
class VideoBackboneWrapper(BackboneWrapper):
    """Video network as `visual_backbone`: the frames of a view together.

    Args:
        backbone, kwargs: As of ``BackboneWrapper``.
        format_shape: What the network reads, as in MMAction2's data preprocessor: ``'NCTHW'``, or ``'NCHW'`` for those
            that take the frames of all views in one row (TSM).
    """

    reads_views = True  # (B, T, 3, H, W), not distinct frames (U, 3, H, W)

    def __init__(self, backbone: dict, format_shape: str = 'NCTHW', **kwargs: Any) -> None:
        check_choice(self, ('NCTHW', 'NCHW'), format_shape=format_shape)
        check_network(f"VideoBackboneWrapper with format_shape='{format_shape}'", backbone,
                      *((VIDEO,) if format_shape == 'NCTHW' else (SHIFTED, IMAGE)))
        super().__init__(backbone, **kwargs)
        self.format_shape = format_shape

    def forward(self, views: Tensor) -> Tensor:
        """Encode normalized views (B, T, 3, H, W) to (B, T', D), a feature for each time step that it keeps.

        Maps of several pathways (SlowFast) are averaged to the time steps of the slowest one and joined.
        """
        segments = getattr(self.network, 'num_segments', None)
        if segments not in (None, views.shape[1]):
            raise InputError(f'VideoBackboneWrapper: views of {views.shape[1]} frames arrived, but num_segments='
                             f'{segments} of {type(self.network).__name__}. Set num_segments={views.shape[1]}.')
        if self.format_shape == 'NCHW':
            output = self.run(views.flatten(0, 1))  # (B*T, D, H', W') or (B*T, D)
            if output.ndim not in (2, 4) or len(output) != len(views) * views.shape[1]:
                raise self._unexpected(output, f'({len(views) * views.shape[1]}, D, H, W), a map for each frame')
            output = output.flatten(2).mean(2) if output.ndim == 4 else output
            return output.unflatten(0, views.shape[:2])
        output = self.run(views.transpose(1, 2))
        if output.ndim not in (2, 3, 5) or len(output) != len(views):
            raise self._unexpected(output, f'one vector (D), tokens (N, D) or a map (D, T, H, W) for each of the '
                                           f'{len(views)} views of {views.shape[1]} frames. Set the number of frames '
                                           'of the network (num_frames, t_size) to clip_len of SampleFrameViews')
        if output.ndim == 5:
            return output.mean((3, 4)).transpose(1, 2)
        return output.mean(1, keepdim=True) if output.ndim == 3 else output[:, None]


    def _single_output(self, output: Any) -> Tensor:
        """Join the maps (B, D, T', H', W') of several pathways, the fast one first, as SlowFastHead does."""
        if not isinstance(output, tuple) or len(output) < 2 or not all(
                isinstance(pathway, Tensor) and pathway.ndim == 5 for pathway in output):
            return super()._single_output(output)
        steps = min(pathway.shape[2] for pathway in output)
        return torch.cat([F.adaptive_avg_pool3d(pathway, (steps, 1, 1)) for pathway in reversed(output)], 1)


@MODELS.register_module()
class AudioBackboneWrapper(BackboneWrapper):
    """Image or audio network as `audio_backbone`: it reads the spectrogram as an image.

    Args:
        backbone, kwargs: As of ``BackboneWrapper``.
        in_channels: Channels that the network reads; the spectrogram is repeated in them.
    """

    def __init__(self, backbone: dict, in_channels: int = 1, **kwargs: Any) -> None:
        check_whole(self, in_channels=in_channels)
        check_network('AudioBackboneWrapper', backbone, AUDIO, IMAGE)
        super().__init__(backbone, **kwargs)
        self.in_channels = in_channels

    def forward(self, mel: Tensor) -> Tensor:
        """Encode spectrograms (A, 1, M, F) to maps (A, D, F', M'), (A, D, 1, 1) of networks that give a vector."""
        output = self.run(mel.expand(-1, self.in_channels, -1, -1))
        if output.ndim not in (2, 4) or len(output) != len(mel):
            raise self._unexpected(output, f'({len(mel)}, D) or ({len(mel)}, D, M, F)')
        return output.transpose(2, 3) if output.ndim == 4 else output[:, :, None, None]


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


@_without_parameter_log()  # also while it is built: TANet initializes its weights in the constructor
def _build_network(cfg: Mapping[str, Any]) -> nn.Module:
    """Build a network (`ResNet`, `mmpretrain.ResNet`, `timm.resnet18`) and load its weights at once.

    The runner would call `init_weights` when adapters have already changed the names of the layers.
    """
    kind, source = cfg['type'], _weight_source(cfg)
    origin, _, name = kind.partition('.') if isinstance(kind, str) else ('', '', '')
    if origin == 'timm' and name:
        import timm  # comes with open_clip
        options = {key: value for key, value in cfg.items() if key != 'type'}
        try:
            return timm.create_model(name, **dict(options, num_classes=0))
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f'{kind}: timm cannot make it ({str(error) or type(error).__name__}). timm.list_models() '
                             "names its networks; pretrained_cfg_overlay=dict(file='FILE') reads weights.") from error
    if origin == 'mmpretrain':
        try:
            import mmpretrain.models  # noqa: F401 - registers them
        except ImportError as error:
            raise InputError(f'{kind}: MMPretrain is needed for it and cannot be imported ({error}). '
                             'pip install "mmpretrain>=1.2"') from error
    network = MODELS.build(dict(cfg))
    if source is None and getattr(network, 'pretrained2d', False):
        network.pretrained2d = False  # the default of Swin3D and TSM, which then load the file None
    if hasattr(network, 'init_weights'):
        try:
            network.init_weights()
        except (OSError, InputError) as error:  # no network
            if isinstance(error, InputError) and '://' not in str(source):
                raise
            raise InputError(f'{kind}: its weights cannot be read from {source} ({error}). Download them '
                             'where there is a network, and give the path of the file as the checkpoint.') from error
    return network


def _weight_source(cfg: Mapping[str, Any]) -> str | None:
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
