"""Speed and memory, measured beside a plain implementation in one run."""
from .data_benchmark import DataFigures, benchmark_data
from .model_benchmark import ModelFigures, benchmark_model
from .model_sizes import ModelSizes

__all__ = ['DataFigures', 'ModelFigures', 'ModelSizes', 'benchmark_data', 'benchmark_model']
