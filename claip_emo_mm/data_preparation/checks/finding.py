"""One thing that is off, and what to do about it."""
from collections.abc import Sequence
from dataclasses import dataclass

ERROR, WARNING, NOTE = 'error', 'warning', 'note'


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        check: name of the check.
        grade: ``'error'``: training or its figures would be wrong; ``'warning'``: look at it; ``'note'``: to know.
        where: the list, or the part of the config.
        found: what was found, in a line.
        remedy: what to do; '' for a note.
        clips: the clips that it concerns, as the list names them.
    """

    check: str
    grade: str
    where: str
    found: str
    remedy: str = ''
    clips: Sequence[str] = ()
