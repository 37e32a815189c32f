"""Speed and memory, measured beside a plain implementation in one run."""
from .model_benchmark import ModelFigures, benchmark_model
from .model_sizes import ModelSizes

__all__ = ['ModelFigures', 'ModelSizes', 'benchmark_model']
