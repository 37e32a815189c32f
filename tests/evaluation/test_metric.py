import logging
from pathlib import Path

import pytest
import torch
from clean_forks import PROCESSES
from mmaction.registry import METRICS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from rank_components import evaluate_a_rank

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import EmotionMetric

LABELS = [1, 0, 2, 0, 0]  # of five clips
TAKEN_FOR = [0, 0, 2, 0, 0]  # only the first, which a sampler for two ranks shows twice, is wrong


def clip(index: int) -> dict:
    return dict(gt_label=torch.tensor([LABELS[index]]), pred_score=torch.eye(3)[TAKEN_FOR[index]])


def test_one_process() -> None:
    evaluator = Evaluator(METRICS.build(dict(type='EmotionMetric')))
    evaluator.dataset_meta = dict(classes=['happy', 'sad', 'neutral'])
    evaluator.process([clip(index) for index in range(5)])
    # F1: happy 2*3/(3+4), sad 0, neutral 1
    # Sure of each clip, wrong in one of five; its class and the third one have the same score: the former is second
    expected = dict(WAR=80.0, UAR=200 / 3, F1_macro=100 * (6 / 7 + 1) / 3, F1_weighted=100 * (3 * 6 / 7 + 1) / 5,
                    top2=100.0, ECE=20.0)
    assert evaluator.evaluate(size=5) == pytest.approx(expected)


def test_any_number_of_ranks_gives_the_same(tmp_path: Path) -> None:
    found = {}
    for ranks in (1, 2, 3):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        results = PROCESSES.Queue()
        processes = [PROCESSES.Process(target=evaluate_a_rank, args=(rank, ranks, folder, results), daemon=True)
                     for rank in range(ranks)]
        for process in processes:
            process.start()
        found[ranks] = sorted((results.get(timeout=120) for _ in processes), key=lambda result: result[0])
        for process in processes:
            process.join(timeout=60)
    shown = {ranks: [count for _, count, _, _ in results] for ranks, results in found.items()}
    assert shown == {1: [101], 2: [51, 51], 3: [34, 34, 34]}  # with copies of the first clips
    every = [metrics for results in found.values() for _, _, metrics, _ in results]
    assert len(every) == 6 and every == every[:1] * 6  # to the last bit
    details = [results[0][3] for results in found.values()]
    assert details == details[:1] * 3
    assert details[0][1] == tuple(map(str, range(101)))


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
    with pytest.raises(InputError, match='no pred_score .found: gt_label'):
        metric.process(None, [dict(gt_label=torch.tensor([1]))])
    with pytest.raises(InputError, match='a clip with 2 labels'):
        metric.process(None, [dict(clip(0), gt_label=torch.tensor([0, 1]))])
    with pytest.raises(InputError, match='n_bootstrap is -1. Expected at least 0'):
        EmotionMetric(n_bootstrap=-1)


def test_keeps_what_a_test_stores() -> None:
    metric = EmotionMetric(n_bootstrap=3)
    metric.dataset_meta = dict(classes=['happy', 'sad', 'neutral'])
    metric.process(None, [dict(clip(index), filename=f'{index}.mp4') for index in (1, 0)] + [clip(2)])
    metric.evaluate(size=3)
    assert metric.clips.names == ('1.mp4', '0.mp4', '2')
    assert metric.clips.labels.tolist() == [0, 1, 2]
    assert metric.metrics.n_bootstrap == 3 and set(metric.metrics.intervals) >= {'WAR', 'UAR'}
    assert metric.confusion.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_takes_the_samples_of_mmaction() -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        head = MODELS.build(dict(type='TSNHead', num_classes=3, in_channels=4, average_clips='prob'))
    samples = head.predict(torch.rand(2, 4, 1, 1), [ActionDataSample().set_gt_label(label) for label in (2, 0)],
                           num_segs=1)
    evaluator = Evaluator(METRICS.build(dict(type='EmotionMetric')))
    evaluator.process(samples)
    assert set(evaluator.evaluate(size=2)) == {'WAR', 'UAR', 'F1_macro', 'F1_weighted', 'top2', 'ECE'}
