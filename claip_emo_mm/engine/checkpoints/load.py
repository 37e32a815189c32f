"""Trained models from checkpoints; publishing."""
import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmaction.registry import DATASETS, MODELS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader
from torch import nn

from claip_emo_mm.engine.checkpoints.compatibility import check_fit, without_wrapper
from claip_emo_mm.engine.checkpoints.embedded_config import (
    carried_config,
    import_modules,
    merge_options,
    needs_source,
    without_needless_sources,
)
from claip_emo_mm.engine.checkpoints.metadata import META_KEY, Metadata, make_metadata, read_metadata
from claip_emo_mm.engine.checkpoints.weight_sources import sources
from claip_emo_mm.engine.config_checks import find_dataset
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import atomic_write, check_writable, save_tensors


class TrainedModel(NamedTuple):
    """A model with its weights, and what it was made from.

    Attributes:
        model: on the CPU, in evaluation mode.
        cfg: config that it was built from.
        classes: names of the classes in the order of their numbers; empty where nobody says.
    """
    model: nn.Module
    cfg: Config
    classes: list[str]


def load_trained(checkpoint: str, cfg: Config | None = None,
                 cfg_options: Mapping[str, Any] | None = None) -> TrainedModel:
    """Build the model of a checkpoint and load its weights, strictly; no code of the file is run.

    Of its own config the model and the test pipeline are kept, after ``carried_config`` has looked at them.

    Args:
        checkpoint: path of a checkpoint of a training with this package, or of a published one; with `cfg` also of
            whole weights that say nothing of themselves.
        cfg: config of the model; the checkpoint's classes, backbones and front end must be its own. None takes the
            config that the checkpoint carries.
        cfg_options: changes to the config: dotted path -> value, such as
            ``{'model.visual_backbone.pretrained': FILE}`` for frozen weights that lie elsewhere here;
            ``{'custom_imports.imports': MODULE}`` imports parts of one's own first.
    Raises:
        InputError: the checkpoint is missing, unreadable, or does not say how its model is built; it does not fit the
            config; or the frozen weights that it belongs to are not there, or are others.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    facts = read_metadata(loaded, checkpoint)
    own = cfg is None
    if own:
        if facts is None or facts['config'] is None:
            raise InputError(f'{checkpoint}: does not say how its model is built (meta[{META_KEY!r}]). Expected a '
                             "checkpoint of tools/train.py with dict(type='AdapterCheckpointHook') in custom_hooks.")
        cfg = carried_config(facts, checkpoint, cfg_options or {})
    else:
        cfg = copy.deepcopy(cfg)
        merge_options(cfg, import_modules(cfg_options or {}), checkpoint)
    cfg.model = without_needless_sources(cfg.model, facts)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
        model = _build(cfg, facts, checkpoint, own)
        classes = facts['classes'] if own else _dataset_classes(cfg)
    here = None if own else make_metadata(cfg, classes, model, {})
    check_fit(model, loaded, checkpoint, here)
    model.load_state_dict(without_wrapper(loaded.get('state_dict', loaded)), strict=False)  # the rest it has already
    return TrainedModel(model.eval(), cfg, list(classes or (facts or {}).get('classes', ())))


def build_test_pipeline(cfg: Config, source: str, change: Callable[[list[dict]], None] | None = None) -> Compose:
    """Build the test pipeline of a checkpoint's config, as `load_trained` gives it.

    Args:
        cfg: ``TrainedModel.cfg``.
        source: path of the checkpoint, for messages.
        change: makes changes in a copy of the list of transforms, first.
    Raises:
        InputError: there is none, or it cannot be built.
    """
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:  # wrapped in another data set
        dataset = dataset['dataset']
    steps = dataset.get('pipeline')
    if not isinstance(steps, list) or not all(isinstance(step, dict) and 'type' in step for step in steps):
        raise InputError(f'{source}: its config has no test pipeline (test_dataloader.dataset.pipeline). Expected a '
                         'list of transforms, as in configs/_base_/datasets.')
    steps = copy.deepcopy(steps)
    if change is not None:
        change(steps)
    try:
        return Compose(steps)
    except InputError:
        raise
    except Exception as error:  # the options of a file can be anything
        raise InputError(f'{source}: the test pipeline of its config cannot be built ({_reason(error)}). Copy the file '
                         'again, or use the version that wrote it.') from error


def _build(cfg: Config, facts: Metadata | None, checkpoint: str, own: bool) -> nn.Module:
    """Build the model of a config, the checkpoint's own or a given one."""
    try:
        return MODELS.build(cfg.model)
    except InputError as error:
        fetched = [f'{path}={value}' for name in cfg.model if needs_source(facts, name)
                   for path, value in sources(cfg.model[name], f'model.{name}')]
        if not fetched:
            raise
        raise InputError(f'{checkpoint}: holds what was trained; the frozen weights belong to {", ".join(fetched)}. '
                         f'{error} Where they lie elsewhere, say so: --cfg-options {fetched[0].split("=")[0]}=FILE '
                         '(cfg_options of EmotionInferencer).') from error
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # the options of a file can be anything
        if not own:
            raise
        raise InputError(f'{checkpoint}: the model of its config cannot be built ({_reason(error)}). Copy the file '
                         'again, or use the version that wrote it.') from error


def _reason(error: Exception) -> str:
    return ' '.join(str(error).split())[:200] or type(error).__name__


def _dataset_classes(cfg: Config) -> list[str]:
    """Names of the classes of the config's test data set, whose files need not be there."""
    dataset = find_dataset(cfg, 'test')
    if dataset is None:
        return []
    return list(DATASETS.build(dict(dataset, pipeline=[], lazy_init=True)).metainfo.get('classes', ()))


def publish(checkpoint: Path, out: Path) -> int:
    """Write the weights of a checkpoint and its facts, as json in the header, to a safetensors file.

    Args:
        checkpoint: checkpoint of a training with this package.
        out: file that ends in ``.safetensors``; it takes its name when it is complete.
    Returns: size of the file in bytes.
    Raises:
        InputError: the checkpoint is missing, unreadable or says nothing of itself; or `out` has another ending, or
            cannot be written.
    """
    if out.suffix != '.safetensors':
        raise InputError(f'{out}: expected the name of a file that ends in .safetensors.')
    check_writable(out)
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu', logger='silent')
    facts = read_metadata(loaded, str(checkpoint))
    if facts is None:
        raise InputError(f'{checkpoint}: does not say what it belongs to (meta[{META_KEY!r}]). Expected a checkpoint '
                         "of tools/train.py with dict(type='AdapterCheckpointHook') in custom_hooks.")
    weights = {key: value.contiguous() for key, value in without_wrapper(loaded['state_dict']).items()}
    with atomic_write(out) as part:
        save_tensors(weights, part, {'format': 'pt', META_KEY: json.dumps(facts)})
        return part.stat().st_size
