import math

import numpy as np
import pytest
import torch
from timm.data.mixup import Mixup
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.mixup import AudioVisualMixup, inside_box

CLASSES = 5
LABELS = torch.tensor([0, 4, 2, 1])


def random_batch() -> tuple[Tensor, Tensor]:
    """Frames (B=4, T=3, 3, H=14, W=10) and spectrograms (B=4, 1, M=40, F=16)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 3, 14, 10, generator=generator), torch.randn(4, 1, 40, 16, generator=generator)


def timm_mixup(**options: float) -> Mixup:
    return Mixup(**{**dict(mixup_alpha=0.8, cutmix_alpha=1.0, prob=1.0, switch_prob=0.5, mode='batch',
                           label_smoothing=0.1, num_classes=CLASSES), **options})


@pytest.mark.parametrize('seed', range(12))  # with mixup and cutmix among them
def test_frames_and_labels_are_timms(seed: int) -> None:
    frames, _ = random_batch()
    np.random.seed(seed)
    expected, expected_labels = timm_mixup()(frames.clone().flatten(1, 2), LABELS)
    np.random.seed(seed)
    labels = AudioVisualMixup(CLASSES)(frames, None, LABELS)
    torch.testing.assert_close(frames.flatten(1, 2), expected, rtol=0, atol=0)
    torch.testing.assert_close(labels, expected_labels, rtol=0, atol=0)


def reference_mixing(clips: Tensor) -> tuple[Tensor, float]:
    """What the reference's timm makes of clips (B, ..., H, W), written out, and the ratio of a clip itself."""
    assert np.random.rand() < 1
    cut = np.random.rand() < .5
    ratio = np.random.beta(1, 1) if cut else np.random.beta(.8, .8)
    mixed = torch.empty_like(clips)
    if not cut:
        for number, clip in enumerate(clips):
            mixed[number] = clip * ratio + clips[len(clips) - 1 - number] * (1 - ratio)
        return mixed, ratio
    height, width = clips.shape[-2:]
    box_height, box_width = int(height * math.sqrt(1 - ratio)), int(width * math.sqrt(1 - ratio))
    row, column = np.random.randint(0, height), np.random.randint(0, width)
    covered = 0
    inside = torch.zeros(height, width, dtype=torch.bool)
    for y in range(row - box_height // 2, row + box_height // 2):  # of a box of 7, 6: its end is cut // 2, too
        for x in range(column - box_width // 2, column + box_width // 2):
            if 0 <= y < height and 0 <= x < width:
                inside[y, x] = True
                covered += 1
    for number, clip in enumerate(clips):
        mixed[number] = torch.where(inside, clips[len(clips) - 1 - number], clip)
    return mixed, 1 - covered / (height * width)


def test_independent_samples_are_the_references() -> None:
    cuts, odd_sides = 0, 0
    for seed in range(40):
        frames, mel = random_batch()
        np.random.seed(seed)
        (expected, ratio), (expected_mel, _) = reference_mixing(frames), reference_mixing(mel)
        np.random.seed(seed)
        expected_labels = torch.full((4, CLASSES), .02)
        for number, (own, other) in enumerate(zip(LABELS, LABELS.flip(0), strict=True)):
            expected_labels[number, own] += .9 * ratio
            expected_labels[number, other] += .9 * (1 - ratio)
        cuts += bool((frames == expected).any())
        plain_frames, plain_mel = frames.clone(), mel.clone()
        labels = AudioVisualMixup(CLASSES, independent=True)(frames, mel, LABELS)
        assert torch.equal(frames, expected) and torch.equal(mel, expected_mel)
        torch.testing.assert_close(labels, expected_labels)
        np.random.seed(seed)
        AudioVisualMixup(CLASSES)(plain_frames, plain_mel, LABELS)
        odd_sides += not torch.equal(frames, plain_frames)
    assert 10 < cuts < 35 and odd_sides > 3  # where today's timm cuts one row or column more


def test_one_weight_for_frames_audio_and_label() -> None:
    for seed in range(30):
        np.random.seed(seed)
        frames, mel = (torch.arange(4.).view(4, *[1] * (dims - 1)).expand(4, *size).clone()
                       for dims, size in ((5, (3, 3, 224, 224)), (4, (1, 1024, 64))))
        labels = AudioVisualMixup(CLASSES, label_smoothing=0)(frames, mel, LABELS)
        # clip 0 is 0 everywhere and gets what is missing from clip 3, which is 3 everywhere
        weights = [1 - float(part[0].mean()) / 3 for part in (frames, mel)] + [float(labels[0, 0])]
        assert weights[0] == pytest.approx(weights[2], abs=1e-5)
        assert weights[1] == pytest.approx(weights[2], abs=.01)  # a box is whole pixels, and 64 bins are few


def test_mixed_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, 'beta', lambda *alphas: .75)
    mel = torch.tensor([8., 0, 4])[:, None, None].repeat(1, 2, 2)
    labels = AudioVisualMixup(2, cutmix_alpha=0, label_smoothing=.2)(None, mel, torch.tensor([0, 1, 1]))
    assert mel[:, 0, 0].tolist() == [7, 0, 5]  # also of an odd number: the middle one is mixed with itself
    torch.testing.assert_close(labels, torch.tensor([[.7, .3], [.1, .9], [.3, .7]]))  # 1 and 0 smoothed to .9 and .1


def test_without_mixing_only_the_labels_are_smoothed() -> None:
    frames, mel = random_batch()
    before = frames.clone(), mel.clone()
    labels = AudioVisualMixup(CLASSES, prob=0)(frames, mel, LABELS)
    assert torch.equal(frames, before[0]) and torch.equal(mel, before[1])
    torch.testing.assert_close(labels[1], torch.tensor([.02, .02, .02, .02, .92]))


@pytest.mark.parametrize('weight', [0., .3, .77, 1.])
def test_boxes_inside(weight: float) -> None:
    side = math.sqrt(1 - weight)
    boxes = np.array([inside_box((1, 40, 16), weight) for _ in range(200)])
    assert set(boxes[:, 1] - boxes[:, 0]) == {round(40 * side)} and set(boxes[:, 3] - boxes[:, 2]) == {round(16 * side)}
    assert boxes.min() >= 0 and boxes[:, 1].max() <= 40 and boxes[:, 3].max() <= 16
    if 0 < weight < 1:  # every place is sampled
        assert boxes[:, 2].min() == 0 and boxes[:, 3].max() == 16


@pytest.mark.parametrize(('options', 'message'), [
    (dict(prob=1.1), 'prob is 1.1. Expected 0 to 1'),
    (dict(mixup_alpha=0, cutmix_alpha=0), 'blending=None mixes nothing'),
    (dict(num_classes=0), 'Set it to num_classes of the head')])
def test_numbers_that_make_no_sense(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        AudioVisualMixup(**{'num_classes': 3, **options})


def test_a_label_beyond_the_classes_is_named() -> None:
    with pytest.raises(InputError, match='blending: num_classes is 3, but a clip has the label 6.*blending.num'):
        AudioVisualMixup(3)(torch.zeros(2, 1, 4, 4), None, torch.tensor([1, 6]))


def test_soft_labels_are_mixed_like_classes() -> None:
    """One-hot soft labels give what classes give, others the same mixture."""
    labels, soft = torch.tensor([0, 2, 1]), torch.tensor([[.5, .5, 0], [0, .25, .75], [0, 0, 1]])
    blending = AudioVisualMixup(num_classes=3, label_smoothing=.1)
    for given, wanted in ((torch.eye(3)[labels], None), (soft, soft)):
        np.random.seed(3)
        mixed = blending(None, torch.zeros(3, 1, 4, 4), given)
        np.random.seed(3)
        classes = blending(None, torch.zeros(3, 1, 4, 4), labels)
        if wanted is None:
            torch.testing.assert_close(mixed, classes)
        else:
            weight = float((classes[0, 0] - .1 / 3) / .9)  # of class 0, which only the first clip has
            smooth = .9 * soft + .1 / 3
            torch.testing.assert_close(mixed, weight * smooth + (1 - weight) * smooth.flip(0))
    torch.testing.assert_close(blending.unmixed(soft), .9 * soft + .1 / 3)
    with pytest.raises(InputError, match='num_classes is 3, but soft labels have 4'):
        blending(None, torch.zeros(1, 1, 4, 4), torch.eye(4)[:1])
