"""Images and plots of a run."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.dist import get_rank, get_world_size, is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from claip_emo_mm.engine.hooks.checks import dataset_classes
from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.evaluation.metrics import are_probabilities
from claip_emo_mm.structures import is_skipped
from claip_emo_mm.utils.io import atomic_write
from claip_emo_mm.visualization.plots import plot_confusion_matrix, plot_training_curves, read_scalars, write_figure

_FRAMES = 6
_SIDE = 128  # pixels of a frame in the plot
_LINE = 22  # pixels of a line of text


@HOOKS.register_module()
class ClipVisualizationHook(Hook):
    """Make one plot of a tested clip: some of its frames, its true class and its three best scores.

    MMAction2's own VisualizationHook expects one tensor a clip and cannot draw samples with frames and audio.

    Args:
        enable: whether to do anything; the command line turns it on.
        interval: make a plot of every n-th clip.
        out_dir: folder for the png files; None writes none.
        show: whether to open a window for each plot.
        wait_time: seconds for which a window stays; 0 waits for a key.
    """

    def __init__(self, enable: bool = False, interval: int = 1, out_dir: str | None = None, show: bool = False,
                 wait_time: float = 2.) -> None:
        check_whole(self, interval=interval)
        self.enable = enable
        self.interval = interval
        self.out_dir = out_dir
        self.show = show
        self.wait_time = wait_time

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict[str, Any],
                        outputs: Sequence[ActionDataSample]) -> None:
        if not self.enable:
            return
        classes = dataset_classes(runner.test_dataloader)
        first = batch_idx * runner.test_dataloader.batch_size
        for position, sample in enumerate(outputs):
            number = (first + position) * get_world_size() + get_rank()
            if number % self.interval or is_skipped(sample):
                continue
            plot = render_clip(_frames(data_batch['inputs'], position), sample, classes)
            if self.out_dir is not None:
                path = sample.get('filename') or sample.get('frame_dir') or sample.get('audio_path') or 'clip'
                name = Path(path).stem
                with atomic_write(Path(self.out_dir) / f'{number:06}_{name}.png') as split:
                    split.write_bytes(cv2.imencode('.png', plot)[1].tobytes())
            if self.show:
                self._show(plot)

    def _show(self, plot: np.ndarray) -> None:
        try:
            cv2.imshow('clip', plot)
            cv2.waitKey(int(1000 * self.wait_time))
        except cv2.error as error:
            raise InputError(f'--show: no window can be opened here ({str(error).strip()}). Write the plots to a '
                             'folder with --show-dir DIR.') from error


def _frames(inputs: Any, position: int) -> Tensor | None:
    """Frames (U, 3, H, W) of a clip, from our packed inputs or MMAction2's; None where there are none."""
    if isinstance(inputs, Mapping):
        return inputs['frames'][position] if 'frames' in inputs else None
    packed = inputs[position]  # of MMAction2: (V*T, 3, H, W), (V, 3, T, H, W), or (V, 1, M, F) of audio
    if packed.ndim == 5:
        packed = packed.transpose(1, 2).flatten(0, 1)
    return packed if packed.shape[1] == 3 else None


def best_scores(scores: Tensor, classes: Sequence[str]) -> list[str]:
    """The three highest of the scores (K,) in words; logits, which recognizers of MMAction2 may give, are no
    percent.
    """
    whole = are_probabilities(scores[None].float().cpu().numpy())
    return [f'{classes[best]}  ' + (f'{100 * float(scores[best]):.1f} %' if whole else f'{float(scores[best]):.2f}')
            for best in scores.argsort(descending=True)[:3]]


def render_clip(frames: Tensor | None, sample: ActionDataSample, classes: Sequence[str]) -> np.ndarray:
    """Draw some frames of a clip side by side, with the true class and the best scores under them.

    Args:
        frames: (U, 3, H, W), uint8, RGB; None for a clip of audio alone.
        sample: with `gt_label`, and `pred_score` (K,).
        classes: K names.
    Returns: (height, width, 3) uint8 plot in OpenCV's BGR order.
    """
    text = np.full((4 * _LINE + 10, _FRAMES * _SIDE, 3), 255, np.uint8)
    lines = [f'true: {classes[int(sample.gt_label)]}', *best_scores(sample.pred_score, classes)]
    for row, line in enumerate(lines, start=1):
        cv2.putText(text, line, (8, row * _LINE), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    if frames is None:
        return text
    strip = np.full((_SIDE, _FRAMES * _SIDE, 3), 255, np.uint8)
    shown = np.unique(np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int))
    for column, index in enumerate(shown):
        image = frames[index].permute(1, 2, 0).cpu().numpy()  # (H, W, 3)
        strip[:, column * _SIDE:(column + 1) * _SIDE] = cv2.resize(image, (_SIDE, _SIDE))[..., ::-1]
    return np.concatenate([strip, text])


@HOOKS.register_module()
class TrainingPlotHook(Hook):
    """Write `curves.png`, `confusion/val_epoch_<n>.png` and `confusion/test.png` into the work folder.

    The matrices are those of metrics that keep their last one as `confusion` (EmotionMetric does); that of a metric for
    one split of the clips has the split's name at the end of its own.
    """

    priority = 'LOWEST'

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._plot_confusion(runner, runner.val_loop, f'val_epoch_{runner.epoch}', metrics)

    @master_only
    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._plot_confusion(runner, runner.test_loop, 'test', metrics)

    def after_train(self, runner: Runner) -> None:
        if is_main_process():
            paths = sorted(Path(runner.work_dir).glob('*/vis_data/scalars.json'))  # folders are named by their time
            write_figure(Path(runner.work_dir, 'curves.png'), plot_training_curves(read_scalars(paths)))

    def _plot_confusion(self, runner: Runner, loop: Any, name: str, metrics: dict[str, float] | None) -> None:
        for metric in loop.evaluator.metrics:
            matrix: np.ndarray | None = getattr(metric, 'confusion', None)
            if matrix is not None:
                classes = dataset_classes(loop.dataloader) or [str(number) for number in range(len(matrix))]
                prefix = f'{metric.prefix}/' if getattr(metric, 'prefix', None) else ''
                title = '   '.join(f'{key} {metrics[prefix + key]:.2f}' for key in ('WAR', 'UAR')
                                   if prefix + key in (metrics or {}))
                split = getattr(metric, 'split', None)
                write_figure(Path(runner.work_dir, 'confusion', f'{name}_{split}.png' if split else f'{name}.png'),
                             plot_confusion_matrix(matrix, classes, title))
