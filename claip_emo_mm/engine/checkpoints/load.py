"""Building models from checkpoints, and publishing checkpoints."""
import copy
import gc
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmaction.registry import MODELS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from claip_emo_mm.engine.checkpoints.compatibility import check_compatibility, without_wrapper
from claip_emo_mm.engine.checkpoints.embedded_config import import_modules, read_config, without_needless_sources
from claip_emo_mm.engine.checkpoints.metadata import META_KEY, Metadata, make_metadata, read_metadata
from claip_emo_mm.engine.config_checks import build_lazily, default_scope, find_dataset, merge_options, walk_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.load import hash_weights
from claip_emo_mm.utils.io import atomic_write, check_writable, save_tensors

_EXPECTED = "Expected a checkpoint of tools/train.py with dict(type='AdapterCheckpointHook') in custom_hooks."


class TrainedModel(NamedTuple):
    """A model with its weights, on the CPU in evaluation mode, and the config that it was built from."""
    model: nn.Module
    cfg: Config
    classes: list[str]  # in the order of their labels; empty where they are not known
    metadata: Metadata | None = None  # of the checkpoint


def load_trained(checkpoint: str, cfg: Config | None = None,
                 cfg_options: Mapping[str, Any] | None = None) -> TrainedModel:
    """Build the model of a checkpoint and load its weights, strictly; no code of the file is run.

    Args:
        checkpoint: path of a checkpoint of this package; with `cfg` also of full weights without metadata.
        cfg: config of the model, which the checkpoint must fit. None takes the model and test pipeline of the config
            inside the checkpoint, after ``read_config`` has checked them.
        cfg_options: changes to the config: dotted path -> value, such as
            ``{'model.visual_backbone.pretrained': FILE}`` for frozen weights at another place;
            ``{'custom_imports.imports': MODULE}`` imports components of one's own first.
    Raises:
        InputError: the checkpoint is unreadable or without a config, does not fit, or its frozen weights are missing.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    metadata = read_metadata(loaded, checkpoint)
    own = cfg is None
    if own:
        if metadata is None or metadata['config'] is None:
            raise InputError(f'{checkpoint}: does not say how its model is built (meta[{META_KEY!r}]). {_EXPECTED}')
        cfg = read_config(metadata, checkpoint, cfg_options or {})
    else:
        cfg = copy.deepcopy(cfg)
        merge_options(cfg, import_modules(cfg_options or {}), checkpoint)
    cfg.model = without_needless_sources(cfg.model, metadata)
    with default_scope(cfg):
        model = _build(cfg, checkpoint, own)
        dataset = None if own else find_dataset(cfg, 'test')
        classes = [] if dataset is None else list(build_lazily(dataset).metainfo.get('classes', ()))
    here = None if own else make_metadata(cfg, classes, model, {})
    _load_checked(model, loaded, checkpoint, here)
    return TrainedModel(model.eval(), cfg, list(classes or (metadata or {}).get('classes', ())), metadata)


def load_weights(model: nn.Module, loaded: dict, source: str) -> bool:
    """Load a checkpoint of this package into a model, strictly, and set ``model.dataset_meta``.

    Args:
        model: built from the config of the training, with its frozen weights.
        loaded: what MMEngine's loader gives of the checkpoint.
        source: its path, for messages.
    Returns: False for a checkpoint without metadata, which is not loaded.
    Raises:
        InputError: the checkpoint does not fit, or the model has other frozen weights.
    """
    metadata = read_metadata(loaded, source)
    if metadata is None:
        return False
    _load_checked(model, loaded, source)
    model.dataset_meta = dict(classes=list(metadata['classes']))
    return True


def _load_checked(model: nn.Module, loaded: dict, source: str, here: Metadata | None = None) -> None:
    """Load what `check_compatibility` has found to fit: nothing is missing but frozen weights, which the model has."""
    check_compatibility(model, loaded, source, here)
    model.load_state_dict(without_wrapper(loaded.get('state_dict', loaded)), strict=False)


def build_recognizer(checkpoint: str, cfg: Config) -> nn.Module | None:
    """Build the model of a checkpoint for MMAction2's `inference_recognizer`; None for one without metadata.

    The model has `cfg`, with the pipeline of the test data set as `test_pipeline`, and `dataset_meta`.
    """
    if read_metadata(CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent'),
                     checkpoint) is None:
        return None
    trained = load_trained(checkpoint, cfg)
    model = trained.model
    model.cfg, model.dataset_meta = trained.cfg, dict(classes=trained.classes)
    model.cfg.test_pipeline = _pipeline_steps(trained.cfg, checkpoint)
    return model


def build_test_pipeline(cfg: Config, source: str, change: Callable[[list[dict]], None] | None = None) -> Compose:
    """Build the test pipeline of a checkpoint's config (``TrainedModel.cfg``); `change` may edit its transforms."""
    steps = _pipeline_steps(cfg, source)
    if change is not None:
        change(steps)
    try:
        return Compose(steps)
    except InputError:
        raise
    except Exception as error:  # the options of a file can be anything
        raise _not_built(source, 'test pipeline', error) from error


def _pipeline_steps(cfg: Config, source: str) -> list[dict]:
    """Configs of the transforms of the test pipeline, which may be edited."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:  # wrapped in another data set
        dataset = dataset['dataset']
    steps = dataset.get('pipeline')
    if not isinstance(steps, list) or not all(isinstance(step, dict) and 'type' in step for step in steps):
        raise InputError(f'{source}: its config has no test pipeline (test_dataloader.dataset.pipeline). Expected a '
                         'list of transforms, as in configs/_base_/datasets.')
    return copy.deepcopy(steps)


class Published(NamedTuple):
    """A published file, and what its checkpoint says of it."""
    size: int  # in bytes
    metadata: Metadata
    training: dict[str, Any]  # of MMEngine: epoch, iter, seed, ...
    weights_sha256: str  # as of `hash_checkpoint`


def publish(checkpoint: Path, out: Path) -> Published:
    """Write a checkpoint's weights, and its metadata as json in the header, to a safetensors file."""
    if out.suffix != '.safetensors':
        raise InputError(f'{out}: expected the name of a file that ends in .safetensors.')
    check_writable(out)
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu', logger='silent')
    metadata = read_metadata(loaded, str(checkpoint))
    if metadata is None:
        raise InputError(f'{checkpoint}: does not say what it belongs to (meta[{META_KEY!r}]). {_EXPECTED}')
    weights = {key: value.contiguous() for key, value in _weights(loaded).items()}
    with atomic_write(out) as temporary:
        save_tensors(weights, temporary, {'format': 'pt', META_KEY: json.dumps(metadata)})
        size = temporary.stat().st_size
    return Published(size, metadata, {key: value for key, value in loaded['meta'].items() if key != META_KEY},
                     hash_weights(weights))


def hash_checkpoint(checkpoint: Path) -> str:
    """SHA-256 of the weights of a checkpoint, the averaged ones of a training with EMAHook; metadata do not count.

    The published file has the hash of its checkpoint, and a temperature that is fitted later does not change it.
    """
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu', logger='silent')
    return hash_weights(_weights(loaded))


def _weights(loaded: Mapping[str, Any]) -> dict[str, Tensor]:
    state = without_wrapper(loaded.get('state_dict', loaded))
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}


def _build(cfg: Config, checkpoint: str, own: bool) -> nn.Module:
    """Build the model of a config, the checkpoint's own or a given one."""
    try:
        with _without_collecting():
            return MODELS.build(cfg.model)
    except InputError as error:
        # Errors of weights name their file or tag; other ones are not of what the checkpoint omits.
        sources = [f'{path}={value}' for path, value in walk_config(cfg.model, 'model')
                   if path.rpartition('.')[2] in ('pretrained', 'checkpoint') and isinstance(value, str)
                   and Path(value).name in str(error)]
        if not sources:
            raise
        # Weights that the checkpoint holds have no source any more: see `without_needless_sources`.
        raise InputError(f'{checkpoint}: omits its frozen weights, which are those of {", ".join(sources)}. {error} '
                         f'Say where they lie: --cfg-options {sources[0].split("=")[0]}=FILE.') from error
    except Exception as error:  # the options of a file can be anything
        if not own or isinstance(error, torch.OutOfMemoryError):
            raise
        raise _not_built(checkpoint, 'model', error) from error


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage while a model is built: it imports open_clip, peft and transformers, where there is none."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _not_built(source: str, what: str, error: Exception) -> InputError:
    reason = ' '.join(str(error).split())[:200] or type(error).__name__
    return InputError(f'{source}: the {what} of its config cannot be built ({reason}). Copy the file again, or use the '
                      'version that wrote it.')
