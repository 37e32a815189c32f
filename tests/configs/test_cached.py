"""The configs of configs/cached: each builds, and has nothing below its features to train."""
from pathlib import Path

import pytest
from mmaction.registry import DATASETS, MODELS
from mmengine.registry import init_default_scope

from claip_emo_mm.datasets.feature_cache import split_pipeline
from claip_emo_mm.engine.config import find_config, load_config
from claip_emo_mm.engine.feature_cache import FeatureCacheConfig

FOLDER = Path(__file__).parents[2] / 'configs' / 'cached'
NAMES = sorted(path.name for path in FOLDER.glob('*.py'))
KINDS = {'temporal', 'linear_probe', 'fusion_sum', 'fusion_gated', 'fusion_film', 'fusion_cross_attention', 'audio',
         'visual'}
SETS = ('tiny_toy', 'vitb16_dfew', 'vitb16_mafw', 'vitb16_cremad', 'vitb16_ravdess')


def test_every_set_has_every_kind() -> None:
    assert {f'claip_emo_{of}_{kind}.py' for of in SETS for kind in KINDS} < set(NAMES)
    assert find_config('cached/claip_emo_tiny_toy_temporal.py') == find_config(
        'configs/cached/claip_emo_tiny_toy_temporal.py').resolve()


@pytest.mark.parametrize('name', NAMES)
def test_cached_leaf_builds(name: str) -> None:
    init_default_scope('mmaction')
    cfg = load_config(FOLDER / name)
    options = FeatureCacheConfig.of(cfg)
    assert not cfg.model.data_preprocessor.get('blending') and cfg.optim_wrapper.type == 'OptimWrapper'
    for modality in ('visual', 'audio'):
        backbone = cfg.model.get(f'{modality}_backbone')
        if backbone:
            assert backbone.pretrained and modality in split_pipeline(cfg.test_dataloader.dataset.pipeline).chains
            if backbone.get('lora'):
                assert modality == 'visual' and min(backbone.lora.blocks) == options.visual_block + 1
        elif modality in name:
            raise AssertionError(f'{name} has no {modality} encoder')
    model = {key: value for key, value in cfg.model.items() if not key.endswith('_backbone')}
    for modality in ('visual', 'audio'):  # what is trained; the encoders are those of other configs
        if cfg.model.get(f'{modality}_backbone'):
            model[f'{modality}_backbone'] = dict(type='CachedBackbone')
    built = MODELS.build(model)
    dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=[], lazy_init=True))
    assert built.cls_head.num_classes == len(dataset.metainfo['classes'])
    assert sum(parameter.numel() for parameter in built.parameters()) > 0
    assert cfg.train_dataloader.num_workers == 0
