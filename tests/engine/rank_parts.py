"""One of several processes that evaluate 101 clips together, for test_emotion_metric.py."""
from multiprocessing.queues import Queue
from pathlib import Path

import torch
import torch.distributed
from mmengine.dataset import DefaultSampler

from claip_emo_mm.evaluation import EmotionMetric


def evaluate_a_rank(rank: int, ranks: int, folder: Path, results: Queue) -> None:
    """Evaluate the part of 101 random clips that a sampler gives this rank, in batches of 4."""
    if ranks > 1:
        torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=ranks)
    draw = torch.Generator().manual_seed(7)
    scores, labels = torch.rand(101, 5, generator=draw).softmax(1), torch.randint(5, (101, 1), generator=draw)
    metric = EmotionMetric(draws=20, collect_dir=str(folder / 'parts'))
    shown = list(DefaultSampler(range(101), shuffle=False))
    for start in range(0, len(shown), 4):
        metric.process(None, [dict(gt_label=labels[index], pred_score=scores[index], sample_idx=index)
                              for index in shown[start:start + 4]])
    figures = metric.evaluate(size=101)
    details = None if rank else (metric.figures.details(metric.clips.classes), metric.clips.names)
    results.put((rank, len(shown), figures, details))
