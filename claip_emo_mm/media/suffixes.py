"""Which files are taken for video or audio when a folder is searched: the one list for all tools.

A file that is named by the user is opened whatever it is called; its content counts. These suffixes only say what of a
folder is worth opening. They are those of containers that FFmpeg has a demuxer for and that cameras, phones, recorders
and editing programs write. Left out on purpose are bare streams without times (.h264), suffixes that mostly mean
something else (.mod, .dat, .raw), still pictures, playlists, and what games have.
"""

VIDEO_SUFFIXES = (
    '.3g2', '.3gp', '.3gpp', '.amv', '.asf', '.avi', '.divx', '.dv', '.f4v', '.flv', '.gif', '.m2t', '.m2ts', '.m4v',
    '.mj2', '.mk3d', '.mkv', '.mov', '.mp4', '.mpe', '.mpeg', '.mpg', '.mts', '.mxf', '.nut', '.ogm', '.ogv', '.qt',
    '.rm', '.rmvb', '.ts', '.vob', '.webm', '.wmv', '.wtv')
AUDIO_SUFFIXES = (
    '.aac', '.ac3', '.aif', '.aifc', '.aiff', '.amr', '.ape', '.au', '.caf', '.eac3', '.flac', '.m4a', '.m4b', '.mka',
    '.mp2', '.mp3', '.mpc', '.oga', '.ogg', '.opus', '.ra', '.snd', '.spx', '.tta', '.w64', '.wav', '.weba', '.wma',
    '.wv')
MEDIA_SUFFIXES = tuple(sorted((*VIDEO_SUFFIXES, *AUDIO_SUFFIXES)))

# What Windows, macOS, Linux and network storage put into folders by themselves; lower case.
_SYSTEM_NAMES = frozenset((
    '$recycle.bin', '__macosx', '@eadir', 'desktop.ini', 'ehthumbs.db', 'lost+found', 'system volume information',
    'thumbs.db'))


def is_system_file(name: str) -> bool:
    """Whether a file or folder is hidden, or nobody's content: ``.DS_Store``, ``._clip.mp4``, ``Thumbs.db``."""
    return name.startswith('.') or name.lower() in _SYSTEM_NAMES
