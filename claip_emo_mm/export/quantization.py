"""Integer quantization of exported models."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import check_scores


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


def quantize(source: Path, target: Path) -> None:
    """Write an ONNX file with the weights of its matrix products as 8-bit integers, by onnxruntime's dynamic method.

    Each output channel has its own scale. The spectrogram stays as it is: its filters span many powers of ten.

    Args:
        source: ONNX file.
        target: file to write.
    """
    import onnx  # of the extra [export]
    from onnxruntime.quantization import QuantType, quantize_dynamic
    logger = logging.getLogger()
    level = logger.level
    model = onnx.load(str(source))
    kept = [node.name for node in model.graph.node if any('filters' in name for name in node.input)]
    logger.setLevel(logging.ERROR)  # the package advises preprocessing on the root logger
    try:
        quantize_dynamic(model, str(target), weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=kept,
                         op_types_to_quantize=['MatMul', 'Gemm'])
    finally:
        logger.setLevel(level)
    quantized = onnx.load(str(target))
    onnx.helper.set_model_props(quantized, {entry.key: entry.value for entry in model.metadata_props})
    onnx.save(quantized, str(target))


@dataclass(frozen=True)
class IntegerChange:
    """What 8-bit weights changed, on some clips.

    Attributes:
        path: the file.
        size: bytes.
        difference: largest difference of a score (of a logit where the file gives no scores).
        agreeing: clips (views) whose top class stayed.
        clips: how many there were.
    """
    path: Path
    size: int
    difference: float
    agreeing: int
    clips: int

    @classmethod
    def measure(cls, path: Path, file: Path, batches: Sequence[dict[str, np.ndarray]],
                expected: Sequence[list[np.ndarray]]) -> 'IntegerChange':
        """Compare the first output, (B, K), with that of the file of full precision."""
        first = np.concatenate([outputs[0] for outputs in run_file(file, batches)])
        check_scores(first, str(path), 'Weights of 8 bits do not hold this model: go without --int8.')
        wanted = np.concatenate([outputs[0] for outputs in expected])
        return cls(path, file.stat().st_size, float(np.abs(first - wanted).max()),
                   int((first.argmax(-1) == wanted.argmax(-1)).sum()), len(wanted))
