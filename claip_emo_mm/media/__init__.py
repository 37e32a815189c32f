"""From bytes to frames and samples: the one place that opens media, and that knows which files hold them."""
from .opening import MEDIA_FORMATS, open_media
from .suffixes import AUDIO_SUFFIXES, MEDIA_SUFFIXES, VIDEO_SUFFIXES, is_system_file

__all__ = ['AUDIO_SUFFIXES', 'MEDIA_FORMATS', 'MEDIA_SUFFIXES', 'VIDEO_SUFFIXES', 'is_system_file', 'open_media']
