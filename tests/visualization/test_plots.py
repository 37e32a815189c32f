"""Plots of attention and of features."""
import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.visualization.attention import described_scores, overlay, plot_attention
from claip_emo_mm.visualization.plots import embed, plot_features


def test_overlay_is_red_where_the_model_looks() -> None:
    look = np.zeros((4, 4))
    look[:, 3] = 1
    shown = overlay(np.full((40, 40, 3), 100, np.uint8), look).astype(int)
    assert shown[20, 38, 0] > shown[20, 38, 2] + 50  # red
    assert shown[20, 2].tolist() == [100, 100, 100]
    assert np.array_equal(overlay(np.full((6, 6, 3), 9, np.uint8), np.ones((2, 2))), np.full((6, 6, 3), 9))


@pytest.mark.parametrize('weighed', [True, False])
def test_each_frame_and_its_weight_are_drawn(weighed: bool) -> None:
    weights = np.arange(1., 11) / 55 if weighed else None
    metric = plot_attention(np.zeros((10, 8, 8, 3), np.uint8), np.random.rand(10, 2, 2), weights, 'a.mp4')
    assert len(metric.axes) == 10 + weighed
    if weighed:
        np.testing.assert_allclose([bar.get_height() for bar in metric.axes[-1].patches], 100 * weights)


def test_scores_in_words() -> None:
    assert described_scores([.1, .6, .05, .25], ['a', 'b', 'c', 'd']) == 'b 60 %, d 25 %, a 10 %'


def test_groups_stay_together_in_the_plane() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    features = rng.standard_normal((40, 6)) + 9 * labels[:, None]
    points = embed(features)
    assert points.shape == (40, 2) and np.array_equal(points, embed(features))
    centres = np.stack([points[labels == label].mean(axis=0) for label in (0, 1)])
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, labels)
    metric = plot_features(dict(visual=points, both=points), labels, ['calm', 'loud'])
    assert [text.get_text() for text in metric.legends[0].get_texts()] == ['calm', 'loud']
    assert [axis.get_title() for axis in metric.axes] == ['visual', 'both']


def test_too_few_clips() -> None:
    with pytest.raises(InputError, match='t-SNE of 4 clips: at least 5'):
        embed(np.zeros((4, 3)))
