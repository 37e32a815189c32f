"""Inputs of an inference: files, folders, arrays."""
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from claip_emo_mm.apis.result_writer import is_result
from claip_emo_mm.errors import InputError, named
from claip_emo_mm.media.containers import MEDIA_SUFFIXES, check_is_file, is_system_file
from claip_emo_mm.media.image import IMAGE_SUFFIXES, open_image
from claip_emo_mm.media.stream import ArrayStream, FileStream, MediaStream
from claip_emo_mm.utils.file_errors import reading

Input = str | Path | ArrayStream | FileStream | Mapping[str, Any]


def media_files(folder: Path) -> list[Path]:
    """List the video and audio files of a folder by name; its images where there are none, as in a folder of photos.

    Raises:
        InputError: the folder cannot be read.
    """
    with reading(folder):
        names = [name for name in sorted(os.listdir(folder))
                 if not is_system_file(name) and not os.path.isdir(folder / name)]
    for suffixes in (MEDIA_SUFFIXES, IMAGE_SUFFIXES):
        files = [folder / name for name in names if Path(name).suffix.lower() in suffixes]
        if files:
            return files
    return []


def find_files(inputs: Sequence[str]) -> tuple[list[Path], list[str], list[str]]:
    """Find the files that a command line names.

    Returns: the files, those of folders among them, each once; why other inputs cannot be used; what was left out.
    """
    files: list[Path] = []
    unusable, left_out = [], []
    for given in inputs:
        try:
            found = _files_of(given)
        except InputError as error:
            unusable.append(str(error))
            continue
        made = [file for file in found if is_result(file)] if os.path.isdir(given) else []
        if made:
            left_out.append(f'{given}: left out are results that this tool made: {named(made)}')
            found = [file for file in found if file not in made]
        if not found:
            unusable.append(f'{given}: no video, audio or image in this folder')
        files.extend(found)
    return list(dict.fromkeys(files)), unusable, left_out


def _files_of(given: str) -> list[Path]:
    """The file that an input names, or those of a folder; what is wrong is said before a model is loaded."""
    if not given:
        raise InputError("'': an input without a name. Expected a file or a folder; '.' is the current one.")
    if is_address(given):
        raise InputError(address_error(given))
    if os.path.isdir(given):
        return media_files(Path(given))
    if is_result(Path(given)):
        raise InputError(f'{given}: is a copy with boxes and labels, or a plot, that this tool made. Name the video '
                         'that it was made of.')
    check_is_file(given)
    return [Path(given)]


def is_address(given: str) -> bool:
    """Whether an input is an address such as https://..., and no file of that name."""
    return '://' in given and not os.path.exists(given)


def address_error(given: str) -> str:
    return (f'{given}: is an address, and nothing is downloaded here. Download the file, and name it; a stream that '
            'runs is read by tools/infer.py --stream.')


def list_inputs(inputs: Input | Sequence[Input]) -> list[Input]:
    """Inputs one by one: those of lists, and the files of folders (see `media_files`), without results."""
    if isinstance(inputs, list | tuple):
        return [file for each in inputs for file in list_inputs(each)]
    if isinstance(inputs, str | Path) and os.path.isdir(inputs):
        files: list[Input] = [file for file in media_files(Path(inputs)) if not is_result(file)]
        if not files:
            raise InputError(f'{inputs}: no video, audio or image in this folder. Expected '
                             f'{", ".join((*MEDIA_SUFFIXES, *IMAGE_SUFFIXES))}.')
        return files
    return [inputs]


def open_input(given: Input) -> MediaStream:
    """Open a file or arrays; an InputError for anything else."""
    if isinstance(given, str | Path):
        path = os.fspath(given)
        if is_address(path):
            raise InputError(address_error(path))
        return open_image(path) if path.lower().endswith(IMAGE_SUFFIXES) else FileStream(path)
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
