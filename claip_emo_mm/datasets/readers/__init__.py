"""Readers that make the kinds of clips on disk look the same."""
from .clip_reader import ClipReader
from .frame_folder import FrameFolder
from .video_file import VideoFile

__all__ = ['ClipReader', 'FrameFolder', 'VideoFile']
