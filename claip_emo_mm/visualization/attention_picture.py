"""Where the visual tower looks in each frame, and which frames the temporal Transformer reads."""
from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.figure import Figure

_COLUMNS = 8


def draw_attention(frames: np.ndarray, looks: np.ndarray, weights: np.ndarray | None, title: str) -> Figure:
    """Draw the frames of a view with what is looked at as a warm overlay, and a bar of each frame's weight.

    Args:
        frames: (T, H, W, 3) uint8 RGB.
        looks: (T, h, w) share of the class token's attention for each patch.
        weights: (T,) shares of the class token's attention among the frames; None without temporal Transformer.
        title: above the picture.
    """
    rows = -(-len(frames) // _COLUMNS)
    columns = min(_COLUMNS, len(frames))
    figure = Figure(figsize=(1.5 * columns + .8, 1.75 * rows + (2.2 if weights is not None else .6)),
                    layout='constrained')
    grid = figure.add_gridspec(rows + (weights is not None), columns, height_ratios=[1.] * rows + [.9] * (
        weights is not None))
    for number, (frame, look) in enumerate(zip(frames, looks, strict=True)):
        axis = figure.add_subplot(grid[number // columns, number % columns])
        axis.imshow(overlay(frame, look))
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


def overlay(frame: np.ndarray, look: np.ndarray) -> np.ndarray:
    """Lay the attention over a frame, (H, W, 3) uint8: nothing where it is lowest, red where it is highest.

    Args:
        frame: (H, W, 3) uint8 RGB.
        look: (h, w) attention of the patches.
    """
    height, width = frame.shape[:2]
    spread = np.ptp(look)
    shares = cv2.resize(((look - look.min()) / (spread if spread else 1)).astype(np.float32), (width, height),
                        interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None]
    colour = cv2.cvtColor(cv2.applyColorMap((255 * shares[..., 0]).astype(np.uint8), cv2.COLORMAP_JET),
                          cv2.COLOR_BGR2RGB)
    return (frame * (1 - .6 * shares) + colour * .6 * shares).astype(np.uint8)


def described_scores(scores: Sequence[float], classes: Sequence[str]) -> str:
    """The three highest scores in words."""
    best = sorted(zip(scores, classes, strict=True), reverse=True)[:3]
    return ', '.join(f'{name} {100 * score:.0f} %' for score, name in best)
