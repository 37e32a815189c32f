"""Checks of annotation lists."""
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, CheckedSplit, Issue
from claip_emo_mm.data_preparation.fold_lists import read_fold_lists
from claip_emo_mm.data_preparation.source_scan import find_distribution
from claip_emo_mm.datasets.labels import MAFW, MAFW_COMPOUND, OTHER_MAFW_ORDER
from claip_emo_mm.datasets.official_splits import OfficialSplit
from claip_emo_mm.errors import named, printable

_KINDS = {MAFW.name: 'single', MAFW_COMPOUND.name: 'compound'}


def find_class_order(labels: Sequence[str], published: OfficialSplit) -> tuple[str, dict[str, str]]:
    """Find the order of class numbers by which each class has as many clips as published.

    Returns: how the numbers were counted, and label as the list has it -> the right one; '' and {} if no order fits.
    """
    classes = published.schema.classes
    orders = {'one too low: they were counted from 1 there': [*classes[1:], classes[0]],
              'one too high: they were counted from 0 there': [classes[-1], *classes[:-1]],
              'numbered in alphabetical order': sorted(classes)}
    if published.schema == MAFW:
        orders['in the order that begins with happiness, as in DFER-CLIP'] = OTHER_MAFW_ORDER
    for title, order in orders.items():
        names = dict(zip(classes, order, strict=True))
        if not published.differing_counts([names[label] for label in labels if label in names]):
            return title, names
    return '', {}


def check_lists(splits: Sequence[CheckedSplit], cfg: Config) -> Iterator[Issue]:
    """Yield what is wrong with the lists of a config."""
    yield from _check_classes(splits, cfg)
    for split in distinct_lists(splits):
        yield from _check_labels(split)
        yield from _check_counts(split)
        yield from _check_repeated(split)
    yield from _check_overlap({split.name: split for split in splits})


def distinct_lists(splits: Sequence[CheckedSplit]) -> list[CheckedSplit]:
    """Keep the first of the splits that read the same list; validation and test often do."""
    return list({split.path: split for split in reversed(splits)}.values())[::-1]


def _check_classes(splits: Sequence[CheckedSplit], cfg: Config) -> Iterator[Issue]:
    first = splits[0].dataset.schema.classes
    for split in splits[1:]:
        if split.dataset.schema.classes != first:
            yield Issue('class order', ERROR, f'{split.name}_dataloader',
                        f'its classes are {", ".join(split.dataset.schema.classes)}; those of {splits[0].name} are '
                        f'{", ".join(first)}', 'Give both data sets the same classes.')
    outputs = ((cfg.get('model') or {}).get('cls_head') or {}).get('num_classes')
    if outputs not in (None, len(first)):
        yield Issue('class order', ERROR, 'model.cls_head', f'num_classes is {outputs}, the data have {len(first)} '
                    'classes', f'Set model.cls_head.num_classes={len(first)}.')


def _check_labels(split: CheckedSplit) -> Iterator[Issue]:
    known = set(split.dataset.schema.classes)
    unknown = [clip for clip in split.clips if clip.label not in known]
    if unknown:
        labels = ', '.join(f'{label!r} ({count})' for label, count in Counter(clip.label for clip in unknown).items())
        yield split.issue('labels', ERROR, f'labels that are no class: {labels}',
                          f'Labels are class names ({", ".join(split.dataset.schema.classes)}): correct them, or make '
                          'the list with tools/prepare_data.py.', unknown)
    absent = known - {clip.label for clip in split.clips}
    if absent:
        yield split.issue('counts', ERROR if split.name == 'train' else WARNING,
                          f'no clip of {", ".join(sorted(absent))}', 'Use the whole list, or classes that it has.')


def _check_counts(split: CheckedSplit) -> Iterator[Issue]:
    published, labels = split.dataset.published, [clip.label for clip in split.clips]
    if published is None:
        counts = Counter(labels)
        shown = ', '.join(f'{name} {counts[name]}' for name in split.dataset.schema.classes)
        yield split.issue('counts', NOTE, f'{len(labels)} clips: {shown}. Nothing published to compare with')
        return
    differing = published.differing_counts(labels)
    if not differing:
        yield split.issue('counts', NOTE, f'{len(labels)} clips, in each class as many as published')
        return
    shown = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
    order, _ = find_class_order(labels, published)
    if order:
        yield split.issue('class order', ERROR, 'the numbers of clips are the published ones under other names: '
                          f'{shown}; the labels are {order}', 'Write the names with the right order; --fix does.')
    else:
        yield split.issue('counts', WARNING, f'{len(labels)} clips; published are other numbers (in brackets): {shown}',
                          'Find out what is missing or too many before you compare metrics; clips that the '
                          'preparation left out are in its failures.csv.')


def _check_repeated(split: CheckedSplit) -> Iterator[Issue]:
    rows = defaultdict(list)
    for clip in split.clips:
        rows[split.key(clip)[0]].append(clip)
    repeated = [clips for clips in rows.values() if len(clips) > 1]
    contradicting = [clips[0] for clips in repeated if len({clip.label for clip in clips}) > 1]
    if contradicting:
        yield split.issue('repeated clips', ERROR, f'{len(contradicting)} clips are listed with several labels',
                          'Look them up in the official list; --fix leaves them out.', contradicting)
    same = [clips[0] for clips in repeated if clips[0] not in contradicting]
    if same:
        yield split.issue('repeated clips', ERROR, f'{len(same)} clips are listed several times',
                          'Take the rows out; --fix keeps the first.', same)


def _check_overlap(splits: dict[str, CheckedSplit]) -> Iterator[Issue]:
    clips = {name: {split.key(clip)[0]: clip for clip in split.clips} for name, split in splits.items()}
    for other in ('val', 'test'):
        shared = clips.get('train', {}).keys() & clips.get(other, {}).keys()
        if shared:
            yield splits['train'].issue(
                'train and test', ERROR, f'{len(shared)} clips are in {splits[other].path} as well',
                'The metrics would be of clips that were trained on: take lists of the same fold; --fix leaves the '
                'clips out of the training.', sorted((clips[other][key] for key in shared), key=lambda clip: clip.name))
    shared = clips.get('val', {}).keys() & clips.get('test', {}).keys()
    if shared:
        yield splits['val'].issue('train and test', NOTE, f'validation and test share {len(shared)} clips: an epoch '
                                  'that is chosen by validation is chosen on the test')


def check_official(split: CheckedSplit, folder: Path, first_number: int | None = None) -> Iterator[Issue]:
    """Yield what differs from the official list of the same fold; nothing for a split that is of no fold."""
    published = split.dataset.published
    if published is None or published.fold is None:
        return
    found = find_distribution(folder)
    for unread, reason in found.unreadable.items():
        yield Issue('official list', WARNING, printable(unread), reason)
    official = read_fold_lists(folder, found.lists, published.schema, [published.fold],
                               _KINDS.get(published.schema.name, ''), first_number)
    labels = {clip_id: clip.label for clip_id, clip in official[published.fold, published.split].items()}
    here = {clip.clip_id: clip for clip in split.clips}
    for severity, names, text, hint in (
            (WARNING, sorted(labels.keys() - here.keys()), f'of its {len(labels)} clips are not here',
             'The audiovisual lists leave out clips without audio; others may have failed to be prepared.'),
            (ERROR, sorted(here.keys() - labels.keys()), 'clips are not in it',
             'Is this list of another fold, or of the other split?')):
        if names:
            yield Issue('official list', severity, split.path, f'{len(names)} {text}: '
                        f'{named(names, 20)}', hint, names)
    wrong = [name for name, clip in here.items() if name in labels and clip.label != labels[name]]
    if wrong:
        first = here[wrong[0]]
        yield Issue('labels', ERROR, split.path, f'{len(wrong)} of {len(here)} clips have another label than in the '
                    f'official list: {first.name} is {first.label} here, {labels[wrong[0]]} there',
                    'Make the list again with tools/prepare_data.py.', wrong)
    elif here:
        yield split.issue('labels', NOTE, f'{len(here)} clips have the label that the official list names')
