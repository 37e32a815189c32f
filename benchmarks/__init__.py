"""Speed and memory, measured beside a plain implementation in one run."""
from .clips import make_clips, make_frame_tree, sample_lengths
from .data import DataMeasurement, benchmark_data
from .evaluation import EvaluationMeasurement, benchmark_evaluation
from .fast import FastMeasurement, benchmark_fast
from .inference import InferenceMeasurement, benchmark_inference, write_random_checkpoint
from .model import ModelMeasurement, benchmark_model
from .sizes import ModelSizes

__all__ = ['DataMeasurement', 'EvaluationMeasurement', 'FastMeasurement', 'InferenceMeasurement', 'ModelMeasurement',
           'ModelSizes', 'benchmark_data', 'benchmark_evaluation', 'benchmark_fast', 'benchmark_inference',
           'benchmark_model', 'make_clips', 'make_frame_tree', 'sample_lengths', 'write_random_checkpoint']
