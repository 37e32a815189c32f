"""The official lists of a data set's folds, found among all lists of a folder."""
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.datasets.official_lists import read_official_list
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS
from claip_emo_mm.errors import InputError, named

_SPLIT = re.compile(r'(?<![a-z])(train|test)(?![a-z])')
_FOLD = re.compile(r'(?:set|split|fold)[ _-]?0*([1-9]\d*)(?!\d)')
_logger = logging.getLogger(__name__)

FoldLists = dict[tuple[int, str], dict[str, ListedClip]]  # (fold, 'train' or 'test') -> its clips by their ids


@dataclass
class _Family:
    """Lists whose paths differ only in the number of the fold and in the split."""
    name: str
    paths: dict[tuple[int, str], Path] = field(default_factory=dict)
    lists: FoldLists = field(default_factory=dict)


def read_fold_lists(root: Path, paths: Iterable[Path], schema: LabelSchema, folds: Sequence[int], kind: str = '',
                    first_number: int | None = None) -> FoldLists:
    """Find and read the lists of the folds, whatever their format and wherever they lie.

    Fold and split are parsed from the path (``set_1``, ``split01``, ``fold1``; ``train``, ``test``), where the last
    match counts. Of several families of lists, the one with the most clips is taken: the audiovisual lists of MAFW
    lack some. Families of the same size must not contradict each other. `kind` is 'single' or 'compound' where the
    data set has both.
    """
    wanted = [(fold, split) for fold in folds for split in FOLD_SPLITS]
    families = _group(root, paths, kind)
    complete = [family for family in families if all(key in family.paths for key in wanted)]
    if not complete:
        raise InputError(_describe_missing(root, families, wanted, kind))
    for family in complete:
        family.lists = {key: _read(family.paths[key], schema, first_number) for key in wanted}
    sizes = {family.name: sum(map(len, family.lists.values())) for family in complete}
    best, *others = sorted(complete, key=lambda family: -sizes[family.name])
    for other in others:
        if sizes[other.name] == sizes[best.name]:
            _check_same(best, other)
    if kind == 'compound' and not any('_' in clip.label for rows in best.lists.values() for clip in rows.values()):
        raise InputError(f'{root / best.name}: only labels of single emotions, compound ones expected (such as '
                         'anger_disgust). Name the folder of the compound lists with --lists.')
    _logger.info('Lists: %d such as %s', len(wanted), best.paths[wanted[0]])
    for other in others:
        fewer = sorted(set().union(*best.lists.values()).difference(*other.lists.values()))
        _logger.info('  not those such as %s (%s)', other.paths[wanted[0]],
                     f'{len(fewer)} clips fewer: {named(fewer, 20)}' if fewer else 'they say the same')
    return best.lists


def _group(root: Path, paths: Iterable[Path], kind: str) -> list[_Family]:
    families: dict[str, _Family] = {}
    for path in paths:
        name = path.absolute().relative_to(root.absolute()).as_posix()
        lower = name.lower()
        splits, folds = _SPLIT.findall(lower), _FOLD.findall(lower)
        if not splits or not folds or (kind and _kind_of(root.name.lower(), lower) not in ('', kind)):
            continue
        template = _SPLIT.sub('*', _FOLD.sub('#', lower))
        family = families.setdefault(template, _Family(name))
        other = family.paths.setdefault((int(folds[-1]), splits[-1]), path)
        if other != path:
            raise InputError(f'{other} and {path} are both the {splits[-1]} list of fold {folds[-1]}. Say which to '
                             'use: --lists FOLDER, or take one out.')
    return sorted(families.values(), key=lambda family: family.name)


def _kind_of(root_name: str, name: str) -> str:
    words = [root_name, *re.split(r'[^a-z]+', name)]  # the root's whole name: it may be the folder `single` itself
    return next((word for word in reversed(words) if word in ('single', 'compound')), '')


def _read(path: Path, schema: LabelSchema, first_number: int | None) -> dict[str, ListedClip]:
    clips: dict[str, ListedClip] = {}
    for clip in read_official_list(path, schema, first_number, '--label-offset 0 or --label-offset 1').clips:
        other = clips.setdefault(clip.clip_id, clip)
        if other is not clip:
            raise InputError(f'{path}:{clip.line}: clip {clip.clip_id} was listed in line {other.line} already. Take '
                             'one of the two rows out.')
    return clips


def _check_same(family: _Family, other: _Family) -> None:
    for key, clips in family.lists.items():
        here, there = ({clip_id: clip.label for clip_id, clip in rows.items()} for rows in (clips, other.lists[key]))
        different = sorted(clip_id for clip_id in {*here, *there} if here.get(clip_id) != there.get(clip_id))
        if different:
            clip_id = different[0]
            raise InputError(f'{family.paths[key]} and {other.paths[key]} contradict each other: clip {clip_id} is '
                             f'{here.get(clip_id, "not listed")} in one, {there.get(clip_id, "not listed")} in the '
                             f'other ({len(different)} clips differ). Say which to use: --lists FOLDER.')


def _describe_missing(root: Path, families: Sequence[_Family], wanted: Sequence[tuple[int, str]], kind: str) -> str:
    what = f'{kind} lists' if kind else 'lists'
    expected = ('Expected a train and a test list of each fold, named as the owners name them '
                '(train(single-labeled)/set_1.csv, set_1/train.txt, split01/train.csv ...). Put them there, name their '
                'folder with --lists, or the folds that are there with --folds.')
    if not families:
        return f'{root}: no {what} of folds (csv or txt) found. {expected}'
    nearest = min(families, key=lambda family: sum(key not in family.paths for key in wanted))
    missing = ', '.join(f'{split} of fold {fold}' for fold, split in wanted if (fold, split) not in nearest.paths)
    return f'{root}: the {what} are not complete: {nearest.name} is there, {missing} not. {expected}'
