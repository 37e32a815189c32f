"""Hooks that plot tested clips, training curves and confusion matrices."""
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
from claip_emo_mm.structures import is_skipped, media_name, top_label
from claip_emo_mm.utils.io import atomic_write

_NUM_FRAMES = 6
_FRAME_SIZE = 128  # px
_LINE_HEIGHT = 22  # px
_MARK = 24  # px, width of the bar that marks right and wrong
_RIGHT, _WRONG = (115, 120, 0), (0, 60, 190)  # BGR, told apart by those who do not see red or green, too


@HOOKS.register_module()
class ClipVisualizationHook(Hook):
    """Plot tested clips: some frames, the true class, the three best scores, and whether the best one is right.

    The names of the files say it as well: ``000012_wrong_NAME.png``.

    Args:
        enable: whether to plot; the command line turns it on.
        interval: plot every n-th clip.
        out_dir: folder for the png files; None writes none.
        show: whether to open a window for each plot.
        wait_time: seconds for which a window stays; 0 waits for a key.
    Raises:
        InputError: `interval` is no whole number from 1, or no window can be opened.
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
                path = media_name(sample) or 'clip'
                verdict = 'right' if _is_right(sample) else 'wrong'
                with atomic_write(Path(self.out_dir) / f'{number:06}_{verdict}_{Path(path).stem}.png') as temporary:
                    temporary.write_bytes(cv2.imencode('.png', plot)[1].tobytes())
            if not self.show:
                continue
            try:
                cv2.imshow('clip', plot)
                cv2.waitKey(int(1000 * self.wait_time))
            except cv2.error as error:
                raise InputError(f'--show: no window can be opened here ({str(error).strip()}). Write the plots to a '
                                 'folder with --show-dir DIR.') from error


def _frames(inputs: Any, position: int) -> Tensor | None:
    """Frames (U, 3, H, W) of a clip in our packed inputs or MMAction2's; None where there are none."""
    if isinstance(inputs, Mapping):
        return inputs['frames'][position] if 'frames' in inputs else None
    packed = inputs[position]  # of MMAction2: (V*T, 3, H, W), (V, 3, T, H, W), or (V, 1, M, F) of audio
    if packed.ndim == 5:
        packed = packed.transpose(1, 2).flatten(0, 1)
    return packed if packed.shape[1] == 3 else None


def best_scores(scores: Tensor, classes: Sequence[str]) -> list[str]:
    """Format the three highest of the scores (K,): probabilities in percent, logits as they are."""
    in_percent = are_probabilities(scores[None].float().cpu().numpy())
    return [f'{classes[index]}  {100 * score:.1f} %' if in_percent else f'{classes[index]}  {score:.2f}'
            for score, index in zip(*(values.tolist() for values in scores.topk(min(3, len(scores)))), strict=True)]


def render_clip(frames: Tensor | None, sample: ActionDataSample, classes: Sequence[str]) -> np.ndarray:
    """Plot frames (U, 3, H, W) of a clip, uint8 RGB, above the verdict, the true class and the best scores, as BGR."""
    is_right = _is_right(sample)
    color = _RIGHT if is_right else _WRONG
    text = np.full((4 * _LINE_HEIGHT + 10, _NUM_FRAMES * _FRAME_SIZE, 3), 255, np.uint8)
    lines = [f'{"right" if is_right else "WRONG"}, true: {classes[top_label(sample)]}',
             *best_scores(sample.pred_score, classes)]
    for row, line in enumerate(lines, start=1):
        place = (_MARK + 10, row * _LINE_HEIGHT)
        cv2.putText(text, line, place, cv2.FONT_HERSHEY_SIMPLEX, .55, (0, 0, 0) if row > 1 else color,
                    1 if row > 1 else 2, cv2.LINE_AA)
    text[:, :_MARK] = color
    ends = np.array([[(5, 12), (10, 18), (20, 5)]] if is_right else [[(5, 5), (19, 19)], [(19, 5), (5, 19)]])
    cv2.polylines(text, list(ends), False, (255, 255, 255), 3, cv2.LINE_AA)  # a tick or a cross
    if frames is None:
        return text
    strip = np.full((_FRAME_SIZE, _NUM_FRAMES * _FRAME_SIZE, 3), 255, np.uint8)
    shown = np.unique(np.linspace(0, len(frames) - 1, min(_NUM_FRAMES, len(frames))).round().astype(int))
    for column, index in enumerate(shown):
        image = frames[index].permute(1, 2, 0).cpu().numpy()  # (H, W, 3)
        left = column * _FRAME_SIZE
        strip[:, left:left + _FRAME_SIZE] = cv2.resize(image, (_FRAME_SIZE, _FRAME_SIZE))[..., ::-1]
    return np.concatenate([strip, text])


def _is_right(sample: ActionDataSample) -> bool:
    return int(sample.pred_score.argmax()) == top_label(sample)


@HOOKS.register_module()
class TrainingPlotHook(Hook):
    """Write `curves.png`, `confusion/val_epoch_<n>.png` and `confusion/test.png` into the work folder.

    The confusion matrices are those of metrics with an attribute `confusion`, such as EmotionMetric; the file name of a
    metric for one split ends with the name of the split.
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
            from claip_emo_mm.visualization.plots import write_figure  # with all of matplotlib
            from claip_emo_mm.visualization.training_curves import plot_training_curves, read_scalars
            paths = sorted(Path(runner.work_dir).glob('*/vis_data/scalars.json'))  # folders are named by their time
            write_figure(Path(runner.work_dir, 'curves.png'), plot_training_curves(read_scalars(paths)))

    def _plot_confusion(self, runner: Runner, loop: Any, name: str, metrics: dict[str, float] | None) -> None:
        from claip_emo_mm.visualization.plots import plot_confusion_matrix, write_figure
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
