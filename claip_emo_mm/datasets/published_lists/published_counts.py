"""How many clips of each class the published lists of DFEW and MAFW hold."""
from collections import Counter
from collections.abc import Iterable

from claip_emo_mm.datasets.label_schemas import DFEW, MAFW, MAFW_COMPOUND, LabelSchema
from claip_emo_mm.errors import InputError

NUM_FOLDS = 5
# Clips of each class, label 0 first, over the five test parts, which together are the whole set.
_TOTALS = {
    DFEW.name: (2445, 1894, 2669, 2173, 1469, 145, 902),
    MAFW.name: (1390, 639, 625, 1242, 1138, 1470, 1072, 236, 916, 262, 182),
    MAFW_COMPOUND.name: (
        425, 310, 180, 1075, 1138, 610, 497, 111, 408, 143, 41, 883, 156, 392, 52, 208, 185, 33, 218, 96, 98, 232, 206,
        22, 45, 542, 90, 32, 54, 13, 39, 26, 59, 76, 12, 131, 18, 37, 17, 19, 36, 19, 12),
}
# Clips of the official lists of MAFW that its audiovisual lists leave out for want of sound, by the fold whose test
# part they are in.
_WITHOUT_SOUND = {MAFW.name: (
    {'anger': 1, 'surprise': 2}, {'anger': 1, 'sadness': 3}, {'happiness': 6}, {'neutral': 2, 'sadness': 1}, {})}


def published_counts(schema: LabelSchema, fold: int, part: str) -> tuple[int, ...]:
    """Return the clips of each class in the official list of a fold, label 0 first.

    Every class is dealt out evenly to the five test parts, the first ones taking what is left over.

    Args:
        schema: DFEW, MAFW or MAFW_COMPOUND.
        fold: 1 to 5.
        part: ``'train'`` or ``'test'``.
    """
    totals = _TOTALS[schema.name]
    _check_fold(fold, part)
    tested = tuple((total + NUM_FOLDS - fold) // NUM_FOLDS for total in totals)
    if part == 'test':
        return tested
    return tuple(total - count for total, count in zip(totals, tested, strict=True))


def left_out_counts(schema: LabelSchema, fold: int, part: str) -> tuple[int, ...]:
    """Return the clips of each class that the audiovisual list leaves out of the official one."""
    _check_fold(fold, part)
    folds = _WITHOUT_SOUND.get(schema.name, ({},) * NUM_FOLDS)
    chosen = [folds[fold - 1]] if part == 'test' else [counts for number, counts in enumerate(folds, 1)
                                                       if number != fold]
    return tuple(sum(counts.get(name, 0) for counts in chosen) for name in schema.classes)


def count_by_class(labels: Iterable[str], schema: LabelSchema) -> tuple[int, ...]:
    """Count class names, label 0 first."""
    counts = Counter(labels)
    return tuple(counts[name] for name in schema.classes)


def differing_counts(labels: Iterable[str], schema: LabelSchema, fold: int, part: str) -> dict[str, tuple[int, int]]:
    """Compare a list of a fold with the official one, and with the audiovisual one where it is another.

    Returns: the classes whose numbers differ from both: name -> (found, published officially); empty where the list
        has the clips of one of the two.
    """
    found = count_by_class(labels, schema)
    official = published_counts(schema, fold, part)
    with_sound = tuple(count - less for count, less in zip(official, left_out_counts(schema, fold, part), strict=True))
    if found in (official, with_sound):
        return {}
    return {name: (here, there) for name, here, there in zip(schema.classes, found, official, strict=True)
            if here != there}


def _check_fold(fold: int, part: str) -> None:
    if fold not in range(1, NUM_FOLDS + 1) or part not in ('train', 'test'):
        raise InputError(f'fold {fold}, part {part!r}: there are the folds 1 to {NUM_FOLDS}, each with train and test.')
