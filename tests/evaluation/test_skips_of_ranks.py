"""Clips that are skipped, evaluated by one process and by several."""
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from clean_forks import PROCESSES
from mmaction.evaluation import AccMetric
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from rank_components import BROKEN, TESTED, evaluate_skips, truth, write_lists

from claip_emo_mm.engine.hooks.checks import SkippedClipsHook
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import EmotionMetric


def test_any_number_of_ranks_gives_the_same(tmp_path: Path) -> None:
    write_lists(tmp_path / 'lists')
    found = {}
    for ranks in (1, 2, 3):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        results = PROCESSES.Queue()
        processes = [PROCESSES.Process(target=evaluate_skips, args=(rank, ranks, folder, tmp_path / 'lists', results),
                                       daemon=True) for rank in range(ranks)]
        for process in processes:
            process.start()
        found[ranks] = sorted((results.get(timeout=300) for _ in processes), key=lambda result: result[0])
        for process in processes:
            process.join(timeout=60)
    assert {ranks: [shown for _, shown, _, _ in results] for ranks, results in found.items()} == {
        1: [101], 2: [51, 51], 3: [34, 34, 34]}  # with copies of the first clips, which are skipped
    metrics = [metrics for results in found.values() for _, _, metrics, _ in results]
    details = [results[0][3] for results in found.values()]
    assert metrics == metrics[:1] * 6 and details == details[:1] * 3

    readable = [number for number in range(101) if number not in BROKEN]
    splits = [readable, [number for number in readable if number < TESTED],
             [number for number in readable if number >= TESTED]]
    names, dumped, said, listed = details[0]
    assert names == [[f'{number:03}.mp4' for number in split] for split in splits]
    assert dumped == [f'{number:03}.mp4' for number in range(101)]
    for prefix, split in zip(('', 'test/', 'val/'), splits, strict=True):
        right = sum(truth(number)[0] == int(truth(number)[1].argmax()) for number in split)
        assert metrics[0][f'{prefix}WAR'] == pytest.approx(100 * right / len(split))
    assert said[:3] == [f'EmotionMetric: {skipped} of {clips} clips could not be read and do not count'
                        for skipped, clips in ((7, 101), (5, 70), (2, 31))]
    assert said[3].startswith('test: 7 clips could not be read and were skipped:\n  000.mp4: no frames\n')
    assert len(said) == 5 and listed.count('no frames') == 7


def sample(number: int, **metadata: object) -> dict:
    return dict(gt_label=torch.tensor([0]), pred_score=torch.tensor([.6, .4]), filename=f'{number}.mp4', **metadata)


def test_splits_in_another_order_are_refused() -> None:
    metric = EmotionMetric(split='val')
    metric.dataset_meta = dict(classes=['a', 'b'], splits=dict(test=(0, 1), val=(1, 2)))
    metric.process(None, [sample(0, split='val'), sample(1, split='test')])  # as a sampler that shuffles gives them
    with pytest.raises(InputError, match="split='val': 1.mp4 is of the split test, but stands among its clips"):
        metric.evaluate(2)


def test_clips_without_names_keep_their_numbers() -> None:
    metric = EmotionMetric()
    nameless = dict(gt_label=torch.tensor([0]), pred_score=torch.tensor([.6, .4]))
    metric.process(None, [nameless, dict(skip_reason='cut off', gt_label=torch.tensor([0])), nameless])
    metric.evaluate(3)
    assert metric.clips.names == ('0', '2')


def test_metrics_that_know_no_skipped_clips_are_refused() -> None:
    readable = ActionDataSample(metainfo=dict(filename='a.mp4')).set_gt_label(0)
    skipped = ActionDataSample(metainfo=dict(filename='b.mp4', skip_reason='b.mp4: cut off')).set_gt_label(0)
    runner = SimpleNamespace(val_evaluator=Evaluator([EmotionMetric(), AccMetric()]))
    SkippedClipsHook().before_val_iter(runner, 0, dict(data_samples=[readable]))
    with pytest.raises(InputError, match=r"b.mp4: cut off .on_error='skip' skips it, but AccMetric needs"):
        SkippedClipsHook().before_val_iter(runner, 0, dict(data_samples=[readable, skipped]))
