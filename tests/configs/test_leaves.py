"""Every runnable config builds: its model, its pipelines, its hooks."""
import re
from pathlib import Path

import open_clip
import pytest
import torch
from mmaction.registry import DATASETS, HOOKS, METRICS, MODELS, PARAM_SCHEDULERS, TRANSFORMS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import FUNCTIONS, RUNNERS, STRATEGIES, init_default_scope

from claip_emo_mm.apis.zero_shot import is_zero_shot
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import check_top_level
from claip_emo_mm.engine.hooks.checks import count_parameters
from claip_emo_mm.toy.captions import VOCABULARY

CONFIGS = Path(__file__).parents[2] / 'configs'
LEAVES = sorted(path.name for path in CONFIGS.glob('*.py'))
SHARDED = 'claip_emo_vitbigg14_dfew_fsdp.py'
ZERO_SHOT_LEAVES = [name for name in LEAVES if '_zero_shot' in name]
PAPER_LEAVES = [name for name in LEAVES if name.startswith('claip_emo_vit') and name not in ZERO_SHOT_LEAVES]
FOLDS_LEAF = 'claip_emo_tiny_toy_folds.py'  # validated on the fold's test split, as the paper's models are
README_SIZES = {name: [int(size.replace(',', '')) for size in sizes] for name, *sizes in re.findall(
    r'^\| `(claip_emo_vit\w+\.py)` \|.*?\| ([\d,]+) \| ([\d,]+) \|', (CONFIGS / 'README.md').read_text(), re.MULTILINE)}
TOY_LEAVES = [name for name in LEAVES if name.startswith('claip_emo_tiny_toy') and name not in ZERO_SHOT_LEAVES]


@pytest.mark.parametrize('name', LEAVES)
def test_leaf_builds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = Config.fromfile(CONFIGS / name)
    check_top_level(cfg)
    init_default_scope('mmaction')
    for backbone in (cfg.model.get('visual_backbone'), cfg.model.get('audio_backbone')):
        if backbone and backbone.get('pretrained') != 'toy':
            backbone.pretrained = None  # these have to be fetched
    if 'vit' in name:  # hundreds of MB, whose values are not looked at
        for function in ('kaiming_uniform_', 'normal_', 'trunc_normal_', 'uniform_', 'xavier_uniform_'):
            monkeypatch.setattr(torch.nn.init, function, lambda tensor, *_, **__: tensor)
    model = MODELS.build(shallow(cfg.model, 1) if name == SHARDED else cfg.model)
    trained, whole = count_parameters(model)
    assert trained <= whole and (trained > 0) == (name not in ZERO_SHOT_LEAVES)
    if name in ZERO_SHOT_LEAVES:
        if 'tiny' not in name:
            assert [trained, whole] == README_SIZES[name]
            assert cfg.model.visual_backbone.arch == cfg.model.cls_head.arch
        classes = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[], lazy_init=True)).metainfo['classes']
        assert tuple(classes) == model.cls_head.classes
        assert cfg.get('train_dataloader') is None and is_zero_shot(cfg)
    if name == SHARDED:  # 7.5 GB: its size follows from those with one and with two blocks
        second = count_parameters(MODELS.build(shallow(cfg.model, 2)))
        trained, whole = (one + 47 * (two - one) for one, two in zip((trained, whole), second, strict=True))
    if name in PAPER_LEAVES:
        assert [trained, whole] == README_SIZES[name]
        classes = DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=[], lazy_init=True)).metainfo['classes']
        assert model.cls_head.num_classes == model.data_preprocessor.blending.num_classes == len(classes)
        assert cfg.auto_scale_lr.enable and cfg.default_hooks.early_stop.patience == 20
        assert cfg.default_hooks.checkpoint.save_best == 'WAR'
    for hook in [*cfg.custom_hooks, *cfg.default_hooks.values()]:
        HOOKS.build(hook)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader) and 'pipeline' in cfg[loader].dataset:
            Compose(cfg[loader].dataset.pipeline)
    if 'param_scheduler' in cfg:
        assert all(PARAM_SCHEDULERS.get(scheduler.type) for scheduler in cfg.param_scheduler)
    if 'test_evaluator' in cfg:
        METRICS.build(cfg.test_evaluator)


def shallow(model: dict, layers: int) -> dict:
    """The model with the first blocks of its visual encoder only."""
    arch = open_clip.get_model_config(model.visual_backbone.arch)['vision_cfg']
    assert arch['layers'] == 48
    return dict(model, visual_backbone=dict(model.visual_backbone, arch=dict(arch, layers=layers)))


def test_sharded_leaf_has_a_strategy() -> None:
    cfg = Config.fromfile(CONFIGS / SHARDED)
    assert RUNNERS.get(cfg.runner_type) and STRATEGIES.get(cfg.strategy.type)
    assert callable(FUNCTIONS.get(cfg.strategy.model_wrapper.auto_wrap_policy))


@pytest.mark.parametrize('name', TOY_LEAVES)
def test_toy_models_train_at_most_15_percent(name: str) -> None:
    cfg = Config.fromfile(CONFIGS / name)
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model)
    trained, whole = count_parameters(model)
    assert trained / whole <= .15
    assert model.cls_head.num_classes == len(DFEW.classes)
    for backbone in (model.visual_backbone, model.audio_backbone):
        if backbone is not None:
            names = [name for name, parameter in backbone.named_parameters() if parameter.requires_grad]
            assert names and all('.lora_' in name for name in names)


@pytest.mark.parametrize(('name', 'absent'), [
    ('claip_emo_tiny_toy_visual.py', ('LoadAudioWindows', 'RandomRollGain', 'LogMel')),
    ('claip_emo_tiny_toy_audio.py', ('DecodeFrames', 'ResizeFrames')),
    ('claip_emo_vitl14_dfew_visual.py', ('LoadAudioWindows', 'RandomRollGain', 'LogMel')),
    ('claip_emo_vitl14_dfew_audio.py', ('DecodeFrames', 'ResizeFrames', 'RandAugmentFrames', 'RandomResizedCropFrames',
                                        'RandomFlipFrames', 'RandomEraseFrames'))])
def test_one_modality_loads_one_modality(name: str, absent: tuple[str, ...]) -> None:
    cfg = Config.fromfile(CONFIGS / name)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        used = {transform.type for transform in cfg[loader].dataset.pipeline}
        assert not used & set(absent)
        assert all(TRANSFORMS.get(kind) for kind in used)


def test_validation_and_test_are_different_parts() -> None:
    for name in set(TOY_LEAVES) - {FOLDS_LEAF}:
        cfg = Config.fromfile(CONFIGS / name)
        splits = [cfg[f'{split}_dataloader'].dataset.ann_file for split in ('train', 'val', 'test')]
        assert splits == ['train.csv', 'val.csv', 'test.csv']


def test_one_key_chooses_the_fold_of_the_toy_set() -> None:
    cfg = load_config(CONFIGS / FOLDS_LEAF, dict(fold=3))
    for split, loader in (('train', cfg.train_dataloader), ('test', cfg.val_dataloader), ('test', cfg.test_dataloader)):
        dataset = DATASETS.build(dict(loader.dataset, pipeline=[], lazy_init=True))
        assert dataset.ann_file == f'data/toy/lists/fold3_{split}.csv'


@pytest.mark.parametrize('name', [name for name in PAPER_LEAVES if not name.endswith('_meld.py')])
def test_one_key_chooses_the_fold(name: str) -> None:
    cfg = load_config(CONFIGS / name, dict(fold=3))
    init_default_scope('mmaction')
    for split, loader in (('train', cfg.train_dataloader), ('test', cfg.val_dataloader), ('test', cfg.test_dataloader)):
        dataset = DATASETS.build(dict(loader.dataset, pipeline=[], lazy_init=True))
        assert dataset.ann_file.endswith(f'/fold3_{split}.csv')


@pytest.mark.parametrize('name', ['claip_emo_vitb16_meld.py', 'claip_emo_vitl14_meld.py'])
def test_meld_has_its_own_splits(name: str) -> None:
    cfg = load_config(CONFIGS / name)
    init_default_scope('mmaction')
    for split in ('train', 'val', 'test'):
        dataset = DATASETS.build(dict(cfg[f'{split}_dataloader'].dataset, pipeline=[], lazy_init=True))
        assert dataset.ann_file == f'data/meld/lists/{split}.csv' and dataset.schema.name == 'meld'
        assert dataset.test_mode is (split != 'train')


@pytest.mark.parametrize(('name', 'corpus'), [('claip_emo_tiny_cremad.py', 'cremad'),
                                              ('claip_emo_tiny_ravdess.py', 'ravdess')])
def test_smoke_leaves_read_the_folds_of_their_corpus(name: str, corpus: str) -> None:
    cfg = load_config(CONFIGS / name, dict(fold=4))
    for split, loader in (('train', cfg.train_dataloader), ('test', cfg.val_dataloader), ('test', cfg.test_dataloader)):
        dataset = DATASETS.build(dict(loader.dataset, pipeline=[], lazy_init=True))
        assert dataset.ann_file == f'data/{corpus}/lists/fold4_{split}.csv'
        assert cfg.model.cls_head.num_classes == len(dataset.schema.classes)


def test_the_readme_lists_every_leaf_of_the_paper() -> None:
    assert sorted(README_SIZES) == sorted(name for name in PAPER_LEAVES + ZERO_SHOT_LEAVES if 'tiny' not in name)


def test_pretraining_knows_every_word() -> None:
    for path in CONFIGS.glob('pretrain_toy_*.py'):
        assert Config.fromfile(path).model.vocab_size == len(VOCABULARY) + 3  # padding, start, end
