"""One of several processes that evaluate 101 clips together, for test_emotion_metric.py and test_skips_of_ranks.py."""
import csv
import logging
import pickle
from multiprocessing.queues import Queue
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.distributed
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.logging import MMLogger
from torch.utils.data import DataLoader

from claip_emo_mm.engine import SkippedClipsHook
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import EmotionMetric
from claip_emo_mm.structures import is_skipped

CLASSES = ['a', 'b', 'c', 'd', 'e']
BROKEN = (0, 1, 2, 45, 46, 70, 100)  # the first of both splits, neighbors, the last
TESTED = 70


def evaluate_a_rank(rank: int, ranks: int, folder: Path, results: Queue) -> None:
    """Evaluate the split of 101 random clips that a sampler gives this rank, in batches of 4."""
    if ranks > 1:
        torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=ranks)
    generator = torch.Generator().manual_seed(7)
    scores, labels = torch.rand(101, 5, generator=generator).softmax(1), torch.randint(5, (101, 1), generator=generator)
    metric = EmotionMetric(n_bootstrap=20, collect_dir=str(folder / 'splits'))
    shown = list(DefaultSampler(range(101), shuffle=False))
    for start in range(0, len(shown), 4):
        metric.process(None, [dict(gt_label=labels[index], pred_score=scores[index], sample_idx=index)
                              for index in shown[start:start + 4]])
    values = metric.evaluate(size=101)
    details = None if rank else (metric.metrics.details(metric.clips.classes), metric.clips.names)
    results.put((rank, len(shown), values, details))


def truth(number: int) -> tuple[int, torch.Tensor]:
    """Class and scores (5,) of a clip."""
    generator = torch.Generator().manual_seed(number)
    scores = torch.rand(5, generator=generator).softmax(0)
    return int(torch.randint(5, (1,), generator=generator)), scores


def write_lists(folder: Path) -> None:
    """Write `test.csv` with the first 70 of 101 empty clips, and `val.csv` with the others."""
    folder.mkdir()
    for name, numbers in (('test', range(TESTED)), ('val', range(TESTED, 101))):
        rows = [('video', 'label'), *((f'{number:03}.mp4', CLASSES[truth(number)[0]]) for number in numbers)]
        for number in numbers:
            (folder / f'{number:03}.mp4').touch()
        with (folder / f'{name}.csv').open('w', newline='') as file:
            csv.writer(file).writerows(rows)


def pack_number(results: dict) -> dict[str, Any]:
    """A transform that cannot read some clips."""
    number = int(Path(results['filename']).stem)
    if number in BROKEN:
        raise InputError(f'{number:03}.mp4: no frames')
    sample = ActionDataSample(metainfo=dict(filename=results['filename'])).set_gt_label(results['label'])
    return dict(inputs=dict(number=number), data_samples=sample)


def evaluate_skips(rank: int, ranks: int, folder: Path, lists: Path, results: Queue) -> None:
    """Evaluate 101 clips, some of which are skipped: all, each split, the dump and the report of what was skipped."""
    if ranks > 1:
        torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=ranks)
    split = dict(type='mmaction.AudioVisualDataset', data_root=str(lists), classes=CLASSES, pipeline=[pack_number],
                test_mode=True, on_error='skip')
    dataset = DATASETS.build(dict(type='mmaction.NamedConcatDataset', splits={
        name: dict(split, ann_file=f'{name}.csv') for name in ('test', 'val')}))
    metrics = [EmotionMetric(), EmotionMetric(split='test', prefix='test'), EmotionMetric(split='val', prefix='val'),
               DumpResults(str(folder / 'dump.pkl'))]
    for number, metric in enumerate(metrics):
        metric.collect_dir = str(folder / f'collected_{number}')
    logger, said = MMLogger.get_current_instance(), []
    logger.addHandler(handler := logging.Handler(logging.WARNING))
    handler.emit = lambda record: said.append(record.getMessage())
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = dataset.metainfo
    hook, runner = SkippedClipsHook(), SimpleNamespace(logger=logger, work_dir=str(folder), test_evaluator=evaluator)
    shown = 0
    for number, batch in enumerate(DataLoader(dataset, 4, sampler=DefaultSampler(dataset, shuffle=False),
                                              collate_fn=pseudo_collate)):
        hook.before_test_iter(runner, number, batch)
        for sample in batch['data_samples']:
            shown += 1
            if not is_skipped(sample):
                sample.set_pred_score(truth(int(Path(sample.filename).stem))[1])
        evaluator.process(batch['data_samples'], batch)
        hook.after_test_iter(runner, number, batch)
    values = evaluator.evaluate(len(dataset))
    hook.after_test_epoch(runner)
    hook.after_run(runner)
    details = None
    if rank == 0:
        names = [[Path(name).name for name in metric.clips.names] for metric in metrics[:3]]
        dumped = [Path(sample['filename']).name for sample in pickle.loads((folder / 'dump.pkl').read_bytes())]
        said = [text.replace(str(folder), '') for text in said]
        details = (names, dumped, said, (folder / 'skipped_clips.csv').read_text())
    results.put((rank, shown, values, details))
