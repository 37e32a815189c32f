"""From bytes to frames and samples: the one place that opens media, and that knows which files hold them."""
from .audio import AudioFile, ClipReader
from .audio_signal import RESAMPLERS, resample
from .containers import (
    AUDIO_SUFFIXES,
    MEDIA_FORMATS,
    MEDIA_SUFFIXES,
    VIDEO_SUFFIXES,
    audio_stream,
    decode_stream,
    is_system_file,
    open_media,
    stated_duration_s,
    video_stream,
)
from .image_folder import FrameFolder
from .packets import FilePackets
from .video import FrameReader, ToImage, VideoFile

__all__ = ['AUDIO_SUFFIXES', 'AudioFile', 'ClipReader', 'FilePackets', 'FrameFolder', 'FrameReader', 'MEDIA_FORMATS',
           'MEDIA_SUFFIXES', 'RESAMPLERS', 'ToImage', 'VIDEO_SUFFIXES', 'VideoFile', 'audio_stream', 'decode_stream',
           'is_system_file', 'open_media', 'resample', 'stated_duration_s', 'video_stream']
