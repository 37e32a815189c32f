"""Opening a file of somebody else's: it is read itself, and nothing that it names."""
import errno
import os

import av

from claip_emo_mm.errors import InputError

# FFmpeg's readers of files that hold pictures and sound themselves. What is not here is refused before it is read:
# playlists and manifests (hls, concat, dash, sdp, imf), which name other files and addresses; numbered images (image2),
# single images (..._pipe), texts as pictures (tty), filter graphs and devices.
MEDIA_FORMATS = (
    'mov', 'matroska', 'avi', 'flv', 'asf', 'mpeg', 'mpegts', 'mpegvideo', 'm4v', 'ogg', 'gif', 'dv', 'mxf', 'gxf',
    'nut', 'rm', 'nsv', 'ivf', 'wtv', 'dhav', 'h261', 'h263', 'h264', 'hevc', 'vvc', 'av1', 'obu', 'vc1',
    'yuv4mpegpipe', 'wav', 'w64', 'flac', 'mp3', 'aac', 'loas', 'ac3', 'eac3', 'dts', 'truehd', 'aiff', 'caf', 'au',
    'amr', 'amrnb', 'amrwb', 'ape', 'mpc', 'mpc8', 'tta', 'tak', 'wv', 'voc', 'oma', 'qcp', 'dsf',
)

REMEDY = 'Copy or convert the file again (mp4 with h264 and aac is safe).'

_OPTIONS = {'protocol_whitelist': 'file', 'format_whitelist': ','.join(MEDIA_FORMATS)}


def open_media(path: str | os.PathLike, remedy: str = REMEDY) -> av.container.InputContainer:
    """Open a video or sound file; every file that is read through PyAV is opened here.

    A name is never taken for an address (`http:`, `concat:`), and what is in the file leads to no other file.

    Args:
        path: the file.
        remedy: what to do about a file that cannot be used, for the message.
    Returns: the container, to be used as a context manager.
    Raises:
        InputError: it is no ordinary file, is empty, or of a kind that is not in `MEDIA_FORMATS`.
        av.error.FFmpegError: FFmpeg cannot read it.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise InputError(f'{path}: {_why_no_file(path)}. Expected a video or sound file.')
    if not os.path.getsize(path):
        raise InputError(f'{path}: the file is empty (0 bytes). {remedy}')
    try:
        return av.open(f'file:{os.path.abspath(path)}', container_options=_OPTIONS, metadata_errors='replace')
    except av.error.ArgumentError as error:
        if error.errno != errno.EINVAL:
            raise
        raise InputError(f'{path}: a picture or a text, not a video or sound, or of a kind that is not read. '
                         f'{remedy}') from error


def _why_no_file(path: str) -> str:
    if os.path.exists(path):
        return 'this is no ordinary file (a folder, a pipe, a device)'
    if os.path.islink(path):
        return 'this link leads nowhere'
    try:
        os.stat(path)
    except PermissionError:
        return 'you may not look into its folder'
    except OSError:
        pass
    return 'there is no such file'
