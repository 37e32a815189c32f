import logging
import multiprocessing
from pathlib import Path

import pytest
import torch
import torch.distributed
from mmaction.registry import METRICS
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import EmotionMetric

LABELS = [1, 0, 2, 0, 0]  # of five clips
TAKEN_FOR = [0, 0, 2, 0, 0]  # only the first, which a sampler for two ranks shows twice, is wrong


def clip(index: int) -> dict:
    return dict(gt_label=torch.tensor([LABELS[index]]), pred_score=torch.eye(3)[TAKEN_FOR[index]])


def evaluate_a_rank(rank: int, folder: Path, results: multiprocessing.Queue) -> None:
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    metric = EmotionMetric(collect_dir=str(folder / 'parts'))
    shown = list(DefaultSampler(LABELS, shuffle=False))
    metric.process(None, [clip(index) for index in shown[:2]])
    metric.process(None, [clip(index) for index in shown[2:]])
    results.put((rank, shown, metric.evaluate(size=len(LABELS))))


def test_one_process() -> None:
    evaluator = Evaluator(METRICS.build(dict(type='EmotionMetric')))
    evaluator.dataset_meta = dict(classes=['happy', 'sad', 'neutral'])
    evaluator.process([clip(index) for index in range(5)])
    # F1: happy 2*3/(3+4), sad 0, neutral 1
    expected = dict(WAR=80.0, UAR=200 / 3, F1_macro=100 * (6 / 7 + 1) / 3, F1_weighted=100 * (3 * 6 / 7 + 1) / 5)
    assert evaluator.evaluate(size=5) == pytest.approx(expected)


def test_two_ranks_count_every_clip_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context('fork')  # a fresh process would need seconds for its imports
    results = context.Queue()
    ranks = [context.Process(target=evaluate_a_rank, args=(rank, tmp_path, results)) for rank in range(2)]
    for process in ranks:
        process.start()
    found = sorted((results.get(timeout=60) for _ in ranks), key=lambda result: result[0])
    for process in ranks:
        process.join(timeout=60)
    assert [shown for _, shown, _ in found] == [[0, 2, 4], [1, 3, 0]]
    assert [figures['WAR'] for _, _, figures in found] == pytest.approx([80.0, 80.0])


def test_log_shows_each_class(caplog: pytest.LogCaptureFixture) -> None:
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    metric = METRICS.build(dict(type='EmotionMetric', prefix='val'))
    metric.dataset_meta = dict(classes=['happy', 'sad', 'neutral'])
    metric.process(None, [clip(1)])
    with caplog.at_level(logging.INFO):
        assert metric.evaluate(size=1)['val/WAR'] == 100.0
    logger.removeHandler(caplog.handler)
    assert 'No clips of sad, neutral' in caplog.text and 'happy' in caplog.text


def test_no_warning_about_the_missing_prefix(capsys: pytest.CaptureFixture) -> None:
    EmotionMetric()
    output = capsys.readouterr()
    assert 'prefix' not in output.out + output.err


def test_bad_scores() -> None:
    metric = EmotionMetric()
    metric.dataset_meta = dict(classes=['a', 'b'])
    metric.process(None, [clip(0)])
    with pytest.raises(InputError, match=r'3 scores, the data set has 2 classes \(a, b\)'):
        metric.evaluate(size=1)
    metric = EmotionMetric()
    metric.process(None, [clip(0), dict(clip(1), pred_score=torch.tensor([1.0, float('nan'), 0.0]))])
    with pytest.raises(InputError, match='scores of 1 of 2 clips are not finite'):
        metric.evaluate(size=2)
    with pytest.raises(InputError, match='a clip without a label'):
        metric.process(None, [dict(pred_score=torch.ones(2))])
