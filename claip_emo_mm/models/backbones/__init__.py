"""Frozen encoders of CLIP and CLAP, and wrappers for other backbones."""
from .clap import CLAPAudioBackbone
from .clip import CLIPVisualBackbone
from .wrappers import AudioBackboneWrapper, ImageBackboneWrapper, VideoBackboneWrapper

__all__ = ['AudioBackboneWrapper', 'CLAPAudioBackbone', 'CLIPVisualBackbone', 'ImageBackboneWrapper',
           'VideoBackboneWrapper']
