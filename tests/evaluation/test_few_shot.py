"""Classifiers of stored features, on points whose answer is seen at once."""
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import few_shot

TRAIN = np.array([[1., 0], [.9, .1], [0, 1], [.1, .9]], np.float32)
LABELS = np.array([0, 0, 1, 1])
TEST = np.array([[.8, .3], [.2, .7]], np.float32)


def test_every_class_is_sampled_alike() -> None:
    labels = np.array([0] * 10 + [1] * 10 + [2] * 3)
    for clips, expected in ((3, [1, 1, 1]), (8, [2, 3, 3]), (12, [3, 4, 5]), (23, [3, 10, 10])):
        counts = [sorted(np.bincount(labels[few_shot.sample_clips(labels, clips, seed)], minlength=3).tolist())
                  for seed in range(3)]
        assert counts == [expected] * 3 if clips != 12 else all(sum(count) == 12 for count in counts)
    first, second = (few_shot.sample_clips(labels, 6, seed).tolist() for seed in (0, 1))
    assert first != second and first == few_shot.sample_clips(labels, 6, 0).tolist() and len(set(first)) == 6


def test_nearest_mean_and_probe() -> None:
    for classify in (few_shot.nearest_class_mean, few_shot.linear_probe):
        assert classify(TRAIN, LABELS, TEST).tolist() == [0, 1]
        assert classify(TRAIN[:2], LABELS[:2], TEST).tolist() == [0, 0]  # one class alone
    assert few_shot.war(np.array([0, 1, 1]), np.array([0, 1, 2])) == pytest.approx(200 / 3)
    joined = few_shot.joined(dict(visual=np.array([[3., 4]]), audio=np.array([[2.]])))
    np.testing.assert_allclose(joined, [[.6, .8, 1]])


def test_the_cache_adds_to_zero_shot() -> None:
    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    zero_shot = np.array([[0., .5], [.4, 0.]])  # wrong for both
    weights = np.exp(-2 * (1 - unit(TEST) @ unit(TRAIN).T))
    for alpha in (.01, .3, 1.):
        expected = [[row[0] + alpha * (w[0] + w[1]), row[1] + alpha * (w[2] + w[3])]
                    for row, w in zip(zero_shot, weights, strict=True)]
        found = few_shot.tip_adapter(TRAIN, LABELS, TEST, zero_shot, alpha, 2.)
        assert found.tolist() == np.argmax(expected, 1).tolist()
    assert few_shot.tip_adapter(TRAIN, LABELS, TEST, zero_shot, .01).tolist() == [1, 0]
    assert few_shot.tip_adapter(TRAIN, LABELS, TEST, zero_shot, 5.).tolist() == [0, 1]
    with pytest.raises(InputError, match='tip_adapter: alpha is 0. Expected more than 0'):
        few_shot.tip_adapter(TRAIN, LABELS, TEST, zero_shot, 0)


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, visual: Tensor) -> Tensor:
        return self.fc(visual)


class Dropped(Head):
    """Answers with the features themselves, but for a training, which drops them all."""

    def forward(self, visual: Tensor) -> Tensor:
        return torch.dropout(visual, 1., self.training) + 0 * self.fc(visual)


def test_clips_of_each_class() -> None:
    labels = np.array([0] * 3 + [2] * 2 + [5] * 4)
    assert few_shot.clips_of_each_class(labels, [1, 2]) == [3, 6]
    with pytest.raises(InputError, match='-class 3: the training split has 2 clips of the class with label 2'):
        few_shot.clips_of_each_class(labels, [3, 1])


def test_steps_to_a_target() -> None:
    def build(flipped: bool) -> nn.Module:
        head = Head()
        with torch.no_grad():
            head.fc.weight.copy_(torch.eye(2).flip(0) if flipped else torch.eye(2))
            head.fc.bias.zero_()
        return head

    train, test = (dict(visual=TRAIN), LABELS), (dict(visual=TEST), np.array([0, 1]))
    assert few_shot.steps_to_reach(90, lambda: build(False), train, test, 0, 5)[0] == 0  # right before any step
    step, curve = few_shot.steps_to_reach(90, lambda: build(True), train, test, 0, 2000)
    assert curve[0] == 0 and curve[step] == 100 and step > 50 and len(curve) == 2001 and curve[-1] == 100
    assert few_shot.steps_to_reach(90, lambda: build(True), train, test, 0, 3)[0] is None
    assert few_shot.steps_to_reach(90, Dropped, train, test, 0, 3)[1] == [100] * 4  # nothing is dropped in a test
    with pytest.raises(InputError, match='--clips 5: the training split has 4 clips'):
        few_shot.check_features(train[0], test[0], [2, 5])
    with pytest.raises(InputError, match='visual features of training and test differ in width: 2 and 3'):
        few_shot.check_features(train[0], dict(visual=np.zeros((2, 3))), [2])
