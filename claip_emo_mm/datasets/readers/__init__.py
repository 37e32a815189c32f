"""Readers that make the kinds of clips on disk look the same."""
from .clip_reader import ClipReader
from .frame_folder import FrameFolder
from .sound_alone import SoundAlone
from .video_file import VideoFile

__all__ = ['ClipReader', 'FrameFolder', 'SoundAlone', 'VideoFile']
