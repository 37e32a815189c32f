"""Reading of media files: videos, image folders, audio files."""
from .audio import AudioFile, ClipReader
from .audio_signal import resample
from .containers import open_media
from .image_folder import FrameFolder
from .video import VideoFile

__all__ = ['AudioFile', 'ClipReader', 'FrameFolder', 'VideoFile', 'open_media', 'resample']
