"""Bringing the scores of several evaluations into one order, and finding the clips that they share."""
from pathlib import Path

import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import ClipScores
from claip_emo_mm.evaluation.comparison import align, shared_clips

SCORES = np.array([[.1, .7, .2], [.5, .25, .25], [0., .1, .9], [.3, .4, .3]], np.float32)
LABELS = np.array([1, 0, 2, 0])
NAMES = ('data/a.mp4', 'data/b.mp4', 'data/c.mp4', 'data/d.mp4')
FILES = [Path('a'), Path('b')]


def clips(order: list[int] | None = None, **changes: object) -> ClipScores:
    order = [0, 1, 2, 3] if order is None else order
    values = dict(names=tuple(NAMES[place] for place in order), labels=LABELS[order], scores=SCORES[order],
                  classes=('0', '1', '2'))
    return ClipScores(**{**values, **changes})


def test_order_of_the_first() -> None:
    elsewhere = tuple(name.replace('data', '/other') for name in clips([2, 0, 3, 1]).names)
    for other in (clips([2, 0, 3, 1]), clips([2, 0, 3, 1], names=elsewhere)):
        _, second = align([clips(), other], FILES)
        assert np.array_equal(second.scores, SCORES) and second.names == NAMES
    _, second = align([clips(), clips(names=('0', '1', '2', '3'))], FILES)  # names no clips
    assert second.names == NAMES


@pytest.mark.parametrize(('other', 'expected'), [
    (clips([0, 1, 2]), r'b: has other clips than a .3 and 4; only one has data/d.mp4'),
    (clips(names=('v', 'w', 'x', 'y')), 'has other clips than a'),
    (clips(labels=np.array([1, 0, 2, 1])), 'clip data/d.mp4 has label 1, in a it has 0'),
    (clips(scores=np.ones((4, 2), np.float32)), 'has scores of 2 classes, a of 3'),
])
def test_what_cannot_be_held_together(other: ClipScores, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        align([clips(), other], FILES)


def test_classes_are_matched_by_name() -> None:
    first = clips(classes=('calm', 'loud', 'odd'))
    other = clips(scores=SCORES[:, [2, 0, 1]], labels=np.array([2, 1, 0, 1]), classes=('odd', 'calm', 'loud'))
    _, second = align([first, other], FILES)
    assert second.classes == first.classes and np.array_equal(second.scores, SCORES)
    assert np.array_equal(second.labels, LABELS)
    with pytest.raises(InputError, match='b: has the classes calm, loud, sad, a calm, loud, odd. Only models of the'):
        align([first, clips(classes=('calm', 'loud', 'sad'))], FILES)
    with pytest.raises(InputError, match='b: clip data/a.mp4 has label odd, in a it has loud'):
        align([first, clips(labels=np.array([2, 0, 2, 0]), classes=first.classes)], FILES)


def test_equal_names_in_different_folders() -> None:
    names = ('/data/calm/1.mp4', '/data/loud/1.mp4', '/data/odd/1.mp4', '/data/calm/2.mp4')
    order = [3, 1, 0, 2]
    elsewhere = tuple(names[place].replace('/data', '/mnt/copy').replace('.mp4', '') for place in order)  # of frames
    _, second = align([clips(names=names), clips(order, names=elsewhere)], FILES)
    assert np.array_equal(second.scores, SCORES)


def test_numbers_that_are_names_are_no_order() -> None:
    with pytest.raises(InputError, match='b: has other clips than a'):
        align([clips(), clips(names=('7', '2', '9', '4'))], FILES)


def moved(root: str, order: list[int], **changes: object) -> ClipScores:
    return clips(order, names=tuple(NAMES[place].replace('data', root) for place in order), **changes)


def test_shared_clips_under_another_root() -> None:
    rounding = np.float32(1e-5)
    assert shared_clips([clips()], [clips([2, 0])]) == ['data/a.mp4', 'data/c.mp4']
    assert shared_clips([clips()], [moved('/mnt/data', [2, 0], scores=SCORES[[2, 0]] + rounding)]) == [
        'data/a.mp4', 'data/c.mp4']
    # Of another epoch, but every one of the clips ends as a tested one does, and has its label.
    assert shared_clips([clips()], [moved('/mnt/data', [2, 0], scores=SCORES[[0, 2]])]) == ['data/a.mp4', 'data/c.mp4']
    named = dict(classes=('x', 'y', 'z'))
    turned = moved('/mnt', [3], scores=SCORES[[3]][:, [2, 0, 1]], labels=np.array([1]), classes=('z', 'x', 'y'))
    assert shared_clips([clips(**named)], [turned]) == ['data/d.mp4']


def test_shared_clips_under_other_names() -> None:
    renamed = clips([1, 3], names=('e.mp4', 'f.mp4'))
    assert shared_clips([clips()] * 2, [renamed] * 2) == ['data/b.mp4', 'data/d.mp4']
    unnamed = clips([3, 1], names=('0', '1'))
    assert shared_clips([clips()], [unnamed]) == ['data/b.mp4', 'data/d.mp4']
    sure = np.eye(3, dtype=np.float32)[LABELS]  # as sure of every clip: says nothing of which it is
    assert shared_clips([clips(scores=sure)], [clips(scores=sure, names=('e', 'f', 'g', 'h'))]) == []


def test_other_clips_are_not_taken_for_shared_ones() -> None:
    others = np.array([[.2, .6, .2], [.4, .3, .3], [.1, .1, .8], [.5, .3, .2]], np.float32)
    assert shared_clips([clips()], [clips(scores=others, names=('v', 'w', 'x', 'y'))]) == []
    numbered = ('0', '1', '2', '3')
    assert shared_clips([clips(names=numbered)], [clips(scores=others, names=numbered)]) == []
    splits = [tuple(name.replace('data', f'set/{split}/happy') for name in NAMES) for split in ('test', 'val')]
    assert shared_clips([clips(names=splits[0])], [clips(scores=others, names=splits[1])]) == []
    # Another corpus that numbers its clips, too: one of four has the number and the label of a tested one.
    corpus = clips(scores=others, names=('/b/a.mp4', '/b/e.mp4', '/b/f.mp4', '/b/g.mp4'))
    assert shared_clips([clips()], [corpus]) == []
