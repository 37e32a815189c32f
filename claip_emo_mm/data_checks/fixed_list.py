"""A list without the clips that would make training wrong."""
from collections.abc import Mapping, Sequence
from pathlib import Path

from claip_emo_mm.data_checks.checked_split import CheckedSplit
from claip_emo_mm.data_checks.clip_probe import ClipProbe
from claip_emo_mm.data_checks.file_checks import is_usable
from claip_emo_mm.data_checks.list_checks import find_class_order
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_csv

Metadata = Mapping[tuple[str, str], ClipProbe]


def write_fixed_list(split: CheckedSplit, splits: Sequence[CheckedSplit], facts: Metadata,
                     overwrite: bool) -> tuple[Path, int] | None:
    """Write a corrected list beside the old one.

    Left out are clips that cannot be read or lack what the pipeline reads, labels that are no class, rows that repeat
    a clip (all of them where they contradict each other), and, from the training, clips that are validated or tested
    on. Labels in a wrong order of the classes, see `find_class_order`, get the right names.

    Args:
        split: the data set.
        splits: all of the config's.
        facts: files of a clip -> what was found in them.
        overwrite: whether a corrected list that is there already may be replaced.
    Returns: the list, and how many clips it leaves out; None where there is nothing to correct.
    Raises:
        InputError: the corrected list is there already or cannot be written, or would be empty.
    """
    names = _right_names(split)
    kept = _kept_clips(split, splits, facts)
    if len(kept) == len(split.clips) and not names:
        return None
    old = Path(split.path)
    new = old.with_name(f'{old.stem}.fixed.csv')
    if not kept:
        raise InputError(f'{new}: not one of the {len(split.clips)} clips of {old} would be left. Look at the '
                         'findings.')
    if new.exists() and not overwrite:
        raise InputError(f'{new}: there is a corrected list already. Move it away, or say --overwrite.')
    write_csv(new, *_table([(clip, names.get(clip.label, clip.label)) for clip in kept], old))
    return new, len(split.clips) - len(kept)


def _right_names(split: CheckedSplit) -> dict[str, str]:
    if split.dataset.published is None:
        return {}
    order = find_class_order([clip.label for clip in split.clips], split.dataset.published)
    return order.names if order else {}


def _kept_clips(split: CheckedSplit, splits: Sequence[CheckedSplit], facts: Metadata) -> list[ListedClip]:
    labels: dict[str, set[str]] = {}
    for clip in split.clips:
        labels.setdefault(split.key(clip)[0], set()).add(clip.label)
    elsewhere, shown_elsewhere = set(), set()
    if split.name == 'train':
        for other in splits:
            if other.name != 'train':
                elsewhere |= {other.key(clip)[0] for clip in other.clips}
                shown_elsewhere |= {facts[other.key(clip)].frame_hash for clip in other.clips
                                    if other.key(clip) in facts}
    shown_elsewhere.discard('')
    kept, seen = [], set()
    for clip in split.clips:
        frames = split.key(clip)[0]
        found = facts.get(split.key(clip))
        good = (found is not None and is_usable(split, found) and clip.label in split.dataset.schema.classes
                and len(labels[frames]) == 1 and frames not in seen and frames not in elsewhere
                and found.frame_hash not in shown_elsewhere)
        if good:
            kept.append(clip)
            seen.add(frames)
    return kept


def _table(rows: Sequence[tuple[ListedClip, str]], path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return header and rows."""
    columns = ('video',) if rows[0][0].video else ('frames', 'audio')
    if any(bool(clip.video) != bool(rows[0][0].video) for clip, _ in rows):
        raise InputError(f'{path}: lists videos and frame folders; make a list of each.')
    return (*columns, 'label'), [(*(getattr(clip, column) for column in columns), label) for clip, label in rows]
