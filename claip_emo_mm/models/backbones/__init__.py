"""Frozen encoders of CLIP and CLAP, wrappers for other backbones, and a stand-in for cached features."""
from .cached import CachedBackbone
from .clap import CLAPAudioBackbone
from .clip import CLIPVisualBackbone
from .wrappers import AudioBackboneWrapper, ImageBackboneWrapper, VideoBackboneWrapper

__all__ = ['AudioBackboneWrapper', 'CLAPAudioBackbone', 'CLIPVisualBackbone', 'CachedBackbone', 'ImageBackboneWrapper',
           'VideoBackboneWrapper']
