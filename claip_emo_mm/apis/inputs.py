"""Inputs of an inference: files, folders, arrays."""
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import MEDIA_SUFFIXES, is_system_file
from claip_emo_mm.media.stream import ArrayStream, FileStream, MediaStream
from claip_emo_mm.utils.file_errors import reading

Input = str | Path | ArrayStream | FileStream | Mapping[str, Any]


def media_files(folder: Path) -> list[Path]:
    """List the video and audio files of a folder, by name; an InputError if the folder cannot be read."""
    with reading(folder):
        names = sorted(os.listdir(folder))
    return [folder / name for name in names if Path(name).suffix.lower() in MEDIA_SUFFIXES
            and not is_system_file(name) and not os.path.isdir(folder / name)]


def open_input(given: Input) -> MediaStream:
    """Open a file or arrays; an InputError for anything else."""
    if isinstance(given, str | Path):
        return FileStream(os.fspath(given))
    if isinstance(given, ArrayStream | FileStream):
        return given
    if isinstance(given, Mapping):
        unknown = set(given) - {'frames', 'fps', 'audio', 'sample_rate_hz'}
        if unknown:
            raise InputError(f'array: unknown {", ".join(sorted(unknown))}. Expected frames, fps, audio, '
                             'sample_rate_hz.')
        return ArrayStream(given.get('frames'), given.get('fps'), given.get('audio'), given.get('sample_rate_hz'))
    raise InputError(f'{type(given).__name__}: cannot be read. Expected a file, a folder, a dict of arrays, or a list '
                     'of them.')
