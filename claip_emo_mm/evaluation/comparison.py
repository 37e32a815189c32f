"""Aligns and compares the predictions of several models, and averages their scores."""
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from os.path import commonpath
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import are_probabilities, check_scores, classification_metrics
from claip_emo_mm.evaluation.predictions import ClipScores

_CLOSE = 1e-3  # difference of a clip's scores by the same model in another batch, or on another device
_SATURATED = 1e-5  # nearer to 0 or 1 than this, many clips have the same scores
_SPLITS = {'train', 'training', 'val', 'valid', 'validation', 'dev', 'eval', 'test', 'testing'}
_STEPS = 20  # of a weight from 0 to 1, when weights are searched
_MAX_MODELS = 5  # more have too many combinations


def align(several: Sequence[ClipScores], files: Sequence[Path]) -> list[ClipScores]:
    """Reorder the clips and classes of several evaluations, read from `files`, as in the first.

    Clips are matched by name; where names differ, by their paths below the common folder, then by file name, so that
    the data may have moved; where a file has no names, by order, if the labels agree. Classes are matched by name.
    """
    first, aligned = several[0], [several[0]]
    for other, file in zip(several[1:], files[1:], strict=True):
        other = _in_order_of_classes(other, first, file, files[0])
        order = _order(first.names, other.names)
        if order is None:
            only = [f'; only one has {name}' for name in sorted({*first.names} ^ {*other.names})[:1]]
            raise InputError(f'{file}: has other clips than {files[0]} ({len(other.names)} and {len(first.names)}'
                             f'{"".join(only)}). Test both on the same split of the data.')
        labels = other.labels[order]
        if (labels != first.labels).any():
            place = int(np.flatnonzero(labels != first.labels)[0])
            raise InputError(f'{file}: clip {first.names[place]} has label {other.classes[labels[place]]}, in '
                             f'{files[0]} it has {first.classes[first.labels[place]]}. The classes must have the same '
                             'order in both, and the lists the same labels.')
        aligned.append(ClipScores(first.names, first.labels, other.scores[order], first.classes))
    return aligned


def shared_clips(tested: Sequence[ClipScores], others: Sequence[ClipScores]) -> list[str]:
    """Name the tested clips that other evaluations by the same models hold, even where the data moved or were renamed.

    A clip is the same by its name; by label and exactly the same scores of all models; or by label, nearly the same
    scores and the same file name. Where more than half of the other evaluation's clips have a partner of their label
    and file name, these count whatever their scores, unless they differ in a folder of another split (``val``,
    ``test``).
    """
    first, other = tested[0], others[0]
    if sorted(other.classes) == sorted(first.classes):
        others = [_in_order_of_classes(clips, first, Path(), Path()) for clips in others]
        other = others[0]
    scores, other_scores = (np.concatenate([clips.scores for clips in several], axis=1) for several in (tested, others))
    comparable = scores.shape[1] == other_scores.shape[1]
    unnamed = _numbers(first.classes) in (first.classes, other.classes)
    labels, other_labels = (clips.labels.tolist() if unnamed else [clips.classes[label] for label in clips.labels]
                            for clips in (first, other))
    by_stem: dict[tuple[str, Any], list[int]] = {}
    if not _is_unnamed(first) and not _is_unnamed(other):
        for place, (name, label) in enumerate(zip(other.names, other_labels, strict=True)):
            by_stem.setdefault((PurePath(name).stem, label), []).append(place)
    names = set(other.names) if by_stem else set()
    by_content = {(label, row.tobytes()) for label, row in zip(other_labels, other_scores, strict=True)}
    found, partners = set(), set()
    for place, (name, label) in enumerate(zip(first.names, labels, strict=True)):
        namesakes = by_stem.get((PurePath(name).stem, label), ())
        close = comparable and any(np.abs(scores[place] - other_scores[at]).max() <= _CLOSE for at in namesakes)
        telling = comparable and ((scores[place] > _SATURATED) & (abs(scores[place] - 1) > _SATURATED)).any()
        if name in names or close or (telling and (label, scores[place].tobytes()) in by_content):
            found.add(place)
        if any(not _in_other_splits(name, other.names[at]) for at in namesakes):
            partners.add(place)
    if 2 * len(partners) > len(other.names):
        found |= partners
    return [first.names[place] for place in sorted(found)]


def _in_order_of_classes(clips: ClipScores, wanted: ClipScores, file: Path, other: Path) -> ClipScores:
    if clips.scores.shape[1] != wanted.scores.shape[1]:
        raise InputError(f'{file}: has scores of {clips.scores.shape[1]} classes, {other} of '
                         f'{wanted.scores.shape[1]}. Only models of the same classes can be compared.')
    if clips.classes == wanted.classes or _numbers(wanted.classes) in (clips.classes, wanted.classes):
        return clips
    if sorted(clips.classes) != sorted(wanted.classes):
        raise InputError(f'{file}: has the classes {", ".join(clips.classes)}, {other} {", ".join(wanted.classes)}. '
                         'Only models of the same classes can be compared.')
    places = [clips.classes.index(name) for name in wanted.classes]
    return ClipScores(clips.names, np.argsort(places)[clips.labels], clips.scores[:, places], wanted.classes)


def _order(wanted: Sequence[str], found: Sequence[str]) -> list[int] | None:
    """Index of each wanted clip among the found ones; None where they are others."""
    if len(wanted) != len(found):
        return None
    for shorten in (list, _below_root, lambda names: [PurePath(name).stem for name in names]):
        places = {name: place for place, name in enumerate(shorten(found))}
        names = shorten(wanted)
        if len(places) == len(found) and set(names) == set(places):
            return [places[name] for name in names]
    return list(range(len(wanted))) if _numbers(wanted) in (tuple(wanted), tuple(found)) else None


def _below_root(names: Sequence[str]) -> list[str]:
    """Paths below the folder that all have in common, without suffix."""
    folders = {PurePath(name).is_absolute() for name in names}
    root = commonpath([PurePath(name).parent for name in names]) if len(folders) == 1 else ''
    return [str((PurePath(name).parent / PurePath(name).stem).relative_to(root)) for name in names]


def _in_other_splits(first: str, second: str) -> bool:
    """Whether the last folders that differ in two paths have the names of different splits."""
    pairs = zip(reversed(PurePath(first).parts[:-1]), reversed(PurePath(second).parts[:-1]), strict=False)
    differing = next((pair for pair in pairs if pair[0] != pair[1]), ('', ''))
    return all(name.lower() in _SPLITS for name in differing)


def _is_unnamed(clips: ClipScores) -> bool:
    return clips.names == _numbers(clips.names)


def _numbers(names: Sequence[str]) -> tuple[str, ...]:
    """Names of clips or classes that have none: their numbers."""
    return tuple(map(str, range(len(names))))


@dataclass(frozen=True)
class PairedComparison:
    """Differences of the second model to the first, in percent points."""
    war: float  # positive where the second is better
    uar: float
    war_interval: tuple[float, float]  # 95 % of the paired bootstrap
    uar_interval: tuple[float, float]
    only_first: int  # clips that the first alone gets right
    only_second: int
    p_value: float  # of McNemar's exact test on these clips


def compare_pair(first: ClipScores, second: ClipScores, n_bootstrap: int = 2000, seed: int = 0) -> PairedComparison:
    """Compare two models on the same clips in the same order, by a paired bootstrap stratified by class.

    Only which of the two are right matters: resampling a class's clips is one sample of a multinomial distribution.
    """
    right_first, right_second = (clips.scores.argmax(axis=1) == clips.labels for clips in (first, second))
    labels, clips = np.unique(first.labels, return_counts=True)
    lost, won = (np.bincount(first.labels[only], minlength=labels.max() + 1)[labels]  # clips of each class
                 for only in (right_first & ~right_second, right_second & ~right_first))
    ratios = np.stack([lost, won, clips - lost - won], axis=1) / clips[:, None]
    sampled = np.random.default_rng(seed).multinomial(clips[:, None], ratios[:, None], (len(clips), n_bootstrap))
    gained = sampled[..., 1] - sampled[..., 0]  # (classes, n_bootstrap)
    only_first, only_second = int(lost.sum()), int(won.sum())
    discordant = only_first + only_second
    from scipy.stats import binomtest  # half a second to import
    return PairedComparison(
        war=float(100 * (won - lost).sum() / clips.sum()), uar=float(100 * ((won - lost) / clips).mean()),
        war_interval=_interval(100 * gained.sum(axis=0) / clips.sum()),
        uar_interval=_interval(100 * (gained / clips[:, None]).mean(axis=0)), only_first=only_first,
        only_second=only_second, p_value=float(binomtest(only_second, discordant).pvalue) if discordant else 1.)


def _interval(values: np.ndarray) -> tuple[float, float]:
    return tuple(np.quantile(values, (.025, .975)).tolist())


def probabilities(clips: ClipScores) -> np.ndarray:
    """Scores (clips, K) that sum to 1: the scores themselves, or their softmax where they are logits."""
    check_scores(clips.scores, 'late fusion', names=clips.names)
    if are_probabilities(clips.scores):
        return clips.scores
    from scipy.special import softmax
    return softmax(clips.scores, axis=1)


def fuse(several: Sequence[ClipScores], weights: Sequence[float]) -> ClipScores:
    """Average the probabilities of several models on the same clips, by weights that are scaled to sum to 1."""
    if len(weights) != len(several) or min(weights) < 0 or not sum(weights):
        raise InputError(f'late fusion: {len(several)} models and the weights {", ".join(map(str, weights))}. Expected '
                         'one number for each model, none below 0 and not all 0.')
    ratios = np.array(weights) / sum(weights)
    fused = sum(ratio * probabilities(clips) for ratio, clips in zip(ratios, several, strict=True))
    return ClipScores(several[0].names, several[0].labels, fused.astype(np.float32), several[0].classes)


def search_weights(several: Sequence[ClipScores]) -> tuple[float, ...]:
    """Find the weights, in steps of 1/20, with the highest WAR, then the highest UAR, then the most even ones.

    Search on other clips than those whose metrics are reported with these weights.
    """
    if len(several) > _MAX_MODELS:
        raise InputError(f'late fusion: weights of {len(several)} models cannot be searched, {_MAX_MODELS} at most. '
                         'Fuse some of them first, or give --weights.')
    scores = np.stack([probabilities(clips) for clips in several])  # (models, clips, K)
    labels, num_classes = several[0].labels, scores.shape[2]

    def merit(weights: tuple[float, ...]) -> tuple[float, float, float]:
        metrics = classification_metrics(labels, np.tensordot(weights, scores, 1).argmax(axis=1), num_classes)
        return round(metrics.war, 9), round(metrics.uar, 9), -float(np.square(weights).sum())

    places = _STEPS + len(several) - 1  # of the steps, and of the bars between the models
    splits = ((-1, *bars, places) for bars in combinations(range(places), len(several) - 1))
    return max((tuple((end - start - 1) / _STEPS for start, end in pairwise(ends)) for ends in splits), key=merit)
