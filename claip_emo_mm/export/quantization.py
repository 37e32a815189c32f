"""8-bit quantization of exported models, and running them."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from claip_emo_mm.compat.safe_pickle import one_line
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import check_scores


def run_file(path: Path, batches: Sequence[dict[str, np.ndarray]]) -> list[list[np.ndarray]]:
    """Run an ONNX file on the CPU for each dict of inputs.

    Raises:
        InputError: onnxruntime refuses the file, or its inputs.
    """
    import onnxruntime  # of the extra [export]
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, RuntimeException
    try:
        session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        return [session.run(None, batch) for batch in batches]
    except (Fail, InvalidArgument, InvalidGraph, RuntimeException) as error:
        raise InputError(f'{path}: onnxruntime cannot run the exported file: {one_line(error)} A '
                         'component of the model has a shape in it that must not change from call to call.') from error


def quantize(source: Path, target: Path) -> None:
    """Write an ONNX file with 8-bit weights of its matrix products, by onnxruntime's dynamic quantization per channel.

    The spectrogram is not quantized: its filters span many powers of ten.
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
class QuantizationChange:
    """Differences between the outputs of 8-bit weights and those of full precision."""
    path: Path
    size: int  # bytes
    difference: float  # largest one of a score (of a logit where the file has no scores)
    agreeing: int  # clips (views) with the same top class
    clips: int

    @classmethod
    def measure(cls, path: Path, file: Path, batches: Sequence[dict[str, np.ndarray]],
                expected: Sequence[list[np.ndarray]]) -> 'QuantizationChange':
        """Compare the first output, (B, K), with the expected one of full precision."""
        first = np.concatenate([outputs[0] for outputs in run_file(file, batches)])
        check_scores(first, str(path), 'Weights of 8 bits do not hold this model: go without --int8.')
        wanted = np.concatenate([outputs[0] for outputs in expected])
        return cls(path, file.stat().st_size, float(np.abs(first - wanted).max()),
                   int((first.argmax(-1) == wanted.argmax(-1)).sum()), len(wanted))
