"""The lists of a config against the lists that the data set's owners hand out, clip by clip, by name."""
from collections.abc import Iterator
from pathlib import Path

from claip_emo_mm.data_preparation.checks.checked_part import CheckedPart
from claip_emo_mm.data_preparation.checks.finding import ERROR, NOTE, WARNING, Finding
from claip_emo_mm.data_preparation.distribution import find_distribution
from claip_emo_mm.data_preparation.fold_lists import read_fold_lists
from claip_emo_mm.datasets.annotation_list import ListedClip
from claip_emo_mm.datasets.label_schemas import MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.published_lists.forms import clip_id
from claip_emo_mm.utils import printable

_KINDS = {MAFW.name: 'single', MAFW_COMPOUND.name: 'compound'}


def check_official(part: CheckedPart, folder: Path, first_number: int | None = None) -> Iterator[Finding]:
    """Yield what differs from the owners' list of the same fold.

    Args:
        part: a data set that says its fold; others are passed over.
        folder: holds the owners' lists, as deep as they like.
        first_number: number of the first class in lists that do not tell, see `read_published_list`.
    Raises:
        InputError: the lists are not there or cannot be read.
    """
    published = part.dataset.published
    if published is None:
        return
    found = find_distribution(folder)
    for unread, reason in found.unreadable.items():
        yield Finding('official list', WARNING, printable(unread), reason)
    official = read_fold_lists(folder, found.lists, published.schema, [published.fold],
                               _KINDS.get(published.schema.name, ''), first_number)
    labels = {clip.clip_id: clip.label for clip in official[published.fold, published.part]}
    here = {clip_id(clip.name): clip for clip in part.clips}
    absent = sorted(labels.keys() - here.keys())
    if absent:
        yield Finding('official list', WARNING, part.path, f'{len(absent)} of its {len(labels)} clips are not here: '
                      f'{", ".join(absent[:20])}{" ..." if len(absent) > 20 else ""}',
                      'The audiovisual lists leave out clips for want of sound; others may have failed to be prepared.',
                      absent)
    strange = sorted(here.keys() - labels.keys())
    if strange:
        yield Finding('official list', ERROR, part.path, f'{len(strange)} clips are not in it: '
                      f'{", ".join(strange[:20])}{" ..." if len(strange) > 20 else ""}',
                      'Is this list of another fold, or of the other part?', strange)
    yield from _check_labels(part, labels, here)


def _check_labels(part: CheckedPart, labels: dict[str, str], here: dict[str, ListedClip]) -> Iterator[Finding]:
    wrong = [name for name, clip in here.items() if name in labels and clip.label != labels[name]]
    if wrong:
        first = here[wrong[0]]
        yield Finding('labels', ERROR, part.path, f'{len(wrong)} of {len(here)} clips have another label than in the '
                      f'official list: {first.name} is {first.label} here, {labels[wrong[0]]} there',
                      'Make the list again with tools/prepare_data.py.', wrong)
    elif here:
        yield Finding('labels', NOTE, part.path, f'{len(here)} clips have the label that the official list names')
