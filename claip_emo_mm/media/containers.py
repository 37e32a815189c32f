"""Media files: suffixes, formats, opening, streams, durations."""
import errno
import os
import re
from collections.abc import Container, Iterable, Iterator

import av
from av.stream import Disposition

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import check_pointer

VIDEO_SUFFIXES = (
    '.3g2', '.3gp', '.3gpp', '.amv', '.asf', '.avi', '.divx', '.dv', '.f4v', '.flv', '.gif', '.m2t', '.m2ts', '.m4v',
    '.mj2', '.mk3d', '.mkv', '.mov', '.mp4', '.mpe', '.mpeg', '.mpg', '.mts', '.mxf', '.nut', '.ogm', '.ogv', '.qt',
    '.rm', '.rmvb', '.ts', '.vob', '.webm', '.wmv', '.wtv')
AUDIO_SUFFIXES = (
    '.aac', '.ac3', '.aif', '.aifc', '.aiff', '.amr', '.ape', '.au', '.caf', '.eac3', '.flac', '.m4a', '.m4b', '.mka',
    '.mp2', '.mp3', '.mpc', '.oga', '.ogg', '.opus', '.ra', '.snd', '.spx', '.tta', '.w64', '.wav', '.weba', '.wma',
    '.wv')
MEDIA_SUFFIXES = tuple(sorted((*VIDEO_SUFFIXES, *AUDIO_SUFFIXES)))

# What operating systems and network storage put into folders by themselves; lower case.
_SYSTEM_NAMES = frozenset((
    '$recycle.bin', '__macosx', '@eadir', 'desktop.ini', 'ehthumbs.db', 'lost+found', 'system volume information',
    'thumbs.db'))

# Titles may be in any encoding; from PyAV 19 on, nothing that is not UTF-8 is an error, and the option is gone.
_METADATA = dict(metadata_errors='replace') if int(av.__version__.split('.')[0]) < 19 else {}

# FFmpeg's demuxers of files that hold frames and audio themselves. All others are refused before anything is read:
# playlists and manifests (hls, concat, dash, sdp, imf), which name other files and addresses; numbered images (image2),
# single images (..._pipe), texts as frames (tty), filter graphs and devices.
MEDIA_FORMATS = (
    'mov', 'matroska', 'avi', 'flv', 'asf', 'mpeg', 'mpegts', 'mpegvideo', 'm4v', 'ogg', 'gif', 'dv', 'mxf', 'gxf',
    'nut', 'rm', 'nsv', 'ivf', 'wtv', 'dhav', 'h261', 'h263', 'h264', 'hevc', 'vvc', 'av1', 'obu', 'vc1',
    'yuv4mpegpipe', 'wav', 'w64', 'flac', 'mp3', 'aac', 'loas', 'ac3', 'eac3', 'dts', 'truehd', 'aiff', 'caf', 'au',
    'amr', 'amrnb', 'amrwb', 'ape', 'mpc', 'mpc8', 'tta', 'tak', 'wv', 'voc', 'oma', 'qcp', 'dsf',
)

CONVERT_HINT = 'Copy or convert the file again (mp4 with h264 and aac is safe).'
PREPARE_HINT = 'Prepare the clip again (tools/prepare_data.py), or take it out of the list.'


def is_system_file(name: str) -> bool:
    """Whether a file or folder is hidden or made by the system: ``.DS_Store``, ``._clip.mp4``, ``Thumbs.db``."""
    return name.startswith('.') or name.lower() in _SYSTEM_NAMES


def check_is_file(path: str | os.PathLike) -> None:
    """Raise an `InputError` where a file is missing, or no ordinary one."""
    if not os.path.isfile(path):
        raise InputError(f'{path}: {_why_no_file(path)}. Expected a file of video, audio or an image: correct the '
                         'name, or put it there, or take it out of the list.')


def check_file(path: str | os.PathLike, hint: str) -> None:
    """Raise an `InputError` where a video or audio file is missing, no ordinary file, empty, or a git-lfs pointer."""
    check_is_file(path)
    if not os.path.getsize(path):
        raise InputError(f'{path}: the file is empty (0 bytes). {hint}')
    check_pointer(path)


def open_media(path: str | os.PathLike, hint: str = CONVERT_HINT) -> av.container.InputContainer:
    """Open a video or audio file; every file that is read through PyAV is opened here.

    A name is never taken for an address (`http:`, `concat:`), and what is in the file leads to no other file.

    Args:
        path: the file.
        hint: what to do about a file that cannot be used, for the message.
    Returns: the container, to be used as a context manager.
    Raises:
        InputError: it is no regular file, is empty, or of a format that is not in `MEDIA_FORMATS`.
        av.error.FFmpegError: FFmpeg cannot read it.
    """
    check_file(path, hint)
    options = {'protocol_whitelist': 'file', 'format_whitelist': ','.join(MEDIA_FORMATS)}
    try:
        return av.open(f'file:{os.path.abspath(path)}', container_options=options, **_METADATA)
    except av.error.ArgumentError as error:
        if error.errno != errno.EINVAL:
            raise
        raise InputError(f'{path}: an image or a text, not a video or audio, or of a kind that is not read. '
                         f'{hint}') from error


def _why_no_file(path: str | os.PathLike) -> str:
    try:
        os.stat(path)
    except PermissionError:
        return 'you may not look into its folder'
    except OSError:
        return 'this link leads nowhere' if os.path.islink(path) else 'there is no such file'
    return 'this is no ordinary file (a folder, a pipe, a device)'


def best_stream(container: av.container.InputContainer, kind: str) -> av.VideoStream | av.AudioStream | None:
    """The 'video' or 'audio' stream that is read: FFmpeg's choice of those that it can decode, without cover images."""
    usable = [stream for stream in getattr(container.streams, kind)
              if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic]
    best = container.streams.best(kind)
    return best if best in usable else next(iter(usable), None)


def decode_stream(container: av.container.InputContainer, stream: av.stream.Stream) -> Iterator[av.frame.Frame]:
    """Yield the frames of a stream; see `decode_packets`."""
    return decode_packets(container.demux(stream))


def decode_packets(packets: Iterable[av.Packet], wanted: Container[int] | None = None) -> Iterator[av.frame.Frame]:
    """Yield the frames of a stream's packets in presentation order, without those that an edit list hides.

    Frames at the beginning that cannot be decoded, of a file cut out within a group of frames, are skipped. So are,
    where `wanted` times (pts) are given, those of other times that no frame refers to, by decoders that can.
    """
    end = error = None
    has_begun = False
    for packet in packets:
        if not packet.size:  # in avi: the frame stays
            end = packet
            continue
        if wanted is not None:
            packet.stream.codec_context.skip_frame = 'DEFAULT' if packet.pts in wanted else 'NONREF'
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as found:
            if has_begun:
                raise
            error = found
            continue
        has_begun = has_begun or bool(frames)
        yield from frames
    if end is not None:  # PyAV's last packet flushes the decoder
        for frame in end.decode():
            has_begun = True
            yield frame
    if error is not None and not has_begun:
        raise error


def stated_duration_s(container: av.container.InputContainer, path: str) -> float | None:
    """Length of the streams that are read as the file states it; None without. Subtitles may be longer."""
    if not container.duration or is_unfinished(container, path):
        return None
    total_s, origin_s = container.duration / 1e6, (container.start_time or 0) / 1e6  # both in microseconds
    streams = [best_stream(container, kind) for kind in ('video', 'audio')]
    ends_s = [_stated_end_s(stream) for stream in streams if stream]
    if not ends_s or None in ends_s:
        return total_s
    return min(max(ends_s) - origin_s, total_s)


def _stated_end_s(stream: av.stream.Stream) -> float | None:
    if stream.duration:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    found = re.match(r'(\d+):(\d+):(\d+\.?\d*)', stream.metadata.get('DURATION', ''))  # Matroska
    return found and sum(float(part) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True))


def is_unfinished(container: av.container.InputContainer, path: str) -> bool:
    """Whether an avi file was written into a pipe, or its recording broke off: its lengths were never filled in."""
    return container.format.name == 'avi' and _riff_size(path) in (0, 0xFFFFFFFF)


def found_ratio(path: str) -> float:
    """Ratio of an avi file that is there; FFmpeg shortens the lengths that it states to what is there."""
    return min(1., os.path.getsize(path) / (8 + _riff_size(path)))


def _riff_size(path: str) -> int:
    with open(path, 'rb') as file:
        return int.from_bytes(file.read(8)[4:], 'little')
