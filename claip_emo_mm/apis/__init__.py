"""Using a trained model from Python, and finding faces."""
from .emotion_inferencer import EmotionInferencer
from .emotion_result import EmotionResult, EmotionRow
from .face_finder import FaceBox, FaceFinder, SlimFaceFinder
from .media_source import ArraySource

__all__ = ['ArraySource', 'EmotionInferencer', 'EmotionResult', 'EmotionRow', 'FaceBox', 'FaceFinder',
           'SlimFaceFinder']
