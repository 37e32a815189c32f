"""Plots of tested clips."""
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from claip_emo_mm.engine import ClipVisualizationHook
from claip_emo_mm.engine.hooks.plots import best_scores, render_clip
from claip_emo_mm.errors import InputError

CLASSES = ('calm', 'loud', 'odd')


def _sample(name: str) -> ActionDataSample:
    sample = ActionDataSample(metainfo=dict(filename=f'videos/{name}.mp4'))
    sample.set_gt_label(1)
    sample.set_pred_score(torch.tensor([0.2, 0.7, 0.1]))
    return sample


def _runner() -> SimpleNamespace:
    dataset = SimpleNamespace(metainfo=dict(classes=CLASSES))
    return SimpleNamespace(test_dataloader=SimpleNamespace(dataset=dataset, batch_size=2))


def _red(length: int) -> torch.Tensor:
    return torch.tensor([255, 0, 0], dtype=torch.uint8)[:, None, None].expand(length, 3, 5, 7)


def test_writes_every_second_clip(tmp_path: Path) -> None:
    hook = ClipVisualizationHook(enable=True, interval=2, out_dir=str(tmp_path / 'new'))
    for batch, names in enumerate((('a', 'b'), ('c', 'd'), ('e',))):
        data = dict(inputs=dict(frames=[_red(3)] * len(names)))
        hook.after_test_iter(_runner(), batch, data, [_sample(name) for name in names])
    assert sorted(path.name for path in (tmp_path / 'new').iterdir()) == [
        '000000_right_a.png', '000002_right_c.png', '000004_right_e.png']
    plot = cv2.imread(str(tmp_path / 'new' / '000000_right_a.png'))
    assert plot[64, 64].tolist() == [0, 0, 255]  # red, in OpenCV's order


def test_does_nothing_unless_enabled(tmp_path: Path) -> None:
    hook = ClipVisualizationHook(out_dir=str(tmp_path / 'new'))
    hook.after_test_iter(_runner(), 0, dict(inputs=dict(frames=[_red(3)])), [_sample('a')])
    assert not (tmp_path / 'new').exists()


def test_text_only_for_a_clip_without_frames() -> None:
    with_frames, audio_only = render_clip(_red(2), _sample('a'), CLASSES), render_clip(None, _sample('a'), CLASSES)
    assert with_frames.shape[0] - audio_only.shape[0] == 128 and with_frames.shape[1:] == audio_only.shape[1:]
    np.testing.assert_array_equal(with_frames[128:], audio_only)
    assert audio_only.min() < 128  # something is written


def test_right_and_wrong_are_marked_by_name_word_sign_and_color(tmp_path: Path) -> None:
    wrong = _sample('b').set_gt_label(2)
    hook = ClipVisualizationHook(enable=True, out_dir=str(tmp_path))
    hook.after_test_iter(_runner(), 0, dict(inputs=dict(frames=[_red(2)] * 2)), [_sample('a'), wrong])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['000000_right_a.png', '000001_wrong_b.png']
    right, wrong = (cv2.imread(str(path)).astype(int)[128:] for path in sorted(tmp_path.iterdir()))
    assert (right[60, 2] != wrong[60, 2]).any()
    signs = [(plot[:24, :24].min(-1) > 200) for plot in (right, wrong)]
    assert all(30 < sign.sum() < 300 for sign in signs) and (signs[0] != signs[1]).sum() > 30


def test_interval_must_be_positive() -> None:
    with pytest.raises(InputError, match='interval is 0. Expected at least 1'):
        ClipVisualizationHook(interval=0)


@pytest.mark.parametrize(('inputs', 'height'), [
    (_red(3), 226),  # Recognizer2D's
    (_red(6).unflatten(0, (2, 3)).transpose(1, 2), 226),  # Recognizer3D's
    (torch.zeros(2, 1, 8, 4), 98)])  # RecognizerAudio's: text alone
def test_reads_what_mmaction_packs(tmp_path: Path, inputs: torch.Tensor, height: int) -> None:
    hook = ClipVisualizationHook(enable=True, out_dir=str(tmp_path))
    hook.after_test_iter(_runner(), 0, dict(inputs=[inputs]), [_sample('a')])
    plot = cv2.imread(str(tmp_path / '000000_right_a.png'))
    assert plot.shape[0] == height
    assert height < 128 or plot[64, 64].tolist() == [0, 0, 255]


def test_logits_are_no_percentages() -> None:
    assert best_scores(torch.tensor([.2, .7, .1]), CLASSES) == [f'{CLASSES[1]}  70.0 %', f'{CLASSES[0]}  20.0 %',
                                                                f'{CLASSES[2]}  10.0 %']
    assert best_scores(torch.tensor([-1., 13.3, 2.]), CLASSES)[0] == f'{CLASSES[1]}  13.30'
