"""Trained models as ONNX files."""
from .exported_models import FORMS, MediaModel, TensorModel
from .front_end import FrontEnd, MediaClip
from .onnx_export import OPSET, TOLERANCE, Exported, check_targets, export_onnx
from .quantisation import IntegerChange, quantise
from .runtime import run_file
from .sound_front_end import SoundFrontEnd

__all__ = ['FORMS', 'OPSET', 'TOLERANCE', 'Exported', 'FrontEnd', 'IntegerChange', 'MediaClip', 'MediaModel',
           'SoundFrontEnd', 'TensorModel', 'check_targets', 'export_onnx', 'quantise', 'run_file']
