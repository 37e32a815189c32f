"""Features on disk: rows of memory-mapped arrays, and an index of the rows of each clip."""
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from claip_emo_mm.datasets.feature_cache.content import CLIP_BYTES, JsonLines
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import read_json, write_json

DTYPES = ('float32', 'float16')
DESCRIPTION = 'description.json'
CLIPS = 'clips.jsonl'  # what is known of media
# A row of features: whose it is, of which augmented version, and which frame or audio window.
_ENTRY = np.dtype([('high', '>u8'), ('low', '>u8'), ('version', '<i4'), ('id', '<i8')])


class FeatureStore:
    """Features of one encoder and one front end, in a folder that several processes may read and extend at once.

    ``description.json`` says what they are of, with ``dtype`` and ``shape`` of a row. Each writing process appends to a
    pair of files of its own, ``rows_<n>.bin`` and ``index_<n>.bin``: first the rows, then their entries in the index,
    so that a killed process leaves whole rows and nothing that is read but they. ``clips.jsonl`` has what is known of
    each clip's media: its number of frames and of audio samples.

    Args:
        folder: of the store; one that does not exist is empty, until `create` is called.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.description: dict[str, Any] = {}
        self._runs: dict[tuple[bytes, int], list[tuple[int, int, np.ndarray]]] = {}  # of a clip: part, first row, ids
        self._indexed: dict[int, int] = {}  # part -> rows in `_runs`
        self._rows: dict[int, np.ndarray] = {}
        self._lines = JsonLines(self.folder / CLIPS)
        self._media: dict[bytes, dict[str, Any]] = {}
        self._writer: tuple[int, Any, Any] | None = None
        self.refresh()

    def create(self, description: Mapping[str, Any]) -> None:
        """Say what the features are of; `description` has ``dtype`` and ``shape``."""
        if not self.description:
            write_json(self.folder / DESCRIPTION, description)
            self.description = read_json(self.folder / DESCRIPTION)
        if self.description != json.loads(json.dumps(description)):
            raise InputError(f'{self.folder}: its {DESCRIPTION} is of other features. Delete the folder to have them '
                             'extracted again.')

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; 0 of an empty store."""
        return int(np.prod(self.description['shape'], dtype=np.int64)) * self._dtype.itemsize if self.description else 0

    @property
    def row_shape(self) -> tuple[int, ...]:
        return tuple(self.description['shape'])

    @property
    def _dtype(self) -> np.dtype:
        return np.dtype(self.description['dtype'])

    def __len__(self) -> int:
        """Number of rows."""
        return sum(self._indexed.values())

    def refresh(self) -> None:
        """Read what was added since, by this process or another."""
        if not self.description:
            self.description = read_json(self.folder / DESCRIPTION)
        for entry in self._lines.new():
            self._media[bytes.fromhex(str(entry['clip']))] = entry
        for path in sorted(self.folder.glob('index_*.bin')) if self.description else ():
            part = int(path.stem.rpartition('_')[2])
            known = self._indexed.get(part, 0)
            count = self._complete(part)
            if count > known:
                with path.open('rb') as file:
                    file.seek(known * _ENTRY.itemsize)
                    self._add(part, known, np.frombuffer(file.read((count - known) * _ENTRY.itemsize), _ENTRY))

    def _complete(self, part: int) -> int:
        """Number of rows of a part that are there with their entries."""
        index, rows = self._files(part)
        size = rows.stat().st_size if rows.is_file() else 0
        return min(index.stat().st_size // _ENTRY.itemsize, size // self.row_bytes)

    def _files(self, part: int) -> tuple[Path, Path]:
        return self.folder / f'index_{part:04}.bin', self.folder / f'rows_{part:04}.bin'

    def _add(self, part: int, start: int, entries: np.ndarray) -> None:
        changes = np.zeros(len(entries), bool)
        changes[0] = True
        for name in ('high', 'low', 'version'):
            changes[1:] |= entries[name][1:] != entries[name][:-1]
        ids = np.ascontiguousarray(entries['id'], np.int64)
        starts = [*np.flatnonzero(changes).tolist(), len(entries)]
        clips = np.stack([entries['high'], entries['low']], axis=1).astype('>u8').tobytes()
        for begin, end in zip(starts[:-1], starts[1:], strict=True):
            key = clips[begin * CLIP_BYTES:(begin + 1) * CLIP_BYTES], int(entries['version'][begin])
            self._runs.setdefault(key, []).append((part, start + begin, ids[begin:end]))
        self._indexed[part] = start + len(entries)
        self._rows.pop(part, None)

    def media(self, clip: bytes) -> dict[str, Any] | None:
        """What is known of a clip's media; None for one that was never extracted."""
        return self._media.get(clip)

    def ids(self, clip: bytes, version: int) -> np.ndarray:
        """Frames or audio windows of a clip that are there (n,), int64."""
        runs = self._runs.get((clip, version), ())
        return np.concatenate([ids for _, _, ids in runs]) if runs else np.empty(0, np.int64)

    def rows(self, clip: bytes, version: int, ids: np.ndarray) -> np.ndarray | None:
        """Features (n, ...) of the frames or audio windows `ids` (n,); None where one is missing."""
        out = np.empty((len(ids), *self.row_shape), self._dtype)
        found = np.zeros(len(ids), bool)
        for part, first, there in self._runs.get((clip, version), ()):
            order = np.argsort(there)
            places = order[np.searchsorted(there, ids, sorter=order).clip(max=len(there) - 1)]
            hit = there[places] == ids
            out[hit] = self._part(part)[first + places[hit]]
            found |= hit
        return out if found.all() else None

    def _part(self, part: int) -> np.ndarray:
        if part not in self._rows:
            self._rows[part] = np.memmap(self._files(part)[1], self._dtype, 'r',
                                         shape=(self._indexed[part], *self.row_shape))
        return self._rows[part]

    def append(self, clip: bytes, version: int, ids: np.ndarray, rows: np.ndarray) -> None:
        """Add features (n, ...) of a clip's frames or audio windows `ids` (n,)."""
        part, index, data = self._writer or self._open_part()
        entries = np.empty(len(ids), _ENTRY)
        entries['high'], entries['low'] = np.frombuffer(clip, '>u8')
        entries['version'], entries['id'] = version, ids
        with np.errstate(over='ignore'):
            rows = np.ascontiguousarray(rows, self._dtype)
        if not np.isfinite(rows).all():
            raise InputError(f'{self.folder}: features are not finite as {self._dtype}. The weights are broken, or the '
                             "features too large for float16: set feature_cache.dtype='float32'.")
        for file, content in ((data, rows), (index, entries)):
            file.write(content.tobytes())
            file.flush()
        self._add(part, self._indexed.get(part, 0), entries)

    def append_media(self, clip: bytes, media: Mapping[str, Any]) -> None:
        """Say what is known of a clip's media, where it was not said before."""
        if clip not in self._media:
            entry = dict(media, clip=clip.hex())
            self._lines.append(entry)
            self._media[clip] = entry

    def _open_part(self) -> tuple[int, Any, Any]:
        """Take the first part that no other process writes, without what a killed one left of a row."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = 0
        while True:
            index, data = (path.open('ab') for path in self._files(part))
            try:
                fcntl.flock(index, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                index.close(), data.close()
                part += 1
        count = self._complete(part)
        index.truncate(count * _ENTRY.itemsize), data.truncate(count * self.row_bytes)
        self.refresh()
        self._writer = part, index, data
        return self._writer


@contextmanager
def claim(folder: Path, clip: bytes, wait: bool = False) -> Iterator[bool]:
    """Whether this process alone works on a clip now; a claim ends with the block, and with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    place = int.from_bytes(clip[:8], 'big') >> 2  # a byte of the file, which need not be there
    descriptor = os.open(folder / 'claims', os.O_RDWR | os.O_CREAT, 0o666)
    try:
        taken = False
        with suppress(BlockingIOError, PermissionError):  # held by another process
            fcntl.lockf(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, place)
            taken = True
        yield taken
    finally:
        os.close(descriptor)
