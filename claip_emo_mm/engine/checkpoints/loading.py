"""From a checkpoint to the model that was trained, ready to evaluate."""
import copy
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader
from torch import nn

from claip_emo_mm.engine.checkpoints.facts import META_KEY, Facts, make_facts, read_facts
from claip_emo_mm.engine.checkpoints.fit import check_fit, without_wrapper
from claip_emo_mm.engine.data_lists import find_dataset
from claip_emo_mm.errors import InputError

_BACKBONES = ('visual_backbone', 'audio_backbone')


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

    Args:
        checkpoint: path of a checkpoint of a training with this package, or of a published one; with `cfg` also of
            whole weights that say nothing of themselves.
        cfg: config of the model; the checkpoint's classes, backbones and front end must be its own. None takes the
            config that the checkpoint carries.
        cfg_options: changes to the config: dotted path -> value, such as
            ``{'model.visual_backbone.pretrained': FILE}`` for frozen weights that lie elsewhere here.
    Raises:
        InputError: the checkpoint is missing, unreadable, or does not say how its model is built; it does not fit the
            config; or the frozen weights that it belongs to are not there, or are others.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    facts = read_facts(loaded, checkpoint)
    own = cfg is None
    if own:
        if facts is None or facts['config'] is None:
            raise InputError(f'{checkpoint}: does not say how its model is built (meta[{META_KEY!r}]). Expected a '
                             "checkpoint of tools/train.py with dict(type='CheckpointContentHook') in custom_hooks.")
        cfg = Config(json.loads(facts['config']))
    cfg = copy.deepcopy(cfg)
    cfg.merge_from_dict(dict(cfg_options or {}))
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
        model = _build(cfg, facts, checkpoint)
        classes = facts['classes'] if own else _dataset_classes(cfg)
    here = None if own else make_facts(cfg, classes, model, {})
    check_fit(model, loaded, checkpoint, here)
    model.load_state_dict(without_wrapper(loaded.get('state_dict', loaded)), strict=False)  # the rest it has already
    return TrainedModel(model.eval(), cfg, list(classes or (facts or {}).get('classes', ())))


def _build(cfg: Config, facts: Facts | None, checkpoint: str) -> nn.Module:
    """Build the model; backbones that the checkpoint holds whole are built without their source."""
    fetched = []
    left_out = facts['backbones'] if facts else {}
    for name in _BACKBONES:
        backbone = cfg.model.get(name)
        if backbone and backbone.get('pretrained') is not None:
            if left_out.get(name, {}).get('sha256') is None:
                backbone.pretrained = None
            else:
                fetched.append(f'model.{name}.pretrained={backbone.pretrained}')
    try:
        return MODELS.build(cfg.model)
    except InputError as error:
        if not fetched:
            raise
        raise InputError(f'{checkpoint}: holds what was trained; the frozen weights belong to {", ".join(fetched)}. '
                         f'{error} Where they lie elsewhere, say so: --cfg-options {fetched[0].split("=")[0]}=FILE '
                         '(cfg_options of EmotionInferencer).') from error


def _dataset_classes(cfg: Config) -> list[str]:
    """Names of the classes of the config's test data set, whose files need not be there."""
    dataset = find_dataset(cfg, 'test')
    if dataset is None:
        return []
    return list(DATASETS.build(dict(dataset, pipeline=[], lazy_init=True)).metainfo.get('classes', ()))
