"""A list without the clips that would make training wrong."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from claip_emo_mm.atomic_text import write_csv
from claip_emo_mm.data_preparation.checks.checked_part import CheckedPart
from claip_emo_mm.data_preparation.checks.class_order import find_class_order
from claip_emo_mm.data_preparation.checks.clip_facts import ClipFacts
from claip_emo_mm.data_preparation.checks.file_checks import is_usable
from claip_emo_mm.datasets.annotation_list import ListedClip
from claip_emo_mm.errors import InputError

Facts = Mapping[tuple[str, str], ClipFacts]


def write_fixed_list(part: CheckedPart, parts: Sequence[CheckedPart], facts: Facts,
                     overwrite: bool) -> tuple[Path, int] | None:
    """Write a corrected list beside the old one.

    Left out are clips that cannot be read or lack what the pipeline reads, labels that are no class, rows that repeat
    a clip (all of them where they contradict each other), and, from the training, clips that are validated or tested
    on. Labels in a wrong order of the classes, see `find_class_order`, get the right names.

    Args:
        part: the data set.
        parts: all of the config's.
        facts: files of a clip -> what was found in them.
        overwrite: whether a corrected list that is there already may be replaced.
    Returns: the list, and how many clips it leaves out; None where there is nothing to correct.
    Raises:
        InputError: the corrected list is there already or cannot be written, or would be empty.
    """
    names = _right_names(part)
    kept = _kept_clips(part, parts, facts)
    if len(kept) == len(part.clips) and not names:
        return None
    old = Path(part.path)
    new = old.with_name(f'{old.stem}.fixed.csv')
    if not kept:
        raise InputError(f'{new}: not one of the {len(part.clips)} clips of {old} would be left. Look at the findings.')
    if new.exists() and not overwrite:
        raise InputError(f'{new}: there is a corrected list already. Move it away, or say --overwrite.')
    write_csv(new, *_table([(clip, names.get(clip.label, clip.label)) for clip in kept], old))
    return new, len(part.clips) - len(kept)


def _right_names(part: CheckedPart) -> dict[str, str]:
    if part.dataset.published is None:
        return {}
    order = find_class_order([clip.label for clip in part.clips], part.dataset.published)
    return order.names if order else {}


def _kept_clips(part: CheckedPart, parts: Sequence[CheckedPart], facts: Facts) -> list[ListedClip]:
    labels: dict[str, set[str]] = {}
    for clip in part.clips:
        labels.setdefault(part.key(clip)[0], set()).add(clip.label)
    elsewhere, shown_elsewhere = set(), set()
    if part.name == 'train':
        for other in parts:
            if other.name != 'train':
                elsewhere |= {other.key(clip)[0] for clip in other.clips}
                shown_elsewhere |= {facts[other.key(clip)].picture_hash for clip in other.clips
                                    if other.key(clip) in facts}
    shown_elsewhere.discard('')
    kept, seen = [], set()
    for clip in part.clips:
        pictures = part.key(clip)[0]
        found = facts.get(part.key(clip))
        good = (found is not None and is_usable(part, found) and clip.label in part.dataset.schema.classes
                and len(labels[pictures]) == 1 and pictures not in seen and pictures not in elsewhere
                and found.picture_hash not in shown_elsewhere)
        if good:
            kept.append(clip)
            seen.add(pictures)
    return kept


def _table(rows: Sequence[tuple[ListedClip, str]], path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return header and rows."""
    columns = ('video',) if rows[0][0].video else ('frames', 'audio')
    if any(bool(clip.video) != bool(rows[0][0].video) for clip, _ in rows):
        raise InputError(f'{path}: lists videos and frame folders; make a list of each.')
    return (*columns, 'label'), [(*(getattr(clip, column) for column in columns), label) for clip, label in rows]
