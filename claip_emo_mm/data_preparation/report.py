"""Report of a preparation."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from claip_emo_mm.data_preparation.clips import Failure
from claip_emo_mm.errors import printable
from claip_emo_mm.utils.io import write_csv

FAILURES_FILE, NOTES_FILE = 'failures.csv', 'notes.csv'

_NAMED = 8


@dataclass(frozen=True)
class PreparationReport:
    """The outcome of a run.

    Args:
        out: folder of the results.
        lists: the ready lists; none where no clip is ready.
        listed: clips in the published lists.
        with_audio: ready clips with audio.
        without_audio: ids of the ready clips without audio.
        cropped: ready clips whose faces were cropped.
        failures: the clips that are not ready, and folders that cannot be read.
        unlisted: ids of the clips on disk that are in no list.
        unused: what else lies there, in words.
    """
    out: Path
    lists: tuple[Path, ...]
    listed: int
    with_audio: int
    without_audio: tuple[str, ...]
    cropped: int
    failures: tuple[Failure, ...]
    unlisted: tuple[str, ...]
    unused: str = ''

    @property
    def faceless(self) -> tuple[str, ...]:
        """Ids of the clips without a face in any frame."""
        return tuple(failure.clip_id for failure in self.failures if failure.stage == 'face')

    @property
    def failed(self) -> tuple[str, ...]:
        """Ids of the other clips that are not ready."""
        return tuple(failure.clip_id for failure in self.failures if failure.stage not in ('face', 'folder'))

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders that cannot be read."""
        return tuple(failure.file for failure in self.failures if failure.stage == 'folder')

    def write(self) -> None:
        """Write `failures.csv` (clip, file, stage, reason) and `notes.csv` (clip, note); only a header means none."""
        write_failures(self.out, self.failures)
        notes = [(clip_id, 'no audio: listed with an empty audio cell') for clip_id in self.without_audio]
        notes += [(clip_id, 'in no list: not prepared') for clip_id in self.unlisted]
        write_notes(self.out, notes)

    def lines(self) -> list[str]:
        """Return the summary, line by line."""
        ready = self.with_audio + len(self.without_audio)
        lines = [f'  clips          {self.listed:6} in the lists, {ready} ready',
                 f'  with audio     {self.with_audio:6}',
                 f'  without audio  {_count(self.without_audio)}',
                 f'  cropped        {self.cropped:6}{self._kept(ready)}',
                 f'  no face        {_count(self.faceless)}',
                 f'  failed         {_count(self.failed)}',
                 f'  in no list     {_count(self.unlisted)}']
        if self.unused:
            lines.append(f'  not used       {self.unused}')
        return lines

    def _kept(self, ready: int) -> str:
        return f'   ({ready - self.cropped} with their frames as they were)' if ready > self.cropped else ''


def write_failures(out: Path, failures: Iterable[Failure]) -> None:
    """Write `failures.csv` (clip, file, stage, reason)."""
    write_csv(out / FAILURES_FILE, ('clip', 'file', 'stage', 'reason'),
              (tuple(map(printable, (failure.clip_id, failure.file, failure.stage, failure.reason)))
               for failure in failures))


def write_notes(out: Path, notes: Iterable[tuple[str, str]]) -> None:
    """Write `notes.csv` (clip, note)."""
    write_csv(out / NOTES_FILE, ('clip', 'note'), notes)


def _count(clip_ids: Sequence[str]) -> str:
    more = f' and {len(clip_ids) - _NAMED} more' if len(clip_ids) > _NAMED else ''
    return f'{len(clip_ids):6}   {", ".join(clip_ids[:_NAMED])}{more}'.rstrip()
