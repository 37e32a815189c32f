"""Ours in theirs and theirs in ours: every leaf of configs/mix, and every combination besides, trains and tests."""
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from benchmarks.clips import make_frame_tree
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.labels import DFEW, MAFW
from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.hooks.checks import count_parameters
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.resolve import with_random_weights
from claip_emo_mm.toy.dataset import make_toy_set
from claip_emo_mm.utils.io import write_csv

MIX = Path(__file__).parents[2] / 'configs/mix'
README = (MIX / 'README.md').read_text()
SIDE, T = 32, 4
CLIP = dict(image_size=SIDE, patch_size=16, width=16, layers=2, head_width=8)
CLAP = dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64)
NECK = dict(embed_dims=16, num_frames=T, num_heads=2, head_dims=4, mlp_dims=8)
OURS = {  # the splits of our models, small
    'visual_backbone.arch': CLIP, 'audio_backbone.arch': CLAP,
    **{f'visual_neck.{key}': value for key, value in NECK.items()},
    'cls_head.visual_channels': 16, 'cls_head.audio_channels': 12}
THEIRS = {key: value for key, value in OURS.items() if key != 'visual_backbone.arch'}
MMENGINE = {'backbone.arch': CLIP, 'cls_head.in_channels': 16}


def seen_by(channels: int, **options: Any) -> dict[str, Any]:
    """A model with another visual backbone, which gives so many channels, and has these options."""
    network = {f'visual_backbone.backbone.{key}': value for key, value in options.items()}
    kept = {key: value for key, value in THEIRS.items() if not key.startswith('visual_neck')}
    return kept | network | {'cls_head.visual_channels': channels}


SMALL = {
    'tsn_clip-vitb16_lora_dfew.py': MMENGINE,
    'tsm_clip-vitb16_lora_dfew.py': MMENGINE | {'cls_head.num_segments': T},
    'tsn_clip-vitb16_lora_videos.py': MMENGINE,
    'tsn_clip-vitb16_lora_rawframes.py': MMENGINE,
    'tsn-audio_clap_sounds.py': {'backbone.arch': CLAP, 'cls_head.in_channels': 12},
    'videomae-b_clap_dfew.py': seen_by(16, img_size=SIDE, embed_dims=16, depth=2, num_heads=2, num_frames=T),
    'swin3d-t_clap_mafw.py': seen_by(
        96, arch=dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]), window_size=(2, 2, 2)),
    'uniformerv2-b_clap_dfew.py': seen_by(24, input_resolution=SIDE, width=24, layers=2, heads=2, t_size=T,
                                          return_list=[0, 1], n_layers=2, n_dim=24, n_head=2),
    'slowonly-r50_clap_dfew.py': seen_by(64, base_channels=2) | THEIRS | {
        'visual_neck.embed_dims': 64, 'cls_head.visual_channels': 64},
    'timesformer-b_clap_dfew.py': seen_by(16, img_size=SIDE, embed_dims=16, num_heads=2, num_transformer_layers=2,
                                          num_frames=T),
    'convnext-t_clap_dfew.py': THEIRS | {
        'visual_backbone.backbone.arch': dict(depths=[1, 1, 1, 1], channels=[8, 8, 8, 16])},
    'clip-vitl14_resnet-audio_dfew.py': {key: value for key, value in OURS.items() if key != 'audio_backbone.arch'} | {
        'audio_backbone.backbone.base_channels': 4, 'cls_head.audio_channels': 128},
    'clip-vitb16_clap_i3d-head_dfew.py': {
        key: value for key, value in OURS.items() if not key.startswith('cls_head')} | {
        'cls_head.head.in_channels': 28},
}
FUSION = {  # of configs/
    'sum': {'cls_head.embed_dims': 8}, 'gated': {'cls_head.embed_dims': 8}, 'film': {},
    'cross_attention': {'cls_head.embed_dims': 8, 'cls_head.num_heads': 2, 'audio_neck.embed_dims': 12,
                        'audio_neck.num_steps': 32}}
CASES = [(MIX / name, options) for name, options in SMALL.items()] + [
    (MIX.parent / f'claip_emo_vitl14_dfew_fusion_{name}.py', OURS | options) for name, options in FUSION.items()]


def frame_wise(network: dict[str, Any], width: int) -> dict[str, Any]:
    return seen_by(width) | {'visual_backbone': dict(type='ImageBackboneWrapper', backbone=network),
                             'visual_neck': None}


VARIANTS = {  # further networks in the place of ConvNeXt, and heads in the place of the I3DHead
    'convnext-t_clap_dfew.py': [
        frame_wise(dict(type='ResNet', depth=18), 512),
        frame_wise(dict(type='MobileNetV2', widen_factor=.25), 1280),
        frame_wise(dict(type='timm.test_resnet'), 96)],
    'slowonly-r50_clap_dfew.py': [THEIRS | {
        'visual_backbone': dict(type='VideoBackboneWrapper', format_shape='NCHW',
                                backbone=dict(type='MobileNetV2TSM', num_segments=T, widen_factor=.25)),
        'visual_neck.embed_dims': 1280, 'cls_head.visual_channels': 1280}],
    'clip-vitb16_clap_i3d-head_dfew.py': [
        SMALL['clip-vitb16_clap_i3d-head_dfew.py'] | {
            'cls_head.head': dict(type=kind, num_classes=7, in_channels=28, average_clips='prob', **options)}
        for kind, options in (('TSNHead', {}), ('TSMHead', dict(num_segments=1)), ('TimeSformerHead', {}))],
}
CASES += [(MIX / name, options) for name, variants in VARIANTS.items() for options in variants]


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`dfew`, `mafw`: as tools/prepare_data.py leaves them; `own`: with the lists of MMAction2's data sets."""
    folder = tmp_path_factory.mktemp('mix')
    make_toy_set(folder / 'toy', clips=(7, 1, 3), workers=1)
    make_frame_tree(folder / 'toy', folder / 'dfew')
    (folder / 'mafw').symlink_to('dfew')
    own = folder / 'own'
    for frames in (folder / 'dfew/frames').iterdir():
        (own / frames.name).mkdir(parents=True)
        for path in frames.iterdir():
            (own / frames.name / f'img_{path.name}').symlink_to(path)
            (own / frames.name / f'flow_x_{path.name}').write_text('not to be read')
        (own / f'{frames.name}.mp4').symlink_to(folder / f'dfew/videos/{frames.name}.mp4')
        (own / f'{frames.name}.wav').symlink_to(folder / f'dfew/audio/{frames.name}.wav')
    (folder / 'dfew/lists').mkdir()
    for split in ('train', 'val', 'test'):
        clips = read_annotation_list(folder / f'dfew/{split}.csv')
        named = [(clip.frames.rpartition('/')[2], DFEW.classes.index(clip.label)) for clip in clips]
        for kind, row in (('VideoDataset', '{}.mp4 {}'), ('RawframeDataset', '{} 40 {}'),
                          ('AudioDataset', '{}.wav 40 {}')):
            (own / f'{kind}_{split}.txt').write_text(''.join(f'{row.format(*clip)}\n' for clip in named))
        for kind, schema in (('dfew', DFEW), ('mafw', MAFW)):
            write_csv(folder / f'dfew/lists/{kind}_{split}.csv', ('frames', 'audio', 'label'), [
                (clip.frames, clip.audio, schema.classes[schema.label(clip.label)]) for clip in clips])
    return folder


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield


def make_small(path: Path, options: dict[str, Any], data: Path, work_dir: Path) -> Config:
    """A config with random weights and small sizes: two iterations of training, a handful of clips."""
    cfg = load_config(path)
    cfg.model = with_random_weights(cfg.model.to_dict())
    for key, value in options.items():
        *splits, last = key.split('.')
        reduce(getitem, splits, cfg.model)[last] = deepcopy(value)
    small = dict(ResizeFrames=dict(size=SIDE), RandomResizedCropFrames=dict(size=SIDE),
                 SampleFrameViews=dict(clip_len=T), LoadAudioWindows=dict(sample_rate_hz=16000, window_s=3.072),
                 LogMel=dict(sample_rate_hz=16000, num_mel_bins=16, window_ms=25, shift_ms=12, num_frames=256))
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=3)
        dataset = loader.dataset
        for transform in dataset.pipeline:
            transform.update(small.get(transform.type, {}))
        if dataset.type in ('DFEWDataset', 'MAFWDataset'):
            kind = dataset.type[:4].lower()
            dataset.update(data_root=str(data / kind), ann_file=f'lists/{kind}_{name}.csv')
        else:
            dataset.update(ann_file=str(data / f'own/{dataset.type}_{name}.txt'),
                           data_prefix={key: str(data / 'own') for key in dataset.data_prefix})
    cfg.train_cfg = ConfigDict(type='IterBasedTrainLoop', max_iters=2)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None  # the test does it all
    cfg.optim_wrapper.update(type='OptimWrapper', accumulative_counts=1)
    for key in ('dtype', 'loss_scale'):
        cfg.optim_wrapper.pop(key)
    cfg.optim_wrapper.optimizer.lr = 1e-3
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint = ConfigDict(type='CheckpointHook', by_epoch=False, interval=2)
    cfg.default_hooks.pop('early_stop')
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.type != 'TrainingPlotHook']  # takes seconds
    cfg.work_dir = str(work_dir)
    return cfg


@pytest.mark.parametrize(('path', 'options'), CASES, ids=[path.stem for path, _ in CASES])
def test_trains_two_iterations_and_is_tested(path: Path, options: dict[str, Any], data: Path, tmp_path: Path) -> None:
    cfg = make_small(path, options, data, tmp_path)
    runner = Runner.from_cfg(cfg.copy())
    before = {name: parameter.detach().clone() for name, parameter in runner.model.named_parameters()}
    runner.train()
    for name, parameter in runner.model.named_parameters():
        assert parameter.requires_grad or torch.equal(parameter, before[name]), name
    moved = {name for name, parameter in runner.model.named_parameters() if not torch.equal(parameter, before[name])}
    for split, module in runner.model.named_children():
        if count_parameters(module)[0]:
            assert any(name.startswith(f'{split}.') for name in moved), f'{split} learned nothing'

    tester = Runner.from_cfg(Config(dict(cfg.to_dict(), load_from=str(tmp_path / 'iter_2.pth'),
                                         work_dir=str(tmp_path / 'test'), train_dataloader=None, train_cfg=None,
                                         optim_wrapper=None)))
    metrics = tester.test()
    assert {'WAR', 'UAR', 'F1_macro', 'F1_weighted'} <= set(metrics) and 0 <= metrics['WAR'] <= 100
    for name, parameter in tester.model.named_parameters():
        assert torch.equal(parameter, runner.model.get_parameter(name)), name  # the checkpoint is enough
    alone = load_trained(str(tmp_path / 'iter_2.pth')).model
    for name, parameter in alone.named_parameters():
        assert torch.equal(parameter, runner.model.get_parameter(name)), name


def test_frozen_weights_of_theirs_are_left_out_of_checkpoints(data: Path, tmp_path: Path) -> None:
    cfg = make_small(MIX / 'videomae-b_clap_dfew.py', SMALL['videomae-b_clap_dfew.py'], data, tmp_path)
    network = cfg.model.visual_backbone.backbone
    torch.save({f'backbone.{key}': value for key, value in MODELS.build(network).state_dict().items()},
               tmp_path / 'vit.pth')
    network.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'vit.pth'), prefix='backbone.')
    runner = Runner.from_cfg(cfg.copy())
    runner.train()
    kept = torch.load(tmp_path / 'iter_2.pth', weights_only=False)['state_dict']
    seen = [key for key in kept if key.startswith('visual_backbone.')]
    assert seen and all('.lora_' in key for key in seen)

    cfg.update(load_from=str(tmp_path / 'iter_2.pth'), work_dir=str(tmp_path / 'test'))
    tester = Runner.from_cfg(cfg)
    tester.test()
    for name, parameter in runner.model.named_parameters():
        assert torch.equal(parameter, tester.model.get_parameter(name)), name
    torch.save({key: value + 1 for key, value in torch.load(tmp_path / 'vit.pth').items()}, tmp_path / 'vit.pth')
    with pytest.raises(InputError, match=r'visual_backbone.pretrained: .*vit.pth.*sha256'):
        Runner.from_cfg(cfg).test()


@pytest.mark.parametrize(('name', 'option'), [('slowonly-r50_clap_dfew.py', 'init_cfg'),
                                              ('timesformer-b_clap_dfew.py', 'pretrained')])
def test_networks_of_theirs_that_are_trained_are_held_whole(data: Path, tmp_path: Path, name: str, option: str) -> None:
    """What a checkpoint holds is not asked for again."""
    cfg = make_small(MIX / name, SMALL[name], data, tmp_path)
    network = cfg.model.visual_backbone.backbone
    torch.save({f'backbone.{key}' if option == 'init_cfg' else key: value
                for key, value in MODELS.build(network).state_dict().items()}, tmp_path / 'weights.pth')
    network.update(dict(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth'), prefix='backbone.'))
                   if option == 'init_cfg' else dict(pretrained=str(tmp_path / 'weights.pth')))
    runner = Runner.from_cfg(cfg.copy())
    runner.train()
    whole = torch.load(tmp_path / 'iter_2.pth', weights_only=False)
    backbone = whole['meta']['claip_emo_mm']['backbones']['visual_backbone']
    assert backbone['sha256'] is None and backbone['pretrained'] == str(tmp_path / 'weights.pth')
    (tmp_path / 'weights.pth').unlink()
    for given in (None, cfg.copy()):
        alone = load_trained(str(tmp_path / 'iter_2.pth'), given).model
        for key, value in runner.model.state_dict().items():
            assert torch.equal(alone.state_dict()[key], value), key


def test_every_leaf_is_tried_and_described() -> None:
    leaves = {path.name for path in MIX.glob('*.py')}
    assert set(SMALL) == leaves
    described = set(re.findall(r'^\| `([\w-]+\.py)` \|', README, re.MULTILINE))
    assert described == leaves


SIZES = {name: (int(trained.replace(',', '')), int(whole.replace(',', ''))) for name, trained, whole in re.findall(
    r'^\| `([\w-]+\.py)` \|.*\| ([\d,]+) \| ([\d,]+) \|$', README, re.MULTILINE)}


@pytest.mark.parametrize('name', sorted(SMALL))
def test_the_readme_knows_the_sizes(name: str) -> None:
    cfg = load_config(MIX / name)
    model = MODELS.build(with_random_weights(cfg.model.to_dict()))
    assert count_parameters(model) == SIZES[name]
