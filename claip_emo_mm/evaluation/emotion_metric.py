"""The metric of emotion recognition for MMEngine's runner."""
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from claip_emo_mm.datasets.skipped_clips import SKIP_REASON
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.recall import recall_figures
from claip_emo_mm.evaluation.recall_table import recall_table


@METRICS.register_module()
class EmotionMetric(BaseMetric):
    """WAR, UAR and F1 in percent, over every clip exactly once, whatever the number of ranks.

    Gives `WAR`, `UAR`, `F1_macro` and `F1_weighted`, and logs each class's recall and the confusion matrix. The ranks'
    clips are collected first, those that a sampler added to fill the last batches are dropped, and the figures are
    computed once. Clips that the data set leaves out of a batch (`on_error='skip'`) have no scores and do not count;
    the log says how many they are.

    Args:
        collect_device: 'cpu' or 'gpu', through which the ranks' results are collected.
        prefix: put before the names of the figures, with a slash.
        collect_dir: folder that all ranks can reach, for collecting through the CPU.
    """

    def __init__(self, collect_device: str = 'cpu', prefix: str | None = None, collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix or 'none', collect_dir=collect_dir)
        self.confusion: np.ndarray | None = None
        self.prefix = prefix  # only now: MMEngine warns of a metric without a prefix, but `WAR` is what people look for

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the label and the scores (K,) of each clip, and the place of one that has none."""
        for sample in data_samples:
            if SKIP_REASON in sample:
                self.results.append(None)  # ranks take turns in what is collected: the others must not move up
                continue
            if 'gt_label' not in sample:
                raise InputError('EmotionMetric: a clip without a label. Evaluate on a data set with labels; '
                                 'tools/infer.py gives the scores of any video.')
            self.results.append((int(sample['gt_label']), sample['pred_score'].float().cpu().numpy()))

    def compute_metrics(self, results: list[tuple[int, np.ndarray] | None]) -> dict[str, float]:
        """Compute the figures over all clips.

        Raises:
            InputError: scores are not finite, there are more or fewer of them than classes, or there is no clip.
        """
        whole = len(results)
        results = [result for result in results if result is not None]
        if not results:
            raise InputError(f'EmotionMetric: not one of {whole} clips could be read, so there is nothing to evaluate. '
                             'The log says why; tools/check_data.py finds out more.')
        if len(results) < whole:
            print_log(f'EmotionMetric: {whole - len(results)} of {whole} clips could not be read and do not count',
                      logger='current', level=logging.WARNING)
        labels = np.array([label for label, _ in results])
        scores = np.stack([scores for _, scores in results])  # (clips, K)
        broken = int((~np.isfinite(scores)).any(axis=1).sum())
        if broken:
            raise InputError(f'EmotionMetric: the scores of {broken} of {len(scores)} clips are not finite. The '
                             'training diverged, or the checkpoint is broken: lower the learning rate '
                             '(optim_wrapper.optimizer.lr) or start from an earlier checkpoint.')
        classes = (self.dataset_meta or {}).get('classes') or [str(label) for label in range(scores.shape[1])]
        if len(classes) != scores.shape[1]:
            raise InputError(f'EmotionMetric: the model gives {scores.shape[1]} scores, the data set has '
                             f'{len(classes)} classes ({", ".join(classes)}). Set cls_head.num_classes={len(classes)}.')
        figures = recall_figures(labels, scores.argmax(axis=1), len(classes))
        self.confusion = figures.confusion  # (K, K), for the picture
        print_log(f'Recall of each class\n{recall_table(figures, classes)}', logger='current', level=logging.INFO)
        return dict(WAR=figures.war, UAR=figures.uar, F1_macro=figures.f1_macro, F1_weighted=figures.f1_weighted)
