"""Inference from Python, and face detection."""
from claip_emo_mm.faces.detector import FaceBox, FaceDetector, SlimFaceDetector, YuNetFaceDetector, default_detector
from claip_emo_mm.media.stream import ArrayStream
from claip_emo_mm.structures import EmotionResult, EmotionRow

from .inferencer import EmotionInferencer

__all__ = ['ArrayStream', 'EmotionInferencer', 'EmotionResult', 'EmotionRow', 'FaceBox', 'FaceDetector',
           'SlimFaceDetector', 'YuNetFaceDetector', 'default_detector']
