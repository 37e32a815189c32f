from .clap_audio_backbone import CLAPAudioBackbone
from .clip_visual_backbone import CLIPVisualBackbone
from .foreign_backbone import ClipWiseBackbone, FrameWiseBackbone, SpectrogramBackbone

__all__ = ['CLAPAudioBackbone', 'CLIPVisualBackbone', 'ClipWiseBackbone', 'FrameWiseBackbone', 'SpectrogramBackbone']
