"""Check of the data of a config."""
import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, CheckedSplit, Issue, read_splits
from claip_emo_mm.data_checks.clip_probe import ClipJob, ClipProbe, inspect_clips
from claip_emo_mm.data_checks.file_checks import check_faces, check_files, check_identical, check_unlisted
from claip_emo_mm.data_checks.fixed_list import write_fixed_list
from claip_emo_mm.data_checks.list_checks import check_lists, check_official, distinct_lists
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.detector import FaceDetector, SlimFaceDetector
from claip_emo_mm.utils.io import write_csv

_ORDER = {ERROR: 0, WARNING: 1, NOTE: 2}
_NAMED = 3
_WIDTH = 110


def format_table(issues: Sequence[Issue]) -> str:
    """Return the findings, gravest first: grade, check, what was found, which clips, what to do."""
    lines = []
    for issue in sorted(issues, key=lambda issue: _ORDER[issue.severity]):
        lines += textwrap.wrap(f'{issue.where}: {issue.found}', _WIDTH, initial_indent=(
            f'{issue.severity:<9}{issue.check:<20}'), subsequent_indent=' ' * 29, break_long_words=False,
            break_on_hyphens=False)
        if issue.clips and issue.severity != NOTE:
            named = ', '.join(issue.clips[:_NAMED])
            more = f' ... and {len(issue.clips) - _NAMED} more' if len(issue.clips) > _NAMED else ''
            lines.append(f'{"":<29}clips: {named}{more}')
        if issue.hint:
            lines += textwrap.wrap(f'-> {issue.hint}', _WIDTH, initial_indent=' ' * 29,
                                   subsequent_indent=' ' * 32, break_long_words=False, break_on_hyphens=False)
    counts = {severity: sum(issue.severity == severity for issue in issues) for severity in _ORDER}
    lines.append(f'{counts[ERROR]} errors, {counts[WARNING]} warnings, {counts[NOTE]} notes')
    return '\n'.join(lines)


def write_issues(path: Path, issues: Sequence[Issue]) -> None:
    """Write a csv with a row for each clip of each finding, or one for a finding that names none."""
    write_csv(path, ('grade', 'check', 'where', 'found', 'remedy', 'clip'), [
        (issue.severity, issue.check, issue.where, issue.found, issue.hint, clip)
        for issue in issues for clip in issue.clips or ['']])


@dataclass(frozen=True)
class DataCheck:
    """The outcome.

    Args:
        findings: in the order of the checks.
        splits: the data sets that were checked.
        facts: files of a clip -> what was found in them.
    """

    issues: Sequence[Issue]
    splits: Sequence[CheckedSplit]
    facts: dict[tuple[str, str], ClipProbe]

    def write_fixed_lists(self, overwrite: bool = False) -> dict[CheckedSplit, tuple[Path, int]]:
        """Write corrected lists beside those that need it; see ``write_fixed_list``.

        Returns: data set -> its new list, and how many clips that leaves out.
        """
        written, fixed = {}, {}
        for split in self.splits:
            if split.path not in written:  # validation and test often share a list
                written[split.path] = write_fixed_list(split, self.splits, self.facts, overwrite)
            if written[split.path] is not None:
                fixed[split] = written[split.path]
        return fixed


def check_data(cfg: Config, facts_file: Path, workers: int = 1, official: Path | None = None,
               every_frame: bool = False, faces: bool = True, finder: FaceDetector | None = None,
               first_number: int | None = None) -> DataCheck:
    """Check the data sets of a config.

    Args:
        cfg: the config.
        facts_file: keeps what was found in the files, so that an interrupted check goes on.
        workers: processes at most.
        official: folder of the owners' lists, to compare with.
        every_frame: decode every frame instead of the first, the middle and the last one of a clip.
        faces: whether to look if the frames show faces.
        finder: finds them; None for `SlimFaceDetector`.
        first_number: number of the first class in the owners' lists, where they do not tell.
    Raises:
        InputError: the config has no data set of ours, or a list cannot be read.
    """
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    splits = read_splits(cfg)
    issues = list(check_lists(splits, cfg))
    if official is not None:
        for split in distinct_lists(splits):
            issues += check_official(split, official, first_number)
    jobs = _jobs(splits, every_frame)
    found = inspect_clips(list(jobs.values()), facts_file, workers)
    facts = {key: found[job] for key, job in jobs.items()}
    for split in distinct_lists(splits):
        issues += check_files(split, facts)
    issues += check_unlisted(splits)
    issues += check_identical(splits, facts)
    if faces:
        issues += _look_for_faces(splits[0], facts, finder)
    return DataCheck(issues, splits, facts)


def _jobs(splits: Sequence[CheckedSplit], every_frame: bool) -> dict[tuple[str, str], ClipJob]:
    """What is to be looked at of the clips whose files are there: all that any data set reads of them."""
    needs: dict[tuple[str, str], tuple[bool, bool]] = {}
    for split in splits:
        for clip in split.clips:
            frames, audio = needs.get(split.key(clip), (False, False))
            needs[split.key(clip)] = frames or split.looks_at(clip), audio or split.needs_audio
    return {key: ClipJob(*key, *needed, every_frame) for key, needed in needs.items()
            if all(map(os.path.exists, filter(None, key)))}


def _look_for_faces(split: CheckedSplit, facts: dict[tuple[str, str], ClipProbe],
                    finder: FaceDetector | None) -> list[Issue]:
    try:
        return list(check_faces(split, facts, finder or SlimFaceDetector()))
    except InputError as error:
        return [Issue('faces', NOTE, split.path, f'not looked at: {error}')]
