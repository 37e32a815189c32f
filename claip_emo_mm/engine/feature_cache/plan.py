"""Which features a config needs, and the config that reads them."""
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from claip_emo_mm.datasets.feature_cache import CLIPS, DESCRIPTION, ContentHashes, PipelineParts, split_pipeline
from claip_emo_mm.engine.config_checks import EXACT_OPTIONS, inexact_options, inner_datasets
from claip_emo_mm.engine.feature_cache.encoders import STATISTICS
from claip_emo_mm.engine.feature_cache.points import (
    KEY,
    CachePoint,
    FeatureCacheConfig,
    applied_neck,
    cache_points,
)
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.clip import build_vision_transformer
from claip_emo_mm.utils.io import read_json

SPLITS = ('train', 'val', 'test')


@dataclass(frozen=True)
class Use:
    """Clips of a data set that go through a pipeline."""
    split: str
    dataset: dict[str, Any]  # config
    steps: list[dict[str, Any]]  # the pipeline
    parts: PipelineParts
    points: dict[str, CachePoint]
    versions: int  # augmented versions of each clip


class FeaturePlan:
    """What a config with ``feature_cache`` needs of the cache.

    Args:
        cfg: the config, with encoders and pipelines that read media.
        contents: hashes of the cache.
        splits: whose features are needed.
    Raises:
        InputError: features of this config cannot be kept.
    """

    def __init__(self, cfg: Config, contents: ContentHashes, splits: Sequence[str] = SPLITS) -> None:
        self.cfg, self.options, self.contents = cfg, FeatureCacheConfig.of(cfg), contents
        self.cache = Path(self.options.dir)
        if (cfg.model.get('data_preprocessor') or {}).get('blending'):
            raise InputError(f'{KEY}: model.data_preprocessor.blending mixes pixels and spectrograms, which are not '
                             'read. Set it to None.')
        _refuse_inexact(cfg)
        if 'strategy' in cfg:
            raise InputError(f'{KEY}: strategy shards the encoders, which are not there. Take it out of the config.')
        self.uses = [use for split in splits for use in self._uses(split)]
        if not self.uses:
            raise InputError(f'{cfg.filename}: no data loader has a data set with a pipeline: there is nothing to '
                             'extract.')
        if self.options.visual_block is not None and 'visual' in self.uses[0].points:
            _check_block(cfg.model.visual_backbone, self.options.visual_block)

    def points(self) -> list[CachePoint]:
        """Each point where features are kept, once."""
        return list({point.folder: point for use in self.uses for point in use.points.values()}.values())

    def _uses(self, split: str) -> Iterator[Use]:
        for dataset in dataset_leaves((self.cfg.get(f'{split}_dataloader') or {}).get('dataset')):
            steps, versions = self._steps(split, dataset)
            parts = split_pipeline(steps)
            yield Use(split, dict(dataset), steps, parts,
                      cache_points(self.cfg, self.options, parts, self.contents), versions)

    def _steps(self, split: str, dataset: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """The pipeline whose results are kept, and the number of augmented versions."""
        if split != 'train' or dataset.get('test_mode'):
            return list(dataset['pipeline']), 1
        if self.options.views:
            return list(dataset['pipeline']), self.options.views
        for other in ('test', 'val'):
            for leaf in dataset_leaves((self.cfg.get(f'{other}_dataloader') or {}).get('dataset')):
                return list(leaf['pipeline']), 1
        raise InputError(f'{self.cfg.filename}: {KEY}.views=0 trains on the views of the test pipeline, but there is '
                         'no test_dataloader. Set views to a number of augmented versions.')

    def cached_config(self) -> tuple[Config, dict[str, str]]:
        """The config without encoders, and the hash of the frozen weights of each backbone.

        Raises:
            InputError: nothing was extracted yet.
        """
        cfg = copy.deepcopy(self.cfg)
        cfg.pop(KEY)
        hashes = {}
        for name in self.uses[0].points:
            points = [use.points[name] for use in self.uses]
            point = next((each for each in points if (self.cache / each.folder / DESCRIPTION).is_file()), points[0])
            folder = self.cache / point.folder
            description = read_json(folder / DESCRIPTION)
            if not description:
                _refuse_absent(folder, name)
                raise InputError(f'{folder}: holds no {name} features of this config. Extract them: '
                                 f'tools/extract_features.py {self.cfg.filename} --out {self.cache}.')
            hashes[f'{name}_backbone'] = description['frozen_sha256']
            if name == 'visual' and self.options.visual_block is not None:
                cfg.model.visual_backbone.first_block = self.options.visual_block + 1
                continue
            statistics = folder / STATISTICS
            cfg.model[f'{name}_backbone'] = ConfigDict(
                type='CachedBackbone', pretrained=point.pretrained,
                statistics=str(statistics) if description['statistics'] else None)
            if applied_neck(self.cfg, name):
                cfg.model[f'{name}_neck'] = None
        for split in SPLITS:
            for dataset in dataset_leaves((cfg.get(f'{split}_dataloader') or {}).get('dataset')):
                steps, versions = self._steps(split, dataset)
                parts = split_pipeline(steps)
                stores = {name: point.folder for name, point in cache_points(
                    self.cfg, self.options, parts, self.contents).items()}
                dataset['pipeline'] = [
                    ConfigDict(type='LoadCachedFeatures', cache=str(self.cache), pipeline=steps, stores=stores,
                               versions=versions, one_view=split == 'train' and not dataset.get('test_mode')),
                    ConfigDict(parts.pack)]
        return cfg, hashes


def _refuse_inexact(cfg: Config) -> None:
    """Refuse options with which the encoders give other features; the features that are kept do not tell."""
    for path, value in inexact_options(cfg).items():
        raise InputError(f'{KEY}: {path} is {value!r}, which changes the features: they are kept exact. Set '
                         f'{path}={EXACT_OPTIONS[path]!r}. A checkpoint takes the option when it is tested on the '
                         f'media, with {KEY}=None.')


def _refuse_absent(folder: Path, name: str) -> None:
    """Refuse a modality of which no clip has anything: a folder of features that knows clips, but has no features."""
    if (folder / CLIPS).is_file():
        what, other = ('audio', 'visual') if name == 'audio' else ('frames', 'audio')
        raise InputError(f'{KEY}: no clip has {what}, so there are no {name} features. Train without: set '
                         f'model.{name}_backbone=None, model.{name}_neck=None, model.cls_head.{name}_channels=0, and '
                         f'take the {name} transforms out of the pipelines, as configs/cached/*_{other}.py do.')


def _check_block(backbone: Mapping[str, Any], block: int) -> None:
    """Refuse a `visual_block` without blocks above it, and parameters to train in it or below."""
    with torch.device('meta'):
        last = len(build_vision_transformer(backbone['arch']).transformer.resblocks) - 1
    if block >= last:
        raise InputError(f'{KEY}: visual_block is {block}, but the encoder has the blocks 0 to {last}. Expected one '
                         'below the last, as adapters are trained above it.')
    lora = backbone.get('lora')
    blocks = lora.get('blocks') if lora is not None else [last]
    is_above = isinstance(blocks, Sequence) and all(isinstance(each, int) and each > block for each in blocks)
    if not (blocks and is_above and backbone.get('frozen', True)):
        found = 'frozen=False' if not backbone.get('frozen', True) else f'lora.blocks={blocks}'
        raise InputError(f'{KEY}: model.visual_backbone.{found} trains parameters in block {block} or below, where '
                         f'visual_block={block} keeps the tokens that leave it: these would be old after one step. Set '
                         f'model.visual_backbone.lora.blocks to blocks above {block}, and frozen=True.')


def dataset_leaves(dataset: Any) -> Iterator[Any]:
    """Configs of the data sets with a pipeline, within others."""
    if not isinstance(dataset, Mapping):
        return
    inner: Sequence[Any] = inner_datasets(dataset)
    if inner:
        for each in inner:
            yield from dataset_leaves(each)
    elif dataset.get('pipeline'):
        yield dataset
