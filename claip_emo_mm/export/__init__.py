"""Export of trained models to ONNX."""
from .front_end import AudioFrontEnd, FrontEnd
from .onnx import OPSET, TOLERANCE, Exported, QuantizationChange, check_targets, export_onnx, quantize, run_file
from .wrappers import FORMATS, MediaModel, TensorModel

__all__ = ['AudioFrontEnd', 'Exported', 'FORMATS', 'FrontEnd', 'QuantizationChange', 'MediaModel', 'OPSET',
           'TOLERANCE', 'TensorModel', 'check_targets', 'export_onnx', 'quantize', 'run_file']
