"""Scan of a download of a described data set: the files of each clip, in folders and zip archives."""
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from claip_emo_mm.data_preparation.archives import list_members
from claip_emo_mm.data_preparation.clips import Failure
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.datasets.corpora import KINDS, Corpus, NamedClip
from claip_emo_mm.errors import InputError, named, printable
from claip_emo_mm.media.containers import MEDIA_SUFFIXES, is_system_file
from claip_emo_mm.utils.file_errors import POINTER_HINT, is_pointer_file

_TARS = ('.tar', '.tar.gz', '.tgz', '.tar.bz2', '.tar.xz')


@dataclass(order=True, frozen=True)
class _Candidate:
    """A file of a clip; the least one is preferred."""
    is_pointer: bool
    place: int  # of its pattern
    path: Path
    clip: NamedClip = field(compare=False)


@dataclass
class CorpusFiles:
    """What a download holds; files in archives as in `archives`."""
    clips: dict[str, NamedClip] = field(default_factory=dict)  # by id, of those with a video
    sources: dict[str, ClipSource] = field(default_factory=dict)  # the files that are used; audio None: of the video
    failures: list[Failure] = field(default_factory=list)
    excluded: list[tuple[str, str]] = field(default_factory=list)  # (file, why it is left out on purpose)
    excluded_clips: set[str] = field(default_factory=set)  # ids
    notes: list[tuple[str, str]] = field(default_factory=list)  # (clip or file, note)
    unused: list[str] = field(default_factory=list)  # media files that are none of the set's
    tables: dict[str, Path] = field(default_factory=dict)  # name of a csv file -> where it is

    def describe_unused(self) -> str:
        """Count the media files that are none of the set's; '' where there are none."""
        names = map(os.path.basename, self.unused)
        return f'{len(self.unused)} media files of other names ({named(names)})' if self.unused else ''


def scan_corpus(corpus: Corpus, root: Path, out: Path) -> CorpusFiles:
    """Find the files of each clip in a download, at any depth; of several, the one that the description prefers.

    Raises:
        InputError: there is no clip, or nothing but pointers of git-lfs.
    """
    if not root.is_dir() and not zipfile.is_zipfile(root):
        raise InputError(f'{root}: {"no zip" if root.exists() else "there is no such folder"}. Expected the folder '
                         f'that {corpus.schema.title} was downloaded to, zips or unpacked, or one zip; it is had from '
                         f'{corpus.address}.')
    found = CorpusFiles()
    candidates: dict[str, dict[str, list[_Candidate]]] = {kind: {} for kind in KINDS}
    for path, is_pointer in _walk(root, out, found):
        name = path.relative_to(root).as_posix()
        if path.suffix == '.csv' and not is_pointer:
            found.tables.setdefault(path.name, path)
        if not name.lower().endswith(MEDIA_SUFFIXES):
            continue
        exclusion = corpus.exclusion(name)
        matches = {kind: match for kind in KINDS if (match := corpus.find(name, kind)) is not None}
        if exclusion is not None:
            source = f' ({exclusion.source})' if exclusion.source else ''
            found.excluded.append((printable(path), f'left out: {exclusion.reason}{source}'))
            found.excluded_clips.update(clip.clip_id for _, clip in matches.values())
        elif not matches:
            found.unused.append(printable(path))
        for kind, (place, clip) in matches.items() if exclusion is None else ():
            candidates[kind].setdefault(clip.clip_id, []).append(_Candidate(is_pointer, place, path, clip))
    _choose(corpus, root, candidates, found)
    return found


def _choose(corpus: Corpus, root: Path, candidates: dict[str, dict[str, list[_Candidate]]], found: CorpusFiles) -> None:
    """Choose the files of each clip."""
    videos, audio = ({clip_id: _best(files, found) for clip_id, files in sorted(candidates[kind].items())}
                     for kind in KINDS)
    if not videos:
        reasons = [*(failure.reason for failure in found.failures), *(f'{file}: {note}.' for file, note in found.notes)]
        raise InputError(f'{root}: no video of {corpus.schema.title} by its name; found '
                         f'{named(found.unused) or "no media file"}. Name the folder of its download, zips or '
                         f'unpacked; it is had from {corpus.address}. {" ".join(reasons[:3])}'.rstrip())
    if all(video.is_pointer for video in videos.values()):
        raise InputError(f'{root}: all {len(videos)} videos are git-lfs pointers, three lines of text in place of the '
                         f'media ({next(iter(videos.values())).path} for instance). {POINTER_HINT}')
    for clip_id, video in videos.items():
        found.clips[clip_id] = video.clip
        heard = audio.get(clip_id)
        if video.is_pointer:
            found.failures.append(Failure(clip_id, printable(video.path), 'source', f'{printable(video.path)}: a '
                                          f'git-lfs pointer in place of the video. {POINTER_HINT}'))
            continue
        if heard is not None and heard.is_pointer:
            found.notes.append((clip_id, f'{printable(heard.path)}: a git-lfs pointer; the audio of the video is used'))
            heard = None
        path = None if heard is None or heard.path == video.path else heard.path
        found.sources[clip_id] = ClipSource(clip_id, video=video.path, audio=path)
    found.notes += [(clip_id, f'{printable(heard.path)}: audio without a video')
                    for clip_id, heard in audio.items() if clip_id not in videos]


def _best(files: list[_Candidate], found: CorpusFiles) -> _Candidate:
    """The preferred file; others that are as good are noted."""
    best, *others = sorted(files)
    found.notes += [(best.clip.clip_id, f'{printable(other.path)}: not used, the same clip as {printable(best.path)}')
                    for other in others if (other.place, other.is_pointer) == (best.place, best.is_pointer)]
    return best


def _walk(root: Path, out: Path, found: CorpusFiles) -> Iterator[tuple[Path, bool]]:
    """Yield every file, also those in zip archives, and whether it is a git-lfs pointer; each folder once."""
    entered = {os.path.realpath(out)}

    def note(error: OSError) -> None:
        name = printable(error.filename)
        found.failures.append(Failure(os.path.basename(name), name, 'folder', f'{name}: this folder cannot be read '
                                      f'({error.strerror or error}). Correct the permissions.'))

    if root.is_file():
        yield from list_members(root)
        return
    for where, below, names in os.walk(root, onerror=note, followlinks=True):
        if os.path.realpath(where) in entered:
            below.clear()
            continue
        entered.add(os.path.realpath(where))
        below[:] = sorted(name for name in below if not is_system_file(name))
        for path in (Path(where, name) for name in sorted(names) if not is_system_file(name)):
            try:
                if path.suffix.lower() == '.zip':
                    yield from list_members(path)
                elif path.name.lower().endswith(_TARS):
                    found.notes.append((printable(path), 'an archive that is not read: unpack it with tar -xf'))
                else:
                    yield path, path.is_file() and is_pointer_file(path)
            except InputError as error:
                found.failures.append(Failure(printable(path.name), printable(path), 'source', str(error)))
