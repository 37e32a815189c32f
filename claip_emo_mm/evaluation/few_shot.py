"""Classifiers of stored features that need no training, or one linear solve, and the steps that a head takes."""
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances_argmin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from torch import Tensor, nn

from claip_emo_mm.errors import InputError, check_positive

Features = dict[str, np.ndarray]  # 'visual', 'audio' -> (clips, D)


def sample_clips(labels: np.ndarray, clips: int, seed: int) -> np.ndarray:
    """Indices of so many clips, of every class the same number, or one more; all clips in random order at most."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    rank = np.zeros(len(labels), int)  # of a clip within its class
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        rank[of_class] = np.arange(len(of_class))
    return np.array(sorted(order, key=lambda index: rank[index])[:clips])  # sorted is stable


def joined(features: Features) -> np.ndarray:
    """Features of both modalities side by side (clips, D + D'), each of length 1."""
    return np.concatenate([Normalizer().fit_transform(values) for values in features.values()], axis=1)


def nearest_class_mean(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Predict the class (clips,) whose mean feature is nearest."""
    classes = np.unique(labels)
    means = np.stack([train[labels == label].mean(0) for label in classes])
    return classes[pairwise_distances_argmin(test, means)]


def linear_probe(train: np.ndarray, labels: np.ndarray, test: np.ndarray, strength: float = 1.) -> np.ndarray:
    """Predict by scikit-learn's logistic regression on standardized features; `strength` is its C."""
    if len(np.unique(labels)) == 1:
        return np.full(len(test), labels[0])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
    return probe.fit(train, labels).predict(test)


def tip_adapter(train: np.ndarray, labels: np.ndarray, test: np.ndarray, zero_shot: np.ndarray, alpha: float = 1.,
                beta: float = 5.5) -> np.ndarray:
    """Predict by Tip-Adapter's cache (arXiv 2111.03930, without its training): zero-shot logits, and alpha times the
    labels of the training clips, weighted by exp(-beta (1 - cosine)).

    Args:
        train, labels, test: (clips, D), (clips,), (clips, D).
        zero_shot: logits (test clips, K).
        alpha, beta: its residual ratio and sharpness; the paper's first values.
    """
    check_positive('tip_adapter', alpha=alpha, beta=beta)
    train, test = Normalizer().fit_transform(train), Normalizer().fit_transform(test)
    cache = np.exp(-beta * (1 - test @ train.T)) @ np.eye(zero_shot.shape[1])[labels]
    return (zero_shot + alpha * cache).argmax(1)


def war(predictions: np.ndarray, labels: np.ndarray) -> float:
    """Ratio of right predictions, percent."""
    return 100 * float((predictions == labels).mean())


def train_on_features(head: nn.Module, features: Features, labels: np.ndarray, steps: int, seed: int, lr: float = 2e-3,
                      batch_size: int = 16) -> Iterator[int]:
    """Train a fusion head on stored features by AdamW and cross entropy; yields the number of steps before each."""
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = _tensors(features), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW([p for p in head.parameters() if p.requires_grad], lr=lr, weight_decay=.05)
    order: Tensor = torch.empty(0, dtype=torch.int64)
    for step in range(steps):
        yield step
        if len(order) < min(batch_size, len(labels)):
            order = torch.cat([order, torch.randperm(len(labels), generator=generator)])
        batch, order = order[:batch_size], order[batch_size:]
        loss = F.cross_entropy(head(**{name: values[batch] for name, values in inputs.items()}), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    yield steps


def steps_to_reach(target: float, build: Callable[[], nn.Module], train: tuple[Features, np.ndarray],
                   test: tuple[Features, np.ndarray], seed: int, steps: int = 1000) -> tuple[int | None, list[float]]:
    """Train a new head on stored features; returns the first step at which WAR reaches a target, and WAR at each."""
    torch.manual_seed(seed)
    head, inputs, curve = build(), _tensors(test[0]), []
    for _ in train_on_features(head, *train, steps, seed):
        head.eval()
        with torch.inference_mode():
            curve.append(war(head(**inputs).argmax(1).numpy(), test[1]))
        head.train()
    return next((step for step, value in enumerate(curve) if value >= target), None), curve


def clips_of_each_class(labels: np.ndarray, numbers: Sequence[int]) -> list[int]:
    """Numbers of clips in all, by those of each class.

    Raises:
        InputError: a class has fewer clips.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if max(numbers) > counts.min():
        raise InputError(f'--clips-per-class {max(numbers)}: the training split has {counts.min()} clips of the class '
                         f'with label {classes[counts.argmin()]}. Ask for that many at most, or for --clips.')
    return [number * len(classes) for number in numbers]


def check_features(train: Features, test: Features, counts: Sequence[int]) -> None:
    """Raise an InputError where two sets of features do not belong together, or a number of clips makes no sense."""
    for name, values in train.items():
        if name not in test or test[name].shape[1] != values.shape[1]:
            raise InputError(f'the {name} features of training and test differ in width: {values.shape[1]} and '
                             f'{test[name].shape[1] if name in test else "none"}. Make both with the same model.')
        if max(counts) > len(values):
            raise InputError(f'--clips {max(counts)}: the training split has {len(values)} clips.')


def _tensors(features: Features) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values) for name, values in features.items()}
