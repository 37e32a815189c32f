"""Files in zip archives, named by paths that go on behind the archive: ``Audio.zip/Actor_01/a.wav``."""
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.media.containers import is_system_file
from claip_emo_mm.utils.file_errors import LARGEST_POINTER, is_pointer, reading

# What a broken archive raises, one with a password, and one of a compression that Python does not know.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError)


def archive_of(path: Path) -> tuple[Path, str] | None:
    """Return the archive that a file is in, and its name there; None for a file on the disk."""
    if path.exists():
        return None
    archive = next((parent for parent in path.parents if parent.is_file()), None)
    return archive and (archive, path.relative_to(archive).as_posix())


def list_members(archive: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the files of an archive, and whether each is a git-lfs pointer; hidden and system files are left out.

    Raises:
        InputError: the archive is broken.
    """
    with _opened(archive) as content:
        for member in sorted(content.infolist(), key=lambda member: member.filename):
            if not member.is_dir() and not any(map(is_system_file, member.filename.split('/'))):
                head = content.read(member) if member.file_size <= LARGEST_POINTER else b''
                yield archive / member.filename, is_pointer(head)


def unpack(path: Path, folder: Path) -> Path:
    """Unpack a file of an archive below a folder, the name behind it as in the download; return others as they are.

    Raises:
        InputError: the archive is broken.
    """
    found = archive_of(path)
    if found is None:
        return path
    archive, member = found
    target = folder / archive.name / member
    target.parent.mkdir(parents=True, exist_ok=True)
    with _opened(archive) as content, content.open(member) as source, target.open('wb') as file:
        shutil.copyfileobj(source, file, 2 ** 20)
    return target


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with reading(archive):
            content = zipfile.ZipFile(archive)
        with content:
            yield content
    except _UNREADABLE as error:
        raise InputError(f'{printable(archive)}: the archive is broken, cut off or of a kind that is not read '
                         f'({error}). Download it again, or unpack it.') from error
