"""What became of a data set's clips: counts, what failed, and what else to know."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.atomic_text import write_csv
from claip_emo_mm.data_preparation.clip_preparation import Failure

FAILURES_FILE, NOTES_FILE = 'failures.csv', 'notes.csv'

_NAMED = 8


@dataclass(frozen=True)
class PreparationReport:
    """The outcome of a run.

    Args:
        out: folder of the results.
        lists: the ready lists; none where no clip is ready.
        listed: clips in the published lists.
        with_sound: ready clips with sound.
        without_sound: ids of the ready clips without sound.
        cropped: ready clips whose faces were cropped.
        failures: the clips that are not ready.
        unlisted: ids of the clips on disk that are in no list.
    """
    out: Path
    lists: tuple[Path, ...]
    listed: int
    with_sound: int
    without_sound: tuple[str, ...]
    cropped: int
    failures: tuple[Failure, ...]
    unlisted: tuple[str, ...]

    @property
    def faceless(self) -> tuple[str, ...]:
        """Ids of the clips without a face in any frame."""
        return tuple(failure.clip_id for failure in self.failures if failure.stage == 'face')

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of the other clips that are not ready."""
        return tuple(failure.clip_id for failure in self.failures if failure.stage != 'face')

    def write(self) -> None:
        """Write `failures.csv` (clip, file, stage, reason) and `notes.csv` (clip, note); only a header means none."""
        rows = ((failure.clip_id, failure.file, failure.stage, failure.reason) for failure in self.failures)
        write_csv(self.out / FAILURES_FILE, ('clip', 'file', 'stage', 'reason'), rows)
        notes = [(clip_id, 'no sound: listed with an empty audio cell') for clip_id in self.without_sound]
        notes += [(clip_id, 'in no list: not prepared') for clip_id in self.unlisted]
        write_csv(self.out / NOTES_FILE, ('clip', 'note'), notes)

    def lines(self) -> list[str]:
        """Return the summary, line by line."""
        ready = self.with_sound + len(self.without_sound)
        return [f'  clips          {self.listed:6} in the lists, {ready} ready',
                f'  with sound     {self.with_sound:6}',
                f'  without sound  {_count(self.without_sound)}',
                f'  cropped        {self.cropped:6}{self._kept(ready)}',
                f'  no face        {_count(self.faceless)}',
                f'  failed         {_count(self.failed)}',
                f'  in no list     {_count(self.unlisted)}']

    def _kept(self, ready: int) -> str:
        return f'   ({ready - self.cropped} with their frames as they were)' if ready > self.cropped else ''


def _count(clip_ids: Sequence[str]) -> str:
    more = f' and {len(clip_ids) - _NAMED} more' if len(clip_ids) > _NAMED else ''
    return f'{len(clip_ids):6}   {", ".join(clip_ids[:_NAMED])}{more}'.rstrip()
