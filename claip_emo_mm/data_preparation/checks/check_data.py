"""All checks of the data of a config, in their order."""
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from claip_emo_mm.apis.face_finder import FaceFinder, SlimFaceFinder
from claip_emo_mm.data_preparation.checks.checked_part import CheckedPart, read_parts
from claip_emo_mm.data_preparation.checks.clip_facts import ClipFacts, ClipJob
from claip_emo_mm.data_preparation.checks.face_check import check_faces
from claip_emo_mm.data_preparation.checks.facts_file import inspect_clips
from claip_emo_mm.data_preparation.checks.file_checks import check_files, check_identical, check_unlisted
from claip_emo_mm.data_preparation.checks.finding import NOTE, Finding
from claip_emo_mm.data_preparation.checks.fixed_list import write_fixed_list
from claip_emo_mm.data_preparation.checks.list_checks import check_lists, distinct_lists
from claip_emo_mm.data_preparation.checks.official_check import check_official
from claip_emo_mm.errors import InputError


@dataclass(frozen=True)
class DataCheck:
    """The outcome.

    Args:
        findings: in the order of the checks.
        parts: the data sets that were checked.
        facts: files of a clip -> what was found in them.
    """

    findings: Sequence[Finding]
    parts: Sequence[CheckedPart]
    facts: dict[tuple[str, str], ClipFacts]

    def write_fixed_lists(self, overwrite: bool = False) -> dict[CheckedPart, tuple[Path, int]]:
        """Write corrected lists beside those that need it; see ``write_fixed_list``.

        Returns: data set -> its new list, and how many clips that leaves out.
        """
        written, fixed = {}, {}
        for part in self.parts:
            if part.path not in written:  # validation and test often share a list
                written[part.path] = write_fixed_list(part, self.parts, self.facts, overwrite)
            if written[part.path] is not None:
                fixed[part] = written[part.path]
        return fixed


def check_data(cfg: Config, facts_file: Path, workers: int = 1, official: Path | None = None,
               every_frame: bool = False, faces: bool = True, finder: FaceFinder | None = None,
               first_number: int | None = None) -> DataCheck:
    """Check the data sets of a config.

    Args:
        cfg: the config.
        facts_file: keeps what was found in the files, so that an interrupted check goes on.
        workers: processes at most.
        official: folder of the owners' lists, to compare with.
        every_frame: decode every frame instead of the first, the middle and the last one of a clip.
        faces: whether to look if the pictures show faces.
        finder: finds them; None for `SlimFaceFinder`.
        first_number: number of the first class in the owners' lists, where they do not tell.
    Raises:
        InputError: the config has no data set of ours, or a list cannot be read.
    """
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    parts = read_parts(cfg)
    findings = list(check_lists(parts, cfg))
    if official is not None:
        for part in distinct_lists(parts):
            findings += check_official(part, official, first_number)
    jobs = _jobs(parts, every_frame)
    found = inspect_clips(list(jobs.values()), facts_file, workers)
    facts = {key: found[job] for key, job in jobs.items()}
    for part in distinct_lists(parts):
        findings += check_files(part, facts)
    findings += check_unlisted(parts)
    findings += check_identical(parts, facts)
    if faces:
        findings += _look_for_faces(parts[0], facts, finder)
    return DataCheck(findings, parts, facts)


def _jobs(parts: Sequence[CheckedPart], every_frame: bool) -> dict[tuple[str, str], ClipJob]:
    """What is to be looked at of the clips whose files are there: all that any data set reads of them."""
    needs: dict[tuple[str, str], tuple[bool, bool]] = {}
    for part in parts:
        for clip in part.clips:
            pictures, sound = needs.get(part.key(clip), (False, False))
            needs[part.key(clip)] = pictures or part.looks_at(clip), sound or part.needs_sound
    return {key: ClipJob(*key, *needed, every_frame) for key, needed in needs.items()
            if all(map(os.path.exists, filter(None, key)))}


def _look_for_faces(part: CheckedPart, facts: dict[tuple[str, str], ClipFacts],
                    finder: FaceFinder | None) -> list[Finding]:
    try:
        return list(check_faces(part, facts, finder or SlimFaceFinder()))
    except InputError as error:
        return [Finding('faces', NOTE, part.path, f'not looked at: {error}')]
