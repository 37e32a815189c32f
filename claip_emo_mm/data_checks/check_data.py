"""The check of a config's data: its report and the corrected lists."""
import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, CheckedSplit, Issue, read_splits
from claip_emo_mm.data_checks.clip_probe import ClipJob, Probes, probe_clips
from claip_emo_mm.data_checks.file_checks import check_faces, check_files, check_identical, check_unlisted, is_usable
from claip_emo_mm.data_checks.list_checks import check_lists, check_official, distinct_lists, find_class_order
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.errors import InputError, named
from claip_emo_mm.faces.detector import FaceDetector, default_detector
from claip_emo_mm.utils.io import write_csv

_SEVERITIES = (ERROR, WARNING, NOTE)


def format_table(issues: Sequence[Issue]) -> str:
    """Return the issues, errors first: severity, check, what was found, which clips, what to do."""
    lines: list[str] = []

    def add(text: str, first: str, indent: int) -> None:
        lines.extend(textwrap.wrap(text, 110, initial_indent=first, subsequent_indent=' ' * indent,
                                   break_long_words=False, break_on_hyphens=False))

    for issue in sorted(issues, key=lambda issue: _SEVERITIES.index(issue.severity)):
        add(f'{issue.where}: {issue.found}', f'{issue.severity:<9}{issue.check:<20}', 29)
        if issue.clips and issue.severity != NOTE:
            lines.append(f'{"":<29}clips: {named(issue.clips)}')
        if issue.hint:
            add(f'-> {issue.hint}', ' ' * 29, 32)
    errors, warnings, notes = (sum(issue.severity == severity for issue in issues) for severity in _SEVERITIES)
    return '\n'.join([*lines, f'{errors} errors, {warnings} warnings, {notes} notes'])


def write_issues(path: Path, issues: Sequence[Issue]) -> None:
    """Write a csv with a row for each clip of each issue, or one for an issue that names none."""
    write_csv(path, ('grade', 'check', 'where', 'found', 'remedy', 'clip'), [
        (issue.severity, issue.check, issue.where, issue.found, issue.hint, clip)
        for issue in issues for clip in issue.clips or ['']])


@dataclass(frozen=True)
class DataCheck:
    """The outcome of `check_data`."""
    issues: Sequence[Issue]  # in the order of the checks
    splits: Sequence[CheckedSplit]  # the splits that were checked
    probes: Probes  # files of a clip, see ``CheckedSplit.key`` -> what they hold; without clips whose files are missing

    def write_fixed_lists(self, overwrite: bool = False) -> dict[CheckedSplit, tuple[Path, int]]:
        """Write corrected lists beside those that need it; see ``write_fixed_list``.

        Returns: split -> its new list, and how many clips that excludes.
        """
        written = {split.path: write_fixed_list(split, self.splits, self.probes, overwrite)
                   for split in distinct_lists(self.splits)}
        return {split: written[split.path] for split in self.splits if written[split.path] is not None}


def check_data(cfg: Config, cache_file: Path, workers: int = 1, official: Path | None = None,
               every_frame: bool = False, faces: bool = True, detector: FaceDetector | None = None,
               first_number: int | None = None) -> DataCheck:
    """Check the data sets of a config.

    Args:
        cfg: the config.
        cache_file: keeps what the files hold, so that an interrupted check can be resumed.
        workers: processes at most.
        official: folder of the official lists, to compare with.
        every_frame: decode every frame instead of the first, the middle and the last one of a clip.
        faces: whether to check that the frames show faces.
        detector: finds them; None for `default_detector`.
        first_number: number of the first class in official lists that do not tell, see `read_official_list`.
    Raises:
        InputError: the config has no data set of this package, or a list cannot be read.
    """
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    splits = read_splits(cfg)
    issues = list(check_lists(splits, cfg))
    if official is not None:
        for split in distinct_lists(splits):
            issues += check_official(split, official, first_number)
    jobs = _jobs(splits, every_frame)
    probed = probe_clips(list(jobs.values()), cache_file, workers)
    probes = {key: probed[job] for key, job in jobs.items()}
    for split in distinct_lists(splits):
        issues += check_files(split, probes)
    issues += check_unlisted(splits)
    issues += check_identical(splits, probes)
    if faces:
        try:
            issues += check_faces(splits[0], probes, detector or default_detector())
        except InputError as error:
            issues.append(splits[0].issue('faces', NOTE, f'not checked: {error}'))
    return DataCheck(issues, splits, probes)


def _jobs(splits: Sequence[CheckedSplit], every_frame: bool) -> dict[tuple[str, str], ClipJob]:
    """Collect what any split reads of the clips whose files exist."""
    needs: dict[tuple[str, str], tuple[bool, bool]] = {}
    for split in splits:
        for clip in split.clips:
            frames, audio = needs.get(split.key(clip), (False, False))
            reads_frames = split.needs_frames and not (clip.is_audio_alone and split.frames_optional)
            needs[split.key(clip)] = frames or reads_frames, audio or split.needs_audio
    return {key: ClipJob(*key, *needed, every_frame) for key, needed in needs.items()
            if all(map(os.path.exists, filter(None, key)))}


def write_fixed_list(split: CheckedSplit, splits: Sequence[CheckedSplit], probes: Probes,
                     overwrite: bool) -> tuple[Path, int] | None:
    """Write a corrected list beside the old one; return it and how many clips it excludes, None if nothing is wrong.

    It excludes clips that cannot be read or lack what the pipeline reads, labels that are no class, rows that repeat a
    clip (all of them where they contradict each other), and, from the training, clips that are validated or tested on.
    Labels in a wrong order of the classes, see `find_class_order`, get the right names.
    """
    published = split.dataset.published
    names = find_class_order([clip.label for clip in split.clips], published)[1] if published else {}
    kept = _usable_clips(split, splits, probes)
    if len(kept) == len(split.clips) and not names:
        return None
    old = Path(split.path)
    new = old.with_name(f'{old.stem}.fixed.csv')
    if not kept:
        raise InputError(f'{new}: not one of the {len(split.clips)} clips of {old} would be left. Look at the issues.')
    if new.exists() and not overwrite:
        raise InputError(f'{new}: there is a corrected list already. Move it away, or say --overwrite.')
    columns = ('video',) if kept[0].video else ('frames', 'audio')
    if any(bool(clip.video) != bool(kept[0].video) for clip in kept):
        raise InputError(f'{old}: lists videos and frame folders; make a list of each.')
    write_csv(new, (*columns, 'label'), ((*(getattr(clip, column) for column in columns),
                                          names.get(clip.label, clip.label)) for clip in kept))
    return new, len(split.clips) - len(kept)


def _usable_clips(split: CheckedSplit, splits: Sequence[CheckedSplit], probes: Probes) -> list[ListedClip]:
    labels: dict[str, set[str]] = {}
    for clip in split.clips:
        labels.setdefault(split.key(clip)[0], set()).add(clip.label)
    tested, tested_hashes = set(), set()
    for other in splits:
        if split.name == 'train' != other.name:
            keys = {other.key(clip) for clip in other.clips}
            tested |= {frames for frames, _ in keys}
            tested_hashes |= {probes[key].frame_hash for key in keys if key in probes} - {''}
    kept: dict[str, ListedClip] = {}
    for clip in split.clips:
        frames, probe = split.key(clip)[0], probes.get(split.key(clip))
        if (probe is not None and is_usable(split, probe) and clip.label in split.dataset.schema.classes
                and len(labels[frames]) == 1 and frames not in tested and probe.frame_hash not in tested_hashes):
            kept.setdefault(frames, clip)
    return list(kept.values())
