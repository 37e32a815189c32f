"""Attention weights of the visual encoder and the temporal Transformer, and their plots."""
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.clip import VisionBlock
from claip_emo_mm.models.layers.split_attention import SplitMultiheadAttention
from claip_emo_mm.models.necks import TemporalBlock, TemporalTransformer

_COLUMNS = 8


def vision_weights(attention: SplitMultiheadAttention, query: Tensor, key: Tensor) -> Tensor:
    """Attention weights (U, heads, N, N') of a block of the visual encoder for its input tokens (U, N, D)."""
    heads = (attention.num_heads, query.shape[-1] // attention.num_heads)
    return _weights(attention.q_proj(query).unflatten(-1, heads).transpose(1, 2),
                    attention.k_proj(key).unflatten(-1, heads).transpose(1, 2))


def temporal_weights(block: TemporalBlock, x: Tensor) -> Tensor:
    """Attention weights (B, heads, T+1, T+1) of a layer of the temporal Transformer for input tokens (B, T+1, D)."""
    qkv = block.qkv(block.norm1(x)).unflatten(-1, (3, block.num_heads, -1))  # (B, N, 3, heads, head_dims)
    q, k, _ = qkv.permute(2, 0, 3, 1, 4)
    return _weights(q, k)


def attention_rollout(weights: list[Tensor]) -> Tensor:
    """Attention rollout of each token to the class token through all blocks (Abnar & Zuidema, arXiv 2005.00928).

    Of weights (U, N, N), means over heads, the last block's class token row will do. The result (U, N) sums to 1.
    """
    reach = _with_residual(weights[-1][:, :1])  # (U, 1, N): the class token is the first
    for block in reversed(weights[:-1]):
        reach = reach @ _with_residual(block)
    return reach[:, 0]


def patch_attention(encoder: list[Tensor]) -> Tensor:
    """Attention rollout (U, h, w) of each patch to the class token of its frame, of `record_attention`'s encoder.

    A frame's values sum to 1 with the class token's own ratio, which is missing.
    """
    reach = attention_rollout(encoder)[:, 1:]
    side = round(reach.shape[1] ** .5)
    return reach.unflatten(1, (side, side))


def frame_attention(temporal: list[Tensor], frame_index: Tensor) -> Tensor:
    """Weights (T,) of the frames of a clip's first view in the last temporal layer; they sum to 1.

    Equal views, by `frame_index` (V, T), have gone through the layers once.
    """
    _, of_view = frame_index.unique(dim=0, return_inverse=True)
    ratios = temporal[-1][of_view[0], 0, 1:]
    return ratios / ratios.sum()


@contextmanager
def record_attention(model: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """Record the attention weights, means over the heads, of all frames that the model encodes in the ``with`` block.

    The model is an ``AudioVisualRecognizer``, or one of MMAction2 with a ``CLIPVisualBackbone`` as its `backbone`.

    At the end of it, ``encoder`` has one (U, N, N) for each block, of the last one the class token's row (U, 1, N), and
    ``temporal`` one (B, T+1, T+1) for each layer of the ``TemporalTransformer``. Necks without a class token, such as
    ``FrameTokens``, and a temporal Transformer of the audio are skipped.

    Raises:
        InputError: the encoder merges tokens, so that patches have no attention of their own, or frames are left out.
    """
    recorded: dict[str, list[Tensor]] = dict(encoder=[], temporal=[])
    backbone = getattr(model, 'visual_backbone', None) or getattr(model, 'backbone', None)  # the latter: of MMAction2's
    if getattr(backbone, 'merged_tokens', 0):
        raise InputError(f'merged_tokens is {backbone.merged_tokens}: merged tokens have no attention of their own. '
                         'Set model.visual_backbone.merged_tokens=0.')
    tolerance = getattr(getattr(model, 'data_preprocessor', None), 'frame_tolerance', 0)
    if tolerance:
        raise InputError(f'frame_tolerance is {tolerance:g}: near frames have no attention of their own. Set '
                         'model.data_preprocessor.frame_tolerance=0.')
    layers = [layer for neck in _modules(getattr(model, 'visual_neck', None), TemporalTransformer)
              for layer in neck.layers]
    found: dict[nn.Module, list[Tensor]] = {block.attn: [] for block in _modules(backbone, VisionBlock)}
    found.update({layer: [] for layer in layers})

    @torch.no_grad()
    def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        weights = (vision_weights(module, *inputs[:2]) if isinstance(module, SplitMultiheadAttention) else
                   temporal_weights(module, inputs[0]))
        found[module].append(weights.mean(1).cpu())

    hooks = [module.register_forward_pre_hook(record) for module in found]
    try:
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()
        for module, chunks in found.items():
            if chunks:
                recorded['temporal' if module in layers else 'encoder'].append(torch.cat(chunks))


def _modules(component: nn.Module | None, kind: type[nn.Module]) -> list[nn.Module]:
    return [] if component is None else [module for module in component.modules() if isinstance(module, kind)]


def _weights(q: Tensor, k: Tensor) -> Tensor:
    return (q @ k.transpose(-1, -2) / q.shape[-1] ** .5).softmax(-1)


def _with_residual(weights: Tensor) -> Tensor:
    """Average the attention (U, N, N') of the first N tokens with the identity, for the residual connection."""
    own = torch.eye(weights.shape[1], weights.shape[2], dtype=weights.dtype, device=weights.device)
    return (weights + own) / 2


def plot_attention(frames: np.ndarray, attention: np.ndarray, weights: np.ndarray | None, title: str) -> Figure:
    """Plot the frames (T, H, W, 3) uint8 RGB of a view with the attention (T, h, w) overlaid, and bars of weights.

    The weights (T,) are None without a temporal Transformer.
    """
    rows = -(-len(frames) // _COLUMNS)
    columns = min(_COLUMNS, len(frames))
    figure = Figure(figsize=(1.5 * columns + .8, 1.75 * rows + (2.2 if weights is not None else .6)),
                    layout='constrained')
    grid = figure.add_gridspec(rows + (weights is not None), columns, height_ratios=[1.] * rows + [.9] * (
        weights is not None))
    for number, (frame, patches) in enumerate(zip(frames, attention, strict=True)):
        axis = figure.add_subplot(grid[number // columns, number % columns])
        axis.imshow(overlay(frame, patches))
        axis.set_title(f'frame {number + 1}', fontsize=7)
        axis.axis('off')
    if weights is not None:
        axis = figure.add_subplot(grid[rows, :])
        axis.bar(range(1, len(frames) + 1), 100 * weights, color='#b5562a')
        axis.axhline(100 * weights.mean(), color='black', linewidth=.6, linestyle=':')
        axis.set_xticks(range(1, len(weights) + 1))
        axis.tick_params(labelsize=7)
        axis.set_xlabel('frame', fontsize=8)
        axis.set_ylabel('% of the\nattention', fontsize=8)
    figure.suptitle(title, fontsize=10)
    return figure


def overlay(frame: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Overlay attention (h, w) of patches on a frame (H, W, 3) uint8 RGB: none where lowest, red where highest."""
    height, width = frame.shape[:2]
    ratios = cv2.resize(((attention - attention.min()) / (np.ptp(attention) or 1)).astype(np.float32), (width, height),
                        interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None]
    color = cv2.cvtColor(cv2.applyColorMap((255 * ratios[..., 0]).astype(np.uint8), cv2.COLORMAP_JET),
                         cv2.COLOR_BGR2RGB)
    return (frame * (1 - .6 * ratios) + color * .6 * ratios).astype(np.uint8)


def described_scores(scores: Sequence[float], classes: Sequence[str]) -> str:
    """Describe the three highest scores in words."""
    best = sorted(zip(scores, classes, strict=True), reverse=True)[:3]
    return ', '.join(f'{name} {100 * score:.0f} %' for score, name in best)
