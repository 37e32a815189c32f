"""From bytes to frames and samples: the one place that opens media, and that knows which files hold them."""
from .frame_reader import FrameReader
from .images import ToImage
from .lengths import stated_duration_s
from .opening import MEDIA_FORMATS, open_media
from .packets import FilePackets
from .resampling import RESAMPLERS, resample
from .streams import audio_stream, decode_stream, video_stream
from .suffixes import AUDIO_SUFFIXES, MEDIA_SUFFIXES, VIDEO_SUFFIXES, is_system_file

__all__ = ['AUDIO_SUFFIXES', 'MEDIA_FORMATS', 'MEDIA_SUFFIXES', 'RESAMPLERS', 'VIDEO_SUFFIXES', 'FilePackets',
           'FrameReader', 'ToImage', 'audio_stream', 'decode_stream', 'is_system_file', 'open_media', 'resample',
           'stated_duration_s', 'video_stream']
