"""Zero-shot models: CLIP, and CLAP where it is asked for, as published, and what is known of their accuracy."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmaction.registry import MODELS
from mmengine.config import Config

from claip_emo_mm.datasets.prompts import class_names, is_schema, read_prompts
from claip_emo_mm.engine.checkpoints.embedded_config import import_modules
from claip_emo_mm.engine.checkpoints.load import TrainedModel
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import default_scope
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.heads.language_head import LanguageHead
from claip_emo_mm.structures import ModelFacts

ARCH = 'ViT-L-14-quickgelu'
_CONFIGS = {('clip', False): 'claip_emo_vitl14_zero_shot_dfew.py',
            ('clip', True): 'claip_emo_vitl14_zero_shot_dfew_audio.py',
            ('toy', False): 'claip_emo_tiny_toy_zero_shot.py', ('toy', True): 'claip_emo_tiny_toy_zero_shot_audio.py'}
_PUBLISHED = {  # UAR and WAR in percent, mean of the folds: arXiv 2405.19100, CLIP without training
    'ViT-L-14': 'CLIP ViT-L/14: UAR 32.02, WAR 38.12 on DFEW (7 classes); UAR 20.42, WAR 25.58 on MAFW (11)',
    'ViT-B-16': 'CLIP ViT-B/16: UAR 22.92, WAR 28.33 on DFEW (7 classes)'}
_CLAP = 'CLAP: 14.65 % on RAVDESS (8 classes)'


def find_labels(labels: str | Sequence[str] | None, prompts: str | Path | Mapping[str, Any] | None) -> str | list[str]:
    """Classes of a text ('dfew', or 'bored, in pain'), of a list, or of the prompts; DFEW's where all are None."""
    if labels is None and prompts is None:
        return 'dfew'
    if labels is None:
        return list(prompts if isinstance(prompts, Mapping) else read_prompts(prompts))
    if isinstance(labels, str):
        labels = labels.strip() if is_schema(labels.strip()) else [word.strip() for word in labels.split(',')]
    class_names(labels)
    return labels if isinstance(labels, str) else list(labels)


def build_zero_shot(labels: str | Sequence[str] | None = None, arch: str | dict | None = None,
                    pretrained: str | None = None, prompts: str | Path | Mapping[str, Any] | None = None,
                    audio: bool = False, cfg_options: Mapping[str, Any] | None = None,
                    config: str | Path | None = None) -> TrainedModel:
    """Build a model of CLIP's two encoders, with the config that its test pipeline comes from.

    Args:
        labels: as of ``find_labels``.
        arch: open_clip's name of the CLIP; None for ViT-L/14; ``'toy'`` for the toy encoders, which know drawn faces
            alone, and few words.
        pretrained: file of the whole of CLIP; None for OpenAI's weights, which are downloaded.
        prompts: sentences by class name, or a file of them; None for the project's own.
        audio: whether CLAP's encoders score the audio, too.
        cfg_options: changes to the config.
        config: config of a zero-shot model in place of the project's own.
    Raises:
        InputError: a file is missing, or labels and prompts do not fit.
    """
    labels = find_labels(labels, prompts)
    options = dict(cfg_options or {})
    kind, arch = ('toy', None) if arch == 'toy' else ('clip', arch)
    cfg = load_config(config or _CONFIGS[kind, audio], import_modules(options))
    backbone, head = cfg.model.visual_backbone, cfg.model.cls_head
    changes: dict[str, Any] = {'classes': labels, 'num_classes': len(class_names(labels))}
    if prompts is not None:
        changes['prompts'] = dict(prompts) if isinstance(prompts, Mapping) else str(prompts)
    head.update({key: value for key, value in changes.items() if f'model.cls_head.{key}' not in options})
    if arch is not None:
        import open_clip  # with all of timm
        found = open_clip.get_model_config(arch)
        if found is None:
            raise InputError(f'--arch {arch}: is not a model of open_clip. open_clip.list_models() gives all, such as '
                             f'{ARCH}.')
        head.arch = backbone.arch = arch
        head.visual_channels = found['vision_cfg'].get('width', 0)
        _set_size(cfg, found['vision_cfg'].get('image_size', 224))
    if pretrained is not None:
        head.pretrained = backbone.pretrained = str(pretrained)
    cfg = Config(dict(model=cfg.model, default_scope=cfg.default_scope, test_dataloader=cfg.test_dataloader),
                 filename=cfg.filename)
    with default_scope(cfg):
        model = MODELS.build(cfg.model)
    model.cls_head.init_weights()
    return TrainedModel(model.eval(), cfg, list(model.cls_head.classes))


def _set_size(cfg: Config, size: int) -> None:
    for step in cfg.test_dataloader.dataset.pipeline:
        if step['type'] == 'ResizeFrames':
            step['size'] = size


def is_zero_shot(cfg: Config) -> bool:
    """Whether the model of a config needs no checkpoint: all of its weights are published ones."""
    head = cfg.get('model', {}).get('cls_head') or {}
    return head.get('type') == 'LanguageHead' and head.get('pretrained') is not None


def describe_zero_shot(cfg: Config) -> str:
    """Say what a zero-shot model is, and what accuracy was published for it or its like."""
    head = cfg.model.cls_head
    arch = head.get('arch') if isinstance(head.get('arch'), str) else None
    known = _PUBLISHED.get((arch or '').removesuffix('-quickgelu'))
    audio = f'; {_CLAP}' if head.get('audio_channels') else ''
    words = '' if isinstance(head.get('classes', 'dfew'), str) else 'Nothing is known of these words. '
    return (f'zero-shot: no training for these classes. {words}Published in % without training: '
            f'{known or f"nothing for {arch}; " + _PUBLISHED["ViT-L-14"]}{audio}.' if arch else
            f'zero-shot: no training for these classes. {words}The toy encoders know drawn faces and voices alone.')


def zero_shot_facts(cfg: Config) -> ModelFacts:
    """Name and training data of a zero-shot model."""
    arch = cfg.model.cls_head.get('arch')
    if isinstance(arch, str):
        return ModelFacts(f'zero-shot {arch}', 'images and sentences of the web, without labels of emotions')
    return ModelFacts('zero-shot toy encoders', 'drawn faces and sentences on them')


def describe_open_vocabulary(head: LanguageHead, trained: Sequence[str]) -> str:
    """Say what the scores of a trained model for words that it was not trained with are worth."""
    return (f'open vocabulary: the model was trained for {", ".join(trained)}; its accuracy on these says nothing of '
            f'{", ".join(head.classes)}, which was never measured.')
