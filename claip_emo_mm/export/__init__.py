"""Export of trained models to ONNX."""
from .front_end import AudioFrontEnd, FrontEnd
from .onnx import OPSET, Exported, check_targets, export_onnx
from .wrappers import FORMATS

__all__ = ['AudioFrontEnd', 'Exported', 'FORMATS', 'FrontEnd', 'OPSET', 'check_targets', 'export_onnx']
