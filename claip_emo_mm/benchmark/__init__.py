"""Speed and memory, measured beside a plain implementation in one run."""
from .clip_lengths import draw_lengths, make_clips
from .data_benchmark import DataFigures, benchmark_data
from .evaluation_benchmark import EvaluationFigures, benchmark_evaluation
from .inference_benchmark import InferenceFigures, benchmark_inference, write_random_checkpoint
from .model_benchmark import ModelFigures, benchmark_model
from .model_sizes import ModelSizes

__all__ = ['DataFigures', 'EvaluationFigures', 'InferenceFigures', 'ModelFigures', 'ModelSizes', 'benchmark_data',
           'benchmark_evaluation', 'benchmark_inference', 'benchmark_model', 'draw_lengths', 'make_clips',
           'write_random_checkpoint']
