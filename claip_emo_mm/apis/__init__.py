"""Using a trained model from Python, and finding faces."""
from .emotion_inferencer import EmotionInferencer
from .face_finder import FaceBox, FaceFinder, SlimFaceFinder

__all__ = ['EmotionInferencer', 'FaceBox', 'FaceFinder', 'SlimFaceFinder']
