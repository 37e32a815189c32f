"""Using a trained model from Python."""
from .emotion_inferencer import EmotionInferencer

__all__ = ['EmotionInferencer']
