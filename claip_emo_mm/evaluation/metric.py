"""The metric of emotion recognition for MMEngine's runner."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from claip_emo_mm.errors import InputError, check_whole
from claip_emo_mm.evaluation.metrics import (
    EmotionMetrics,
    are_probabilities,
    check_scores,
    emotion_metrics,
    select_classes,
)
from claip_emo_mm.evaluation.predictions import ClipScores
from claip_emo_mm.evaluation.tables import metrics_table
from claip_emo_mm.evaluation.votes import VotesMetrics, votes_metrics, votes_table
from claip_emo_mm.structures import SKIP_REASON, VOTES, clip_name


@dataclass(frozen=True)
class _ClipResult:
    """Result of a clip on its rank; a skipped clip has neither label nor scores (K,), but keeps its place."""
    name: str  # file or folder, else the number in the data set, else 'None'
    split: str | None  # of `NamedConcatDataset`
    label: int | None = None
    scores: np.ndarray | None = None
    votes: np.ndarray | None = None  # (3, K) of people, see `datasets.votes`


@METRICS.register_module()
class EmotionMetric(BaseMetric):
    """WAR, UAR, F1, top 2 and calibration error in percent, over every clip exactly once, whatever the number of ranks.

    Gives `WAR`, `UAR`, `F1_macro`, `F1_weighted`, `top2` and, where the scores are probabilities, `ECE`; logs a table
    with each class's recall and precision and the confusion matrix. Clips that a sampler repeats to fill the last
    batches, and those that the data set skips (`on_error='skip'`), do not count. Samples of any MMAction2 recognizer
    with `gt_label` and `pred_score` will do. The main process keeps `metrics`, `clips` (scores) and `confusion`.
    Where every clip has votes of people (`CorpusDataset` of CREMA-D), a table compares these with the model, `votes`
    keeps it, and there are `CE_both`, `JSD_both`, `majority_both` and the same for voice and face.

    Args:
        n_bootstrap: samples of the clips for 95 % bootstrap intervals, stratified by class; 0 for none.
        seed: of these samples.
        split: name of the only split of `NamedConcatDataset` to evaluate; None for all clips.
        classes: names of the only classes that count, two at least: scores of others are dropped, and those of each
            clip sum to 1 again. None for all classes.
        collect_device: 'cpu' or 'gpu', through which the ranks' results are collected.
        prefix: put before the names of the metrics, with a slash.
        collect_dir: folder that all ranks can reach, for collecting through the CPU.
    Raises:
        InputError: `n_bootstrap` is negative.
    """

    takes_skipped_clips = True

    def __init__(self, n_bootstrap: int = 0, seed: int = 0, split: str | None = None,
                 classes: Sequence[str] | None = None, collect_device: str = 'cpu', prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix or 'none', collect_dir=collect_dir)
        check_whole(self, least=0, seed=seed, n_bootstrap=n_bootstrap)
        self.prefix = prefix  # only now: MMEngine warns of a metric without a prefix, but `WAR` is what people look for
        self.n_bootstrap = n_bootstrap
        self.seed = seed
        self.split = split
        self.only = None if classes is None else tuple(classes)
        self.metrics: EmotionMetrics | None = None
        self.clips: ClipScores | None = None
        self.votes: dict[str, VotesMetrics] | None = None

    @property
    def confusion(self) -> np.ndarray | None:
        """(K, K) clips by true and predicted class, for the plot."""
        return None if self.metrics is None else self.metrics.recalls.confusion

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the name, label and scores (K,) of each clip, and the place of a skipped one."""
        for sample in data_samples:
            if SKIP_REASON in sample:
                # Ranks take turns in what is collected, and None is taken out of it: the others would move up.
                self.results.append(_ClipResult(clip_name(sample), sample.get('split')))
                continue
            if 'gt_label' not in sample:
                raise InputError('EmotionMetric: a clip without a label. Evaluate on a data set with labels; '
                                 'tools/infer.py gives the scores of any video.')
            if 'pred_score' not in sample:
                raise InputError(f'EmotionMetric: the model gives no pred_score (found: {", ".join(sample)}). Use a '
                                 "recognizer that gives one score a class, as MMAction2's do.")
            label = torch.as_tensor(sample['gt_label'])
            if label.numel() != 1:
                raise InputError(f'EmotionMetric: a clip with {label.numel()} labels. Expected one a clip; for several '
                                 "use MMAction2's AccMetric.")
            self.results.append(_ClipResult(clip_name(sample), sample.get('split'), int(label),
                                            sample['pred_score'].detach().float().cpu().numpy(), sample.get(VOTES)))

    def compute_metrics(self, results: list[_ClipResult]) -> dict[str, float]:
        """Compute the metrics over all clips.

        Raises:
            InputError: scores are not finite, there are more or fewer of them than classes, or there is no clip.
        """
        self.clips = self._gather(results)
        self.metrics = emotion_metrics(self.clips.labels, self.clips.scores, self.n_bootstrap, self.seed)
        title = 'Metrics' if self.split is None else f'Metrics of {self.split}'
        print_log(f'{title}\n{metrics_table(self.metrics, self.clips.classes)}', logger='current', level=logging.INFO)
        if self.votes is None:
            return self.metrics.scalars()
        print_log(votes_table(self.votes, self.metrics.recalls.war), logger='current', level=logging.INFO)
        return self.metrics.scalars() | {name: value for modality, found in self.votes.items()
                                         for name, value in found.scalars(modality).items()}

    def _select_split(self, results: list[_ClipResult]) -> list[_ClipResult]:
        splits = (self.dataset_meta or {}).get('splits') or {}
        if self.split not in splits:
            raise InputError(f'EmotionMetric: split={self.split!r}, but the data set has '
                             f'{", ".join(splits) or "no splits"}. Give the loader '
                             "dataset=dict(type='NamedConcatDataset', splits=...) with a split of this name.")
        start, stop = splits[self.split]  # collected in the order of the data set
        found = results[start:stop]
        others = [result for result in found if result.split not in (None, self.split)]
        if others:
            raise InputError(f'EmotionMetric: split={self.split!r}: {others[0].name} is of the split '
                             f'{others[0].split}, but stands among its clips: they do not come in the order of the '
                             "data set. Give the loader sampler=dict(type='DefaultSampler', shuffle=False).")
        return found

    def _gather(self, results: list[_ClipResult]) -> ClipScores:
        if self.split is not None:
            results = self._select_split(results)
        total = len(results)
        results = [(str(place) if result.name == 'None' else result.name, result)  # the data set has no names
                   for place, result in enumerate(results) if result.scores is not None]
        if not results:
            raise InputError(f'EmotionMetric: not one of {total} clips could be read, so there is nothing to evaluate. '
                             'The log says why; tools/check_data.py finds out more.')
        if len(results) < total:
            print_log(f'EmotionMetric: {total - len(results)} of {total} clips could not be read and do not count',
                      logger='current', level=logging.WARNING)
        scores = np.stack([result.scores for _, result in results])  # (clips, K)
        check_scores(scores, 'EmotionMetric', names=[name for name, _ in results])
        classes = (self.dataset_meta or {}).get('classes') or [str(label) for label in range(scores.shape[1])]
        if len(classes) != scores.shape[1]:
            raise InputError(f'EmotionMetric: the model gives {scores.shape[1]} scores, the data set has '
                             f'{len(classes)} classes ({", ".join(classes)}). Set cls_head.num_classes={len(classes)}.')
        labels = np.array([result.label for _, result in results])
        if self.only is not None:
            labels, scores, classes = select_classes(labels, scores, classes, self.only)
        self.votes = None
        if all(result.votes is not None for _, result in results) and are_probabilities(scores):
            self.votes = votes_metrics(labels, scores, np.stack([result.votes for _, result in results]))
        return ClipScores(tuple(name for name, _ in results), labels, scores, tuple(classes))
