from .clap_audio_backbone import CLAPAudioBackbone
from .clip_visual_backbone import CLIPVisualBackbone

__all__ = ['CLAPAudioBackbone', 'CLIPVisualBackbone']
