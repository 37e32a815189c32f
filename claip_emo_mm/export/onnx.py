"""Exports a trained model to an ONNX file whose scores match PyTorch's, also with 8-bit weights."""
import importlib
import json
import logging
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from claip_emo_mm.compat.safe_pickle import one_line
from claip_emo_mm.engine.checkpoints.load import TrainedModel
from claip_emo_mm.engine.checkpoints.settings import front_end_settings
from claip_emo_mm.engine.config_checks import EXACT_OPTIONS, inexact_options
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import check_scores, why_not_finite
from claip_emo_mm.export.front_end import Clip, FrontEnd
from claip_emo_mm.export.wrappers import FORMATS, MediaModel, TensorModel
from claip_emo_mm.models.layers.lora import merge_adapters
from claip_emo_mm.models.recognizer import AudioVisualRecognizer
from claip_emo_mm.utils.io import atomic_write, check_writable
from claip_emo_mm.version import INTENDED_USE, LICENSE, __version__

OPSET = 18  # what torch's exporter writes without a conversion; onnxruntime reads it since 1.14
IR_VERSION = 8  # the lowest that holds this opset; the exporter's own, 10, is refused by onnxruntime before 1.18
TOLERANCE = 1e-4
_NOT_EXPORTED = 'model.data_preprocessor.frame_tolerance'  # the file's user says which frames are distinct
_MAX_SIZE = 2e9  # bytes: an ONNX file is one protocol buffer, which ends at 2 GiB


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


@dataclass(frozen=True)
class Exported:
    """An exported file, and how well it matches PyTorch."""
    path: Path
    size: int  # bytes
    difference: float  # largest difference between an output in onnxruntime and in PyTorch
    clips: int  # number of clips that were compared
    int8: QuantizationChange | None = None  # the file with 8-bit weights, if any


def export_onnx(trained: TrainedModel, out: Path, inputs: str = 'media', videos: Sequence[str | Path] = (),
                num_samples: int = 4, int8: bool = False, overwrite: bool = False, source: str = '') -> Exported:
    """Export a model with merged adapters.

    The file is compared with PyTorch on clips of noise, one of which has other sizes than the exporter saw, on the
    video of a drawn face, and on `videos`. It is written only when all outputs agree.

    Args:
        trained: the model; its adapters are merged in place.
        out: file that ends in ``.onnx``.
        inputs: ``'media'``: frames and audio in, scores out (``MediaModel``); ``'tensors'``: ``TensorModel``.
        videos: further files to compare on.
        num_samples: clips of noise, at least 2.
        int8: write a second file with 8-bit weights beside it, named ``.int8.onnx``.
        overwrite: replace existing files.
        source: name of the checkpoint, for the file's metadata.
    Raises:
        InputError: a package is missing, a file exists, the model is none of ours, too large, or has a component that
            cannot be exported; or the outputs differ by more than 1e-4.
    """
    targets = check_targets(out, int8, overwrite)
    _check_model(trained)
    model = trained.model
    front_end = FrontEnd(trained.cfg, model.visual_backbone is not None, model.audio_backbone is not None)
    exported = FORMATS[inputs](model, front_end).eval()
    generator = torch.Generator().manual_seed(0)
    batches = [[front_end.sample(generator, 5 + clip, 3, 4) for clip in range(2)],
               [front_end.sample(generator, 1, 1, 1)],
               *([front_end.sample(generator, 4, 1, 1)] for _ in range(num_samples - 2)),
               [front_end.sample_video()], *([front_end.read(video)] for video in videos)]
    arrays = [{key: value.numpy() for key, value in exported.inputs(batch).items()} for batch in batches]
    change = None
    with ExitStack() as writing, tqdm(total=4 if int8 else 3, unit='step', mininterval=0) as bar:
        files = [writing.enter_context(atomic_write(path)) for path in targets]
        bar.set_description('PyTorch')
        with torch.inference_mode():
            expected = [[output.numpy() for output in exported.expected(batch)] for batch in batches]
        _step(bar, 'writing')
        usage = dict(inputs={key: exported.input_texts[key] for key in arrays[0]},
                     num_clips=front_end.views.num_clips)
        _write(exported, batches[0], files[0], dict(
            claip_emo_mm=__version__, checkpoint=source, classes=json.dumps(trained.classes),
            front_end=json.dumps(front_end_settings(trained.cfg)), usage=json.dumps(usage), license=LICENSE,
            intended_use=INTENDED_USE))
        _step(bar, 'onnxruntime')
        results = run_file(files[0], arrays)
        for outputs in (*expected, *results):
            check_scores(outputs[0], str(out), why_not_finite(exported.model))
        difference = float(np.max([np.abs(first - second).max()
                                   for result, wanted in zip(results, expected, strict=True)
                                   for first, second in zip(result, wanted, strict=True)]))
        if not difference <= TOLERANCE:  # or not a number
            raise InputError(f'{out}: onnxruntime and PyTorch differ by {difference:.1e}, expected at most '
                             f'{TOLERANCE:.0e}; nothing was written. With weights of ordinary size they agree to about '
                             '1e-6: look for adapters that diverged, or for a component that cannot be exported.')
        if int8:
            _step(bar, '8-bit weights')
            quantize(files[0], files[1])
            change = QuantizationChange.measure(targets[1], files[1], arrays, results)
        size = files[0].stat().st_size
        _step(bar, 'done')
    return Exported(out, size, difference, sum(map(len, batches)), change)


def check_targets(out: Path, int8: bool, overwrite: bool) -> list[Path]:
    """Check packages and paths before anything is computed, and return the files to write.

    Raises:
        InputError: a package is missing, or a file has another ending, exists, or cannot be written.
    """
    for name in ('onnx', 'onnxruntime', 'onnxscript'):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise InputError(f'the export needs the package {name}, which cannot be imported ({error}): pip install '
                             'onnx onnxruntime onnxscript (or claip_emo_mm[export]).') from error
    targets = [out] + ([out.with_suffix('.int8.onnx')] if int8 else [])
    for path in targets:
        if path.suffix != '.onnx':
            raise InputError(f'{path}: expected the name of a file that ends in .onnx.')
        if path.exists() and (path.is_dir() or not overwrite):
            raise InputError(f'{path}: is there already. Name another file, or replace it with --overwrite.')
        check_writable(path)
    return targets


def _check_model(trained: TrainedModel) -> None:
    if not isinstance(trained.model, AudioVisualRecognizer):
        raise InputError(f'model.type is {type(trained.model).__name__}; expected an AudioVisualRecognizer.')
    exact = [f'{path}={EXACT_OPTIONS[path]}' for path in inexact_options(trained.cfg) if path != _NOT_EXPORTED]
    if exact:
        raise InputError(f'an ONNX file holds the exact model: set {" ".join(exact)}. --int8 writes a faster file '
                         'beside it.')
    size = sum(value.numel() * value.element_size() for value in trained.model.state_dict().values())
    if size > _MAX_SIZE:
        raise InputError(f'the model has {size / 1e9:.1f} GB of weights; one ONNX file holds at most 2 GB. Export one '
                         'with a smaller encoder, such as ViT-L/14.')


def _write(exported: MediaModel | TensorModel, clips: Sequence[Clip], path: Path, metadata: dict[str, str]) -> None:
    try:
        merge_adapters(exported.model)
    except ValueError as error:  # of peft
        raise InputError(f'an adapter holds values that are not finite, so it cannot be merged: {error}') from error
    inputs = exported.inputs(clips)
    shapes = exported.dynamic_shapes()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the exporter's own
            program = torch.onnx.export(
                exported, kwargs=inputs, dynamic_shapes={key: shapes[key] for key in inputs}, input_names=list(inputs),
                output_names=list(exported.output_names), opset_version=OPSET, dynamo=True, verbose=False)
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().partition('\n')[0]
        raise InputError(f"a component of the model cannot be exported: {reason} The project's own backbones, necks "
                         'and heads can be.') from error
    program.model.metadata_props.update(metadata)
    program.model.ir_version = IR_VERSION
    program.save(path, external_data=False)


def _step(bar: tqdm, what: str) -> None:
    bar.update()
    bar.set_description(what)


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
