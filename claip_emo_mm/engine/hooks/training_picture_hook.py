"""Draws the curves when a training ends, and a confusion matrix after every evaluation."""
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import HOOKS
from mmengine.dist import is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from claip_emo_mm.engine.hooks.class_names_hook import dataset_classes
from claip_emo_mm.visualization.confusion_picture import draw_confusion_matrix
from claip_emo_mm.visualization.figure_files import write_figure
from claip_emo_mm.visualization.training_curves import draw_training_curves, read_scalars


@HOOKS.register_module()
class TrainingPictureHook(Hook):
    """Write `curves.png`, `confusion/val_epoch_<n>.png` and `confusion/test.png` into the work folder.

    The matrices are those of metrics that keep their last one as `confusion` (EmotionMetric does); that of a metric for
    one part of the clips has the part's name at the end of its own.
    """

    priority = 'LOWEST'

    @master_only
    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._draw_confusion(runner, runner.val_loop, f'val_epoch_{runner.epoch}', metrics)

    @master_only
    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._draw_confusion(runner, runner.test_loop, 'test', metrics)

    def after_train(self, runner: Runner) -> None:
        if is_main_process():
            paths = sorted(Path(runner.work_dir).glob('*/vis_data/scalars.json'))  # folders are named by their time
            write_figure(Path(runner.work_dir, 'curves.png'), draw_training_curves(read_scalars(paths)))

    def _draw_confusion(self, runner: Runner, loop: Any, name: str, metrics: dict[str, float] | None) -> None:
        for metric in loop.evaluator.metrics:
            matrix: np.ndarray | None = getattr(metric, 'confusion', None)
            if matrix is not None:
                classes = dataset_classes(loop.dataloader) or [str(number) for number in range(len(matrix))]
                prefix = f'{metric.prefix}/' if getattr(metric, 'prefix', None) else ''
                title = '   '.join(f'{key} {metrics[prefix + key]:.2f}' for key in ('WAR', 'UAR')
                                   if prefix + key in (metrics or {}))
                part = getattr(metric, 'part', None)
                write_figure(Path(runner.work_dir, 'confusion', f'{name}_{part}.png' if part else f'{name}.png'),
                             draw_confusion_matrix(matrix, classes, title))
