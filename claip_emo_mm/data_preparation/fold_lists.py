"""Which published lists are a data set's folds, among all the lists that lie in a folder."""
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.datasets.labels import LabelSchema
from claip_emo_mm.datasets.official_lists import read_official_list
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS
from claip_emo_mm.errors import InputError

_PART = re.compile(r'(?<![a-z])(train|test)(?![a-z])')
_FOLD = re.compile(r'(?:set|split|fold)[ _-]?0*([1-9]\d*)(?!\d)')
_KINDS = ('single', 'compound')
_NAMED = 20
_logger = logging.getLogger(__name__)

FoldLists = dict[tuple[int, str], tuple[ListedClip, ...]]  # (fold, 'train' or 'test') -> its clips


@dataclass
class _Family:
    """Lists whose paths differ only in the number of the fold and in the split."""

    name: str
    paths: dict[tuple[int, str], Path] = field(default_factory=dict)


def read_fold_lists(root: Path, paths: Iterable[Path], schema: LabelSchema, folds: Sequence[int], kind: str = '',
                    first_number: int | None = None) -> FoldLists:
    """Find and read the lists of the folds, whatever their form and wherever they lie.

    Fold and split are read off the path (``set_1``, ``split01``, ``fold1``; ``train``, ``test``): each may stand in the
    name of the file or of a folder, and counts where it stands last. Where there are several families of lists, the one
    with the most clips is taken: the audiovisual lists of MAFW leave some out.

    Args:
        root: folder in which the lists lie.
        paths: the files that may be lists.
        schema: classes of the data set.
        folds: numbers of the folds, from 1.
        kind: 'single' or 'compound' where the data set has both.
        first_number: see `read_official_list`.
    Raises:
        InputError: no family has all the folds, or one has a fold twice; a list cannot be read, names a clip twice or
            holds single labels in place of compound ones; or two families of the same size contradict each other.
    """
    families = _group(root, paths, kind)
    wanted = [(fold, split) for fold in folds for split in FOLD_SPLITS]
    whole = [family for family in families if all(key in family.paths for key in wanted)]
    if not whole:
        raise InputError(_describe_missing(root, families, wanted, kind))
    read = [{key: _read(family.paths[key], schema, first_number) for key in wanted} for family in whole]
    order = sorted(range(len(whole)), key=lambda index: -_count(read[index]))
    best = order[0]
    for other in order[1:]:
        if _count(read[other]) == _count(read[best]):
            _check_same(whole[best], read[best], whole[other], read[other])
    labels = {clip.label for clips in read[best].values() for clip in clips}
    if kind == 'compound' and not any('_' in label for label in labels):
        raise InputError(f'{root / whole[best].name}: only labels of single emotions, compound ones expected (such as '
                         'anger_disgust). Name the folder of the compound lists with --lists.')
    _logger.info('Lists: %d such as %s', len(wanted), whole[best].paths[wanted[0]])
    for other in order[1:]:
        _logger.info('  not those such as %s (%s)', whole[other].paths[wanted[0]], _compare(read[other], read[best]))
    return read[best]


def _group(root: Path, paths: Iterable[Path], kind: str) -> list[_Family]:
    families: dict[str, _Family] = {}
    for path in paths:
        name = path.absolute().relative_to(root.absolute()).as_posix()
        lower = name.lower()
        splits, folds = _PART.findall(lower), _FOLD.findall(lower)
        if not splits or not folds or (kind and _kind_of(root.name.lower(), lower) not in ('', kind)):
            continue
        template = _PART.sub('*', _FOLD.sub('#', lower))
        family = families.setdefault(template, _Family(name))
        other = family.paths.setdefault((int(folds[-1]), splits[-1]), path)
        if other != path:
            raise InputError(f'{other} and {path} are both the {splits[-1]} list of fold {folds[-1]}. Say which to '
                             'use: '
                             '--lists FOLDER, or take one out.')
    return sorted(families.values(), key=lambda family: family.name)


def _kind_of(root_name: str, name: str) -> str:
    """Return the last word of a list's path that is a kind of labels, '' where there is none."""
    words = [root_name, *re.split(r'[^a-z]+', name)]  # the root's whole name: it may be the folder `single` itself
    return next((word for word in reversed(words) if word in _KINDS), '')


def _read(path: Path, schema: LabelSchema, first_number: int | None) -> tuple[ListedClip, ...]:
    clips = read_official_list(path, schema, first_number, '--label-offset 0 or --label-offset 1').clips
    seen: dict[str, ListedClip] = {}
    for clip in clips:
        if clip.clip_id in seen:
            raise InputError(f'{path}:{clip.line}: clip {clip.clip_id} was listed in line {seen[clip.clip_id].line} '
                             'already. Take one of the two rows out.')
        seen[clip.clip_id] = clip
    return clips


def _check_same(family: _Family, lists: FoldLists, other_family: _Family, other: FoldLists) -> None:
    for key, clips in lists.items():
        here, there = _labels(clips), _labels(other[key])
        different = sorted(clip_id for clip_id in {*here, *there} if here.get(clip_id) != there.get(clip_id))
        if different:
            clip_id = different[0]
            raise InputError(f'{family.paths[key]} and {other_family.paths[key]} contradict each other: clip {clip_id} '
                             f'is {here.get(clip_id, "not listed")} in one, {there.get(clip_id, "not listed")} in the '
                             f'other ({len(different)} clips differ). Say which to use: --lists FOLDER.')


def _labels(clips: Iterable[ListedClip]) -> dict[str, str]:
    return {clip.clip_id: clip.label for clip in clips}


def _compare(lists: FoldLists, best: FoldLists) -> str:
    clips, fewer = ({clip.clip_id for rows in family.values() for clip in rows} for family in (best, lists))
    left_out = sorted(clips - fewer)
    if not left_out:
        return 'they say the same'
    more = f' and {len(left_out) - _NAMED} more' if len(left_out) > _NAMED else ''
    return f'{len(left_out)} clips fewer: {", ".join(left_out[:_NAMED])}{more}'


def _count(lists: FoldLists) -> int:
    return sum(map(len, lists.values()))


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
