"""What the lists alone tell: their classes, their counts, and clips that are in several places."""
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from mmengine.config import Config

from claip_emo_mm.data_preparation.checks.checked_part import CheckedPart
from claip_emo_mm.data_preparation.checks.class_order import find_class_order
from claip_emo_mm.data_preparation.checks.finding import ERROR, NOTE, WARNING, Finding


def check_lists(parts: Sequence[CheckedPart], cfg: Config) -> Iterator[Finding]:
    """Yield what is off in the lists of a config."""
    yield from _check_classes(parts, cfg)
    for part in distinct_lists(parts):
        yield from _check_labels(part)
        yield from _check_counts(part)
        yield from _check_repeated(part)
    yield from _check_overlap(parts)


def distinct_lists(parts: Sequence[CheckedPart]) -> list[CheckedPart]:
    """Leave out data sets whose list another one reads as well; validation and test often share one."""
    return list({part.path: part for part in reversed(parts)}.values())[::-1]


def _check_classes(parts: Sequence[CheckedPart], cfg: Config) -> Iterator[Finding]:
    first = parts[0]
    for part in parts[1:]:
        if part.dataset.schema.classes != first.dataset.schema.classes:
            yield Finding('class order', ERROR, f'{part.name}_dataloader',
                          f'its classes are {", ".join(part.dataset.schema.classes)}; those of {first.name} are '
                          f'{", ".join(first.dataset.schema.classes)}', 'Give both data sets the same classes.')
    outputs = ((cfg.get('model') or {}).get('cls_head') or {}).get('num_classes')
    count = len(first.dataset.schema.classes)
    if outputs is not None and outputs != count:
        yield Finding('class order', ERROR, 'model.cls_head',
                      f'num_classes is {outputs}, the data have {count} classes',
                      f'Set model.cls_head.num_classes={count}.')


def _check_labels(part: CheckedPart) -> Iterator[Finding]:
    known = set(part.dataset.schema.classes)
    unknown = [clip for clip in part.clips if clip.label not in known]
    if unknown:
        labels = ', '.join(f'{label!r} ({count})' for label, count in Counter(clip.label for clip in unknown).items())
        yield Finding('labels', ERROR, part.path, f'labels that are no class: {labels}',
                      f'Labels are class names ({", ".join(part.dataset.schema.classes)}): correct them, or make the '
                      'list with tools/prepare_data.py.', [clip.name for clip in unknown])
    absent = known - {clip.label for clip in part.clips}
    if absent:
        yield Finding('counts', ERROR if part.name == 'train' else WARNING, part.path,
                      f'no clip of {", ".join(sorted(absent))}', 'Use the whole list, or classes that it has.')


def _check_counts(part: CheckedPart) -> Iterator[Finding]:
    published = part.dataset.published
    if published is None:
        counts = Counter(clip.label for clip in part.clips)
        shown = ', '.join(f'{name} {counts[name]}' for name in part.dataset.schema.classes)
        yield Finding('counts', NOTE, part.path, f'{len(part.clips)} clips: {shown}. Nothing published to compare with')
        return
    labels = [clip.label for clip in part.clips]
    differing = published.differing_counts(labels)
    if not differing:
        yield Finding('counts', NOTE, part.path, f'{len(labels)} clips, in each class as many as published')
        return
    shown = ', '.join(f'{name} {here} ({there})' for name, (here, there) in differing.items())
    order = find_class_order(labels, published)
    if order is not None:
        yield Finding('class order', ERROR, part.path,
                      f'the numbers of clips are the published ones under other names: {shown}; the labels are '
                      f'{order.title}', 'Write the names with the right order; --fix does.')
    else:
        yield Finding('counts', WARNING, part.path, f'{len(labels)} clips; published are other numbers (in brackets): '
                      f'{shown}', 'Find out what is missing or too many before you compare figures; clips that the '
                      'preparation left out are in its failures.csv.')


def _check_repeated(part: CheckedPart) -> Iterator[Finding]:
    rows = defaultdict(list)
    for clip in part.clips:
        rows[part.key(clip)[0]].append(clip)
    repeated = [clips for clips in rows.values() if len(clips) > 1]
    if not repeated:
        return
    differing = [clips[0].name for clips in repeated if len({clip.label for clip in clips}) > 1]
    if differing:
        yield Finding('repeated clips', ERROR, part.path, f'{len(differing)} clips are listed with several labels',
                      'Look them up in the owners\' list; --fix leaves them out.', differing)
    same = [clips[0].name for clips in repeated if clips[0].name not in set(differing)]
    if same:
        yield Finding('repeated clips', ERROR, part.path, f'{len(same)} clips are listed several times',
                      'Take the rows out; --fix keeps the first.', same)


def _check_overlap(parts: Sequence[CheckedPart]) -> Iterator[Finding]:
    keys = {part.name: {part.key(clip)[0]: clip for clip in part.clips} for part in parts}
    by_name = {part.name: part for part in parts}
    for other in ('val', 'test'):
        if 'train' in keys and other in keys:
            shared = keys['train'].keys() & keys[other].keys()
            if shared:
                yield Finding('train and test', ERROR, by_name['train'].path,
                              f'{len(shared)} clips are in {by_name[other].path} as well',
                              'The figures would be of clips that were trained on: take lists of the same fold; --fix '
                              'leaves the clips out of the training.',
                              sorted(keys[other][key].name for key in shared))
    if 'val' in keys and 'test' in keys and keys['val'].keys() & keys['test'].keys():
        yield Finding('train and test', NOTE, by_name['val'].path,
                      f'validation and test share {len(keys["val"].keys() & keys["test"].keys())} clips: an epoch that '
                      'is chosen by validation is chosen on the test')
