"""Identity of a clip: a hash of what its files contain, whatever they are called."""
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import media_name
from claip_emo_mm.utils.file_errors import reading
from claip_emo_mm.utils.io import hash_file

CLIP_BYTES = 16  # of the SHA-256 that names a clip


class JsonLines:
    """Json objects in a file, one a line, which several processes append to; what a killed one left is skipped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0  # bytes that were read

    def append(self, entry: Mapping[str, Any]) -> None:
        """Append an object by one system call, which no other process's can divide."""
        data = f'\n{json.dumps(entry)}\n'.encode()  # the first break ends half a line of a killed process
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def new(self) -> Iterator[dict[str, Any]]:
        """Yield the objects that were appended since the last call."""
        if not self.path.is_file():
            return
        with self.path.open('rb') as file:
            file.seek(self._read)
            data = file.read()
        whole = data.rfind(b'\n') + 1
        self._read += whole
        for line in data[:whole].splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry


class ContentHashes:
    """Hashes of files and folders; each is read again only where its size or its time of change is another.

    Args:
        folder: of the feature cache; the hashes are kept in its file ``contents.jsonl``.
        read_only: refuse what is new or was edited, instead of reading it.
    """

    def __init__(self, folder: str | Path, read_only: bool = False) -> None:
        self._lines = JsonLines(Path(folder) / 'contents.jsonl')
        self._read_only = read_only
        self._known: dict[str, tuple[str, str]] = {}  # path -> state, hash
        self._clips: dict[tuple[str | None, ...], bytes] = {}  # looked up by this process
        self.edited: list[str] = []  # files whose content is another than before

    def clip(self, info: Mapping[str, Any], again: bool = False) -> bytes:
        """Hash the files of a clip: `filename`, or `frame_dir` and `audio_path`; once by a process, or `again`.

        Raises:
            InputError: a file is missing; or, read-only, is new or was edited.
        """
        paths = tuple(info.get(key) for key in ('filename', 'frame_dir', 'audio_path'))
        if again or paths not in self._clips:
            if not any(paths):
                raise InputError(f'a clip without files ({media_name(info)}) has no features.')
            text = '\n'.join(f'{number} {self.of(path)}' for number, path in enumerate(paths) if path)
            self._clips[paths] = hashlib.sha256(text.encode()).digest()[:CLIP_BYTES]
        return self._clips[paths]

    def of(self, path: str | Path) -> str:
        """SHA-256 of a file; of a folder, of the names and contents of its files."""
        key = os.path.abspath(path)
        with reading(key):
            state = _state(key)
        if not self._known:
            self._refresh()
        before = self._known.get(key)
        if before is None or before[0] != state:
            self._refresh()
            before = self._known.get(key)
        if before is not None and before[0] == state:
            return before[1]
        if self._read_only:
            what = 'is new' if before is None else 'was edited'
            raise InputError(f'{path}: {what} since the features were extracted. Extract again what is missing: '
                             'tools/extract_features.py CONFIG --out CACHE.')
        with reading(key):
            found = _content(key)
        if before is not None and before[1] != found:
            self.edited.append(str(path))
        self._known[key] = (state, found)
        self._lines.append(dict(path=key, state=state, sha256=found))
        return found

    def _refresh(self) -> None:
        for entry in self._lines.new():
            self._known[str(entry.get('path'))] = (str(entry.get('state')), str(entry.get('sha256')))


def _state(path: str) -> str:
    """Size and time of change of a file, or a hash of those of a folder's files."""
    if not os.path.isdir(path):
        status = os.stat(path)
        return f'{status.st_size} {status.st_mtime_ns}'
    with os.scandir(path) as entries:
        states = sorted(f'{entry.name} {(status := entry.stat()).st_size} {status.st_mtime_ns}'
                        for entry in entries if not entry.name.startswith('.') and entry.is_file())
    return hashlib.sha256('\n'.join(states).encode('utf-8', 'surrogateescape')).hexdigest()


def _content(path: str) -> str:
    if not os.path.isdir(path):
        return hash_file(path)
    digest = hashlib.sha256()
    for name in sorted(name for name in os.listdir(path) if not name.startswith('.')):
        inner = os.path.join(path, name)
        if os.path.isfile(inner):
            digest.update(f'{name}\n{hash_file(inner)}\n'.encode('utf-8', 'surrogateescape'))
    return digest.hexdigest()
