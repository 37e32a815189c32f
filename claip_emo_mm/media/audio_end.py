"""Whether a sound file is there to its end: decoders give the rest of one that was cut without an error."""
import os
from pathlib import Path
from typing import BinaryIO

from claip_emo_mm.media.opening import open_media

_UNKNOWN_SIZE = 0xFFFFFFFF  # what a wav file that was written into a pipe says
_LARGEST_PAGE = 27 + 255 + 255 * 255  # bytes of an ogg file
_LENGTH_TAGS = (b'Xing', b'Info', b'VBRI')  # in the first frame of an mp3 file: how many follow
_TAG_WITHIN = 4096  # bytes behind the start of the first frame


def missing_end(path: str | os.PathLike) -> str:
    """Compare a wav, ogg or mp3 file with the size, the length or the end that it states.

    Returns: what is missing; '' where nothing is, for other kinds of files, and where the file states nothing.
    Raises:
        InputError: it is no ordinary file, or is empty.
        OSError: it cannot be read; an error of FFmpeg where that reads no mp3 in it.
    """
    with Path(path).open('rb') as file:
        head = file.read(12)
        if head[:4] in (b'RIFF', b'RF64'):
            return _missing_of_wav(file, head)
        if head[:4] == b'OggS':
            return '' if _has_last_page(file) else 'the page that ends the stream is not there'
        if not _is_mp3(file) or not _has_length_tag(file):
            return ''
    return _missing_of_mp3(path)


def states_length(path: str | os.PathLike) -> bool:
    """Whether a file says how long it is or where it ends, so that `missing_end` can tell; mp3 and aac may not.

    Raises:
        OSError: it cannot be read.
    """
    with Path(path).open('rb') as file:
        if _is_mp3(file):
            return _has_length_tag(file)
        _skip_tag(file)
        head = file.read(8)
    is_aac = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0  # an ADTS stream
    return not is_aac and not (head[:4] == b'RIFF' and int.from_bytes(head[4:], 'little') == _UNKNOWN_SIZE)


def _missing_of_wav(file: BinaryIO, head: bytes) -> str:
    size = os.fstat(file.fileno()).st_size
    stated = int.from_bytes(head[4:8], 'little')
    if head[:4] == b'RF64':  # the size is in the chunk behind
        chunk = file.read(16)
        stated = int.from_bytes(chunk[8:], 'little') if chunk[:4] == b'ds64' else 0
    elif stated == _UNKNOWN_SIZE:
        return ''
    return f'{size} bytes found, {8 + stated} expected' if size < 8 + stated else ''


def _has_last_page(file: BinaryIO) -> bool:
    """Whether the last page of an ogg file is whole and says that it is the last."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 2 * _LARGEST_PAGE, 0))
    data = file.read()
    page = data[max(data.rfind(b'OggS'), 0):]
    if len(page) < 27 or not page[5] & 4:
        return False
    segments = page[27:27 + page[26]]
    return len(segments) == page[26] and len(page) >= 27 + page[26] + sum(segments)


def _skip_tag(file: BinaryIO) -> None:
    """Go behind the ID3v2 tags at the start, whose sizes have 7 bits in a byte."""
    place = 0
    while True:
        file.seek(place)
        head = file.read(10)
        if head[:3] != b'ID3' or len(head) < 10:
            file.seek(place)
            return
        place += 10 + sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))


def _is_mp3(file: BinaryIO) -> bool:
    """Whether frames of MPEG audio, layer III, begin behind the tags."""
    _skip_tag(file)
    head = file.read(2)
    return len(head) == 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2


def _has_length_tag(file: BinaryIO) -> bool:
    _skip_tag(file)
    frame = file.read(_TAG_WITHIN)
    return any(tag in frame for tag in _LENGTH_TAGS)


def _missing_of_mp3(path: str | os.PathLike) -> str:
    with open_media(path) as container:
        stream = container.streams.audio[0]
        lengths = [packet.duration or 0 for packet in container.demux(stream) if packet.size]
        found, frame, stated = sum(lengths), max(lengths, default=0), stream.duration or 0
        if found >= stated - frame:  # some encoders count the frame that states the length, too
            return ''
        return f'{float(found * stream.time_base):.2f} s found, {float(stated * stream.time_base):.2f} s expected'
