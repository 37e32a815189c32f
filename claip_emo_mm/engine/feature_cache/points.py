"""What kept features are of: encoder, weights, front end; and the folder in the cache that follows from these."""
import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config

from claip_emo_mm.datasets.feature_cache import DESCRIPTION, DTYPES, MODALITIES, ContentHashes, PipelineParts
from claip_emo_mm.engine.checkpoints.settings import component_settings, model_settings
from claip_emo_mm.engine.config_checks import type_name
from claip_emo_mm.errors import InputError, check_choice, check_whole
from claip_emo_mm.models.weights.formats import AUDIO_FORMATS, VISUAL_FORMATS
from claip_emo_mm.models.weights.resolve import find_file
from claip_emo_mm.utils.io import read_json

KEY = 'feature_cache'  # in configs
_FORMAT = 1  # of the store, and of what the transforms make of a clip
_ENCODERS = {'visual': ('CLIPVisualBackbone', VISUAL_FORMATS), 'audio': ('CLAPAudioBackbone', AUDIO_FORMATS)}
_FREE = ('on_missing', 'meta_keys')  # options of transforms that change no feature


@dataclass(frozen=True)
class FeatureCacheConfig:
    """The config key ``feature_cache``.

    Args:
        dir: folder of the cache.
        views: augmented versions of a training clip, by the training pipeline; 0 trains on the views of the test
            pipeline, without augmentation, one at random in each epoch.
        dtype: ``'float32'`` or ``'float16'``, on disk.
        visual_block: keep the visual tokens that leave this block, from 0, to train adapters in the blocks above it;
            None keeps the features of frames.
        extract: whether what is missing is extracted at the start of a run; otherwise it is refused.
        processes: processes that extract.
    """
    dir: str = 'data/features'
    views: int = 0
    dtype: str = 'float32'
    visual_block: int | None = None
    extract: bool = True
    processes: int = 1

    def __post_init__(self) -> None:
        check_choice(KEY, DTYPES, dtype=self.dtype)
        check_whole(KEY, least=0, views=self.views, visual_block=self.visual_block)
        check_whole(KEY, processes=self.processes)

    @classmethod
    def of(cls, cfg: Config) -> 'FeatureCacheConfig':
        """Read the key of a config."""
        options = dict(cfg.get(KEY) or {})
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise InputError(f'{KEY}: {", ".join(unknown)} is no option of it. Expected {", ".join(known)}.')
        return cls(**options)


@dataclass(frozen=True)
class CachePoint:
    """Where the features of a modality are kept: behind which part of which network, after which transforms."""
    name: str  # of the modality
    settings: dict[str, Any]  # by which the features are told from others
    pretrained: str  # as the config says

    @property
    def folder(self) -> str:
        """Name of the folder in the cache."""
        text = json.dumps(self.settings, sort_keys=True)
        return f'{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}'

    def differences(self, cache: Path) -> list[str]:
        """How the nearest features of the modality in the cache differ, setting by setting; empty without any."""
        nearest: list[str] = []
        for path in sorted(cache.glob(f'{self.name}-*/{DESCRIPTION}')):
            there = read_json(path).get('settings', {})
            lines = [f'{key}: {there.get(key, "none")} there, {self.settings.get(key, "none")} here'
                     for key in dict.fromkeys([*there, *self.settings]) if there.get(key) != self.settings.get(key)]
            if lines and (not nearest or len(lines) < len(nearest)):
                nearest = lines
        return nearest


def cache_points(cfg: Config, options: FeatureCacheConfig, parts: PipelineParts,
                 contents: ContentHashes) -> dict[str, CachePoint]:
    """Tell what the features of each modality that the model and the pipeline have are of.

    Raises:
        InputError: features of this model cannot be kept.
    """
    if type_name(cfg.model.get('type')) != 'AudioVisualRecognizer':
        raise InputError(f'{KEY}: the model is a {type_name(cfg.model.get("type"))}. Features are kept for '
                         'AudioVisualRecognizer.')
    points = {}
    for name in MODALITIES:
        backbone = cfg.model.get(f'{name}_backbone')
        if backbone is None:
            continue
        if name not in parts.chains:
            raise InputError(f'{KEY}: the model has an {name}_backbone, but the pipeline has no {name} transforms. Add '
                             f'them, or set model.{name}_backbone=None.')
        points[name] = CachePoint(name, _settings(cfg, options, name, parts, contents), str(backbone.pretrained))
    return points


def applied_neck(cfg: Config, name: str) -> bool:
    """Whether the neck of a modality is applied before features are kept: the audio's, where it has no parameters."""
    return name == 'audio' and type_name((cfg.model.get('audio_neck') or {}).get('type')) == 'AudioMeanPool'


def _settings(cfg: Config, options: FeatureCacheConfig, name: str, parts: PipelineParts,
              contents: ContentHashes) -> dict[str, Any]:
    backbone = dict(cfg.model[f'{name}_backbone'])
    kind, formats = _ENCODERS[name]
    place = f'model.{name}_backbone'
    if type_name(backbone['type']) != kind:
        raise InputError(f'{KEY}: {place} is a {type_name(backbone["type"])}. Features are kept of {kind}.')
    if backbone.get('pretrained') is None:
        raise InputError(f'{KEY}: {place}.pretrained is None: random weights are others in every process. Write them '
                         'to a file once, and name it.')
    if backbone.get('init_cfg') or cfg.model.get('init_cfg'):
        raise InputError(f'{KEY}: an init_cfg replaces the weights of {place}. Name their file as pretrained.')
    block = options.visual_block if name == 'visual' else None
    if block is not None:
        backbone['lora'] = None  # in the blocks above
    file = find_file(backbone['pretrained'], [known.packaged for known in formats if known.packaged],
                     backbone.get('arch'))
    behind = 'the encoder' if block is None else f'block {block}'
    settings = dict(format=_FORMAT, dtype=options.dtype, behind='AudioMeanPool' if applied_neck(cfg, name) else behind,
                    weights=contents.of(file), frozen=bool(backbone.get('frozen', True)))
    settings |= {f'encoder.{key.removeprefix("model.")}': value for key, value in model_settings(backbone).items()}
    if name == 'visual':
        preprocessor = component_settings(
            cfg.model.get('data_preprocessor') or dict(type='AudioVisualDataPreprocessor'), MODELS)
        settings |= {f'data_preprocessor.{key}': preprocessor.get(key) for key in ('type', 'mean', 'std')}
    for number, step in enumerate(parts.chains[name]):
        found = component_settings(step, TRANSFORMS)
        settings |= {f'{number} {found["type"]}.{key}': value for key, value in found.items()
                     if key not in ('type', *_FREE)}
        settings[f'transform {number}'] = found['type']
    return settings
