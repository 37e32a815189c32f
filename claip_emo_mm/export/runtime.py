"""Runs an exported file with onnxruntime."""
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from claip_emo_mm.errors import InputError


def run_file(path: Path, batches: Sequence[dict[str, np.ndarray]]) -> list[list[np.ndarray]]:
    """Give the outputs of an ONNX file for each of some dicts of inputs, on the CPU.

    Raises:
        InputError: onnxruntime refuses the file, or its inputs.
    """
    import onnxruntime  # of the extra [export]
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, RuntimeException
    try:
        session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        return [session.run(None, batch) for batch in batches]
    except (Fail, InvalidArgument, InvalidGraph, RuntimeException) as error:
        raise InputError(f'{path}: onnxruntime cannot run the exported file: {" ".join(str(error).split())} A part of '
                         'the model has a shape in it that must not change from call to call.') from error
