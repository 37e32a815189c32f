"""Checks of annotation lists."""
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, CheckedSplit, Issue
from claip_emo_mm.data_preparation.fold_lists import read_fold_lists
from claip_emo_mm.data_preparation.source_scan import find_distribution
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.datasets.labels import MAFW, MAFW_COMPOUND, OTHER_MAFW_ORDER, LabelSchema
from claip_emo_mm.datasets.official_splits import OfficialSplit
from claip_emo_mm.errors import printable


@dataclass(frozen=True)
class ClassOrder:
    """An order in which somebody numbered the classes.

    Args:
        title: what it is.
        names: label as the list has it -> the right one.
    """

    title: str
    names: dict[str, str]


def find_class_order(labels: Sequence[str], published: OfficialSplit) -> ClassOrder | None:
    """Try the orders in which people number the classes until each class has as many clips as published.

    Args:
        labels: class names of the list, read in the schema's order.
        published: what the list should be.
    Returns: the order that fits; None where none does.
    """
    for order in _orders(published.schema):
        if not published.differing_counts([order.names[label] for label in labels if label in order.names]):
            return order
    return None


def _orders(schema: LabelSchema) -> list[ClassOrder]:
    classes = schema.classes
    count = len(classes)
    numbered = {
        'one too low: they were counted from 1 there': [classes[(label + 1) % count] for label in range(count)],
        'one too high: they were counted from 0 there': [classes[label - 1] for label in range(count)],
        'numbered in alphabetical order': sorted(classes),
    }
    if schema == MAFW:
        numbered['in the order that begins with happiness, as in DFER-CLIP'] = [
            MAFW.classes[label] for label in MAFW.order_of(OTHER_MAFW_ORDER)]
    return [ClassOrder(title, dict(zip(classes, order, strict=True))) for title, order in numbered.items()]


def check_lists(splits: Sequence[CheckedSplit], cfg: Config) -> Iterator[Issue]:
    """Yield what is off in the lists of a config."""
    yield from _check_classes(splits, cfg)
    for split in distinct_lists(splits):
        yield from _check_labels(split)
        yield from _check_counts(split)
        yield from _check_repeated(split)
    yield from _check_overlap(splits)


def distinct_lists(splits: Sequence[CheckedSplit]) -> list[CheckedSplit]:
    """Leave out data sets whose list another one reads as well; validation and test often share one."""
    return list({split.path: split for split in reversed(splits)}.values())[::-1]


def _check_classes(splits: Sequence[CheckedSplit], cfg: Config) -> Iterator[Issue]:
    first = splits[0]
    for split in splits[1:]:
        if split.dataset.schema.classes != first.dataset.schema.classes:
            yield Issue('class order', ERROR, f'{split.name}_dataloader',
                          f'its classes are {", ".join(split.dataset.schema.classes)}; those of {first.name} are '
                          f'{", ".join(first.dataset.schema.classes)}', 'Give both data sets the same classes.')
    outputs = ((cfg.get('model') or {}).get('cls_head') or {}).get('num_classes')
    count = len(first.dataset.schema.classes)
    if outputs is not None and outputs != count:
        yield Issue('class order', ERROR, 'model.cls_head',
                      f'num_classes is {outputs}, the data have {count} classes',
                      f'Set model.cls_head.num_classes={count}.')


def _check_labels(split: CheckedSplit) -> Iterator[Issue]:
    known = set(split.dataset.schema.classes)
    unknown = [clip for clip in split.clips if clip.label not in known]
    if unknown:
        labels = ', '.join(f'{label!r} ({count})' for label, count in Counter(clip.label for clip in unknown).items())
        yield Issue('labels', ERROR, split.path, f'labels that are no class: {labels}',
                      f'Labels are class names ({", ".join(split.dataset.schema.classes)}): correct them, or make the '
                      'list with tools/prepare_data.py.', [clip.name for clip in unknown])
    absent = known - {clip.label for clip in split.clips}
    if absent:
        yield Issue('counts', ERROR if split.name == 'train' else WARNING, split.path,
                      f'no clip of {", ".join(sorted(absent))}', 'Use the whole list, or classes that it has.')


def _check_counts(split: CheckedSplit) -> Iterator[Issue]:
    published = split.dataset.published
    if published is None:
        counts = Counter(clip.label for clip in split.clips)
        shown = ', '.join(f'{name} {counts[name]}' for name in split.dataset.schema.classes)
        yield Issue('counts', NOTE, split.path, f'{len(split.clips)} clips: {shown}. Nothing published to compare with')
        return
    labels = [clip.label for clip in split.clips]
    differing = published.differing_counts(labels)
    if not differing:
        yield Issue('counts', NOTE, split.path, f'{len(labels)} clips, in each class as many as published')
        return
    shown = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
    order = find_class_order(labels, published)
    if order is not None:
        yield Issue('class order', ERROR, split.path,
                      f'the numbers of clips are the published ones under other names: {shown}; the labels are '
                      f'{order.title}', 'Write the names with the right order; --fix does.')
    else:
        yield Issue('counts', WARNING, split.path, f'{len(labels)} clips; published are other numbers (in brackets): '
                      f'{shown}', 'Find out what is missing or too many before you compare metrics; clips that the '
                      'preparation left out are in its failures.csv.')


def _check_repeated(split: CheckedSplit) -> Iterator[Issue]:
    rows = defaultdict(list)
    for clip in split.clips:
        rows[split.key(clip)[0]].append(clip)
    repeated = [clips for clips in rows.values() if len(clips) > 1]
    if not repeated:
        return
    differing = [clips[0].name for clips in repeated if len({clip.label for clip in clips}) > 1]
    if differing:
        yield Issue('repeated clips', ERROR, split.path, f'{len(differing)} clips are listed with several labels',
                      'Look them up in the owners\' list; --fix leaves them out.', differing)
    same = [clips[0].name for clips in repeated if clips[0].name not in set(differing)]
    if same:
        yield Issue('repeated clips', ERROR, split.path, f'{len(same)} clips are listed several times',
                      'Take the rows out; --fix keeps the first.', same)


def _check_overlap(splits: Sequence[CheckedSplit]) -> Iterator[Issue]:
    keys = {split.name: {split.key(clip)[0]: clip for clip in split.clips} for split in splits}
    by_name = {split.name: split for split in splits}
    for other in ('val', 'test'):
        if 'train' in keys and other in keys:
            shared = keys['train'].keys() & keys[other].keys()
            if shared:
                yield Issue('train and test', ERROR, by_name['train'].path,
                              f'{len(shared)} clips are in {by_name[other].path} as well',
                              'The metrics would be of clips that were trained on: take lists of the same fold; --fix '
                              'leaves the clips out of the training.',
                              sorted(keys[other][key].name for key in shared))
    if 'val' in keys and 'test' in keys and keys['val'].keys() & keys['test'].keys():
        yield Issue('train and test', NOTE, by_name['val'].path,
                      f'validation and test share {len(keys["val"].keys() & keys["test"].keys())} clips: an epoch that '
                      'is chosen by validation is chosen on the test')


_KINDS = {MAFW.name: 'single', MAFW_COMPOUND.name: 'compound'}


def check_official(split: CheckedSplit, folder: Path, first_number: int | None = None) -> Iterator[Issue]:
    """Yield what differs from the owners' list of the same fold.

    Args:
        split: a data set that says its fold; others are passed over.
        folder: holds the owners' lists, as deep as they like.
        first_number: number of the first class in lists that do not tell, see `read_official_list`.
    Raises:
        InputError: the lists are not there or cannot be read.
    """
    published = split.dataset.published
    if published is None:
        return
    found = find_distribution(folder)
    for unread, reason in found.unreadable.items():
        yield Issue('official list', WARNING, printable(unread), reason)
    official = read_fold_lists(folder, found.lists, published.schema, [published.fold],
                               _KINDS.get(published.schema.name, ''), first_number)
    labels = {clip.clip_id: clip.label for clip in official[published.fold, published.split]}
    here = {clip.clip_id: clip for clip in split.clips}
    absent = sorted(labels.keys() - here.keys())
    if absent:
        yield Issue('official list', WARNING, split.path, f'{len(absent)} of its {len(labels)} clips are not here: '
                      f'{", ".join(absent[:20])}{" ..." if len(absent) > 20 else ""}',
                      'The audiovisual lists leave out clips for want of audio; others may have failed to be prepared.',
                      absent)
    strange = sorted(here.keys() - labels.keys())
    if strange:
        yield Issue('official list', ERROR, split.path, f'{len(strange)} clips are not in it: '
                      f'{", ".join(strange[:20])}{" ..." if len(strange) > 20 else ""}',
                      'Is this list of another fold, or of the other split?', strange)
    yield from _check_official_labels(split, labels, here)


def _check_official_labels(split: CheckedSplit, labels: dict[str, str], here: dict[str, ListedClip]) -> Iterator[Issue]:
    wrong = [name for name, clip in here.items() if name in labels and clip.label != labels[name]]
    if wrong:
        first = here[wrong[0]]
        yield Issue('labels', ERROR, split.path, f'{len(wrong)} of {len(here)} clips have another label than in the '
                      f'official list: {first.name} is {first.label} here, {labels[wrong[0]]} there',
                      'Make the list again with tools/prepare_data.py.', wrong)
    elif here:
        yield Issue('labels', NOTE, split.path, f'{len(here)} clips have the label that the official list names')
