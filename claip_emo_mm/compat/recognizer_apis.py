"""MMAction2's own inference on checkpoints of this package: `init_recognizer` and `MMAction2Inferencer`."""
from collections.abc import Callable
from functools import cache
from typing import Any

import mmaction.apis
from mmaction.apis import ActionRecogInferencer, inference
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from torch import nn

from claip_emo_mm.compat import replace_method

LoadWeights = Callable[[nn.Module, dict, str], bool]
BuildRecognizer = Callable[[str, Config], nn.Module | None]


@cache
def patch_recognizer_apis(load_weights: LoadWeights, build_recognizer: BuildRecognizer) -> None:
    """Let MMAction2's functions load checkpoints that omit frozen weights, strictly, and name the classes.

    MMAction2 1.2.0 sets `backbone.pretrained` to None before it builds a model, and loads what a checkpoint has. Shows
    as `missing keys in source state_dict: visual_backbone...` (160 of them), and in MMAction2's recognizers as scores
    of random weights. Results have the numbers of classes alone. Can go when MMAction2 loads by a hook of the model.

    Args:
        load_weights: loads a checkpoint into a model and sets its `dataset_meta`; False for checkpoints of others.
        build_recognizer: the model of a checkpoint and a config, with `cfg`; None for checkpoints of others.
    """
    @replace_method(inference, 'load_checkpoint')  # where init_recognizer was imported before this package
    def load_checkpoint(original: Callable[..., dict], model: nn.Module, filename: str, map_location: object = None,
                        **options: Any) -> dict:
        checkpoint = CheckpointLoader.load_checkpoint(filename, map_location, logger='silent')
        return checkpoint if load_weights(model, checkpoint, filename) else original(model, filename, map_location,
                                                                                     **options)

    @replace_method(ActionRecogInferencer, '_load_weights_to_model')
    def load_weights_to_model(original: Callable[..., None], self: ActionRecogInferencer, model: nn.Module,
                              checkpoint: dict | None, cfg: Any) -> None:
        if checkpoint is None or not load_weights(model, checkpoint, 'weights'):
            original(self, model, checkpoint, cfg)

    @replace_method(ActionRecogInferencer, '__init__')
    def init(original: Callable[..., None], self: ActionRecogInferencer, *args: Any, **options: Any) -> None:
        original(self, *args, **options)
        if self.visualizer is not None and not self.visualizer.dataset_meta and _classes(self.model):
            self.visualizer.dataset_meta = dict(self.model.dataset_meta)

    @replace_method(ActionRecogInferencer, 'pred2dict')
    def pred2dict(original: Callable[..., dict], self: ActionRecogInferencer, sample: ActionDataSample) -> dict:
        result, classes = original(self, sample), _classes(self.model)
        return dict(result, pred_labels=[classes[label] for label in result['pred_labels']]) if classes else result

    original_init, original_inference = inference.init_recognizer, inference.inference_recognizer

    @replace_method(inference, 'init_recognizer')
    def init_recognizer(original: Callable[..., nn.Module], config: Any, checkpoint: str | None = None,
                        device: Any = 'cuda:0') -> nn.Module:
        if checkpoint is None:
            return original(config, checkpoint, device)
        cfg = config if isinstance(config, Config) else Config.fromfile(config)
        init_default_scope(cfg.get('default_scope', 'mmaction'))
        model = build_recognizer(str(checkpoint), cfg)
        return original(cfg, checkpoint, device) if model is None else model.to(device)

    @replace_method(inference, 'inference_recognizer')
    def inference_recognizer(original: Callable[..., ActionDataSample], model: nn.Module, *args: Any,
                             **options: Any) -> ActionDataSample:
        result, classes = original(model, *args, **options), _classes(model)
        if classes:
            result.set_metainfo(dict(classes=classes, pred_class=classes[int(result.pred_label)]))
        return result

    for name, function in (('init_recognizer', original_init), ('inference_recognizer', original_inference)):
        if getattr(mmaction.apis, name) is function:
            setattr(mmaction.apis, name, getattr(inference, name))


def _classes(model: nn.Module) -> list[str]:
    """Names of the classes of a model that `load_weights` has loaded; empty for others."""
    return list((getattr(model, 'dataset_meta', None) or {}).get('classes', ()))
