"""The findings as a table, and as a file that names every clip."""
import textwrap
from collections.abc import Sequence
from pathlib import Path

from claip_emo_mm.atomic_text import write_csv
from claip_emo_mm.data_preparation.checks.finding import ERROR, NOTE, WARNING, Finding

_ORDER = {ERROR: 0, WARNING: 1, NOTE: 2}
_NAMED = 3
_WIDTH = 110


def format_table(findings: Sequence[Finding]) -> str:
    """Return the findings, gravest first: grade, check, what was found, which clips, what to do."""
    lines = []
    for finding in sorted(findings, key=lambda finding: _ORDER[finding.grade]):
        lines += textwrap.wrap(f'{finding.where}: {finding.found}', _WIDTH, initial_indent=(
            f'{finding.grade:<9}{finding.check:<20}'), subsequent_indent=' ' * 29, break_long_words=False,
            break_on_hyphens=False)
        if finding.clips and finding.grade != NOTE:
            named = ', '.join(finding.clips[:_NAMED])
            more = f' ... and {len(finding.clips) - _NAMED} more' if len(finding.clips) > _NAMED else ''
            lines.append(f'{"":<29}clips: {named}{more}')
        if finding.remedy:
            lines += textwrap.wrap(f'-> {finding.remedy}', _WIDTH, initial_indent=' ' * 29,
                                   subsequent_indent=' ' * 32, break_long_words=False, break_on_hyphens=False)
    counts = {grade: sum(finding.grade == grade for finding in findings) for grade in _ORDER}
    lines.append(f'{counts[ERROR]} errors, {counts[WARNING]} warnings, {counts[NOTE]} notes')
    return '\n'.join(lines)


def write_findings(path: Path, findings: Sequence[Finding]) -> None:
    """Write a csv with a row for each clip of each finding, or one for a finding that names none."""
    write_csv(path, ('grade', 'check', 'where', 'found', 'remedy', 'clip'), [
        (finding.grade, finding.check, finding.where, finding.found, finding.remedy, clip)
        for finding in findings for clip in finding.clips or ['']])
