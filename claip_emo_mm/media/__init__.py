"""From bytes to frames and samples: the one place that opens media."""
from .opening import MEDIA_FORMATS, open_media

__all__ = ['MEDIA_FORMATS', 'open_media']
