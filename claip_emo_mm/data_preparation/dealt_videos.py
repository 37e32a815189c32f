"""Dealing videos of one's own out to training, validation and test, by class or by person."""
import re
from collections.abc import Sequence

import numpy as np

from claip_emo_mm.data_preparation.labelled_folders import LabelledVideo
from claip_emo_mm.errors import InputError

PARTS = ('train', 'val', 'test')


def deal_out(videos: Sequence[LabelledVideo], shares: tuple[int, int, int], seed: int,
             person: str | None = None) -> dict[str, list[LabelledVideo]]:
    """Deal videos out to the parts.

    Without `person` each class is dealt out by itself, so that all parts have the same mixture; with it a person's
    videos stay together, so that the test is on people whom the model does not know.

    Args:
        videos: all of them.
        shares: of training, validation and test, in percent.
        seed: the same seed deals in the same way.
        person: regular expression whose first group is the person's name in a file name, such as ``'^([^_]+)_'``.
    Raises:
        InputError: the shares do not sum to 100, a class or the people are too few, or the expression does not fit.
    """
    if sum(shares) != 100 or min(shares) < 1:
        raise InputError(f'--split {" ".join(map(str, shares))}: expected three percentages from 1 that sum to 100.')
    if seed < 0:
        raise InputError(f'--seed {seed}: must be 0 or more.')
    dealt: dict[str, list[LabelledVideo]] = {part: [] for part in PARTS}
    if person is not None:
        _deal_groups(_people(videos, person), len(videos), shares, np.random.default_rng(seed), dealt)
        _require_classes(videos, dealt)
    else:
        for number, label in enumerate(sorted({video.label for video in videos})):
            groups = [[video] for video in videos if video.label == label]
            if len(groups) < len(PARTS):
                raise InputError(f'{label}: {len(groups)} videos. Expected at least {len(PARTS)}: one each for '
                                 'training, validation and test.')
            _deal_groups(groups, len(groups), shares, np.random.default_rng([seed, number]), dealt)
    return {part: sorted(members, key=lambda video: video.clip_id) for part, members in dealt.items()}


def _deal_groups(groups: Sequence[list[LabelledVideo]], count: int, shares: tuple[int, int, int],
                 stream: np.random.Generator, dealt: dict[str, list[LabelledVideo]]) -> None:
    """Fill test, then validation, each with a group at least and about its share of the videos; train gets the rest."""
    order = [groups[index] for index in stream.permutation(len(groups))]
    for part, share, left_for_others in (('test', shares[2], 2), ('val', shares[1], 1)):
        wanted, given = count * share / 100, 0
        while len(order) > left_for_others and (not given or given + len(order[-1]) / 2 <= wanted):
            group = order.pop()
            given += len(group)
            dealt[part] += group
    for group in order:
        dealt['train'] += group


def _people(videos: Sequence[LabelledVideo], person: str) -> list[list[LabelledVideo]]:
    try:
        pattern = re.compile(person)
    except re.error as error:
        raise InputError(f'--person {person}: no regular expression ({error}).') from error
    if pattern.groups < 1:
        raise InputError(f"--person {person}: expected a group that is the person's name, such as '^([^_]+)_'.")
    people: dict[str, list[LabelledVideo]] = {}
    for video in videos:
        match = pattern.search(video.path.name)
        if match is None or not match.group(1):
            raise InputError(f'{video.path}: --person {person} does not fit the file name {video.path.name}.')
        people.setdefault(match.group(1), []).append(video)
    if len(people) < len(PARTS):
        raise InputError(f'--person {person}: {len(people)} people found ({", ".join(sorted(people))}). Expected at '
                         f'least {len(PARTS)}: one each for training, validation and test.')
    return [people[name] for name in sorted(people)]


def _require_classes(videos: Sequence[LabelledVideo], dealt: dict[str, list[LabelledVideo]]) -> None:
    for part, members in dealt.items():
        absent = sorted({video.label for video in videos} - {video.label for video in members})
        if absent:
            raise InputError(f'{", ".join(absent)}: not shown by any of the people in the {part} part. Try another '
                             '--seed, or other shares with --split.')
