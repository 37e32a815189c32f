"""The reference recipe, written down once more by hand: what the paper's configs come to, defaults included."""
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mmaction.registry import MODELS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import BaseDataset, sampler
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from claip_emo_mm.datasets import samplers
from claip_emo_mm.engine.loop import ResumableTrainLoop
from claip_emo_mm.models.backbones.htsat import NAMED_ARCHS
from claip_emo_mm.models.layers.lora import LoRAConfig
from claip_emo_mm.models.mixup import AudioVisualMixup

CONFIGS = Path(__file__).parents[2] / 'configs'
GPUS = 2
ENCODERS = dict(vitb32=('ViT-B-32-quickgelu', 768), vitb16=('ViT-B-16-quickgelu', 768),
              vitl14=('ViT-L-14-quickgelu', 1024))
CLASSES = dict(dfew=7, mafw=11, mafw43=43)
ABLATIONS = ['audio', 'audio_temporal', 'frame_mean', 'fusion_cross_attention', 'fusion_film', 'fusion_gated',
             'fusion_sum', 'linear_probe', 'no_lora', 'visual']
LEAVES = [f'claip_emo_{encoder}_{data}' for encoder in ENCODERS for data in CLASSES] + [
    f'claip_emo_vitl14_dfew_{ablation}' for ablation in ABLATIONS]
SEEN = [name for name in LEAVES if not name.endswith('_audio')]
HEARD = [name for name in LEAVES if not name.endswith('_visual')]
ADAPTED = [name for name in LEAVES if not name.endswith(('_no_lora', '_linear_probe'))]

LOADED = ['OpenAudioVisualClip', 'SampleFrameViews']
SHOWN = ['DecodeFrames', 'ResizeFrames']
AUGMENTED = ['RandAugmentFrames', 'RandomResizedCropFrames', 'RandomFlipFrames', 'RandomEraseFrames']


@lru_cache
def config(name: str) -> Config:
    return Config.fromfile(CONFIGS / f'{name}.py')


@lru_cache
def transforms(name: str, split: str) -> dict[str, Any]:
    """The transforms of a split, built, by type; each is there once."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        built = Compose(config(name)[f'{split}_dataloader'].dataset.pipeline).transforms
    found = {type(transform).__name__: transform for transform in built}
    assert len(found) == len(built)
    return found


def test_every_leaf_of_the_paper_is_looked_at() -> None:
    found = {path.stem for data in ('dfew', 'mafw') for path in CONFIGS.glob(f'claip_emo_vit*_{data}*.py')
             if '_zero_shot_' not in path.name}
    beyond = {'claip_emo_vitbigg14_dfew_fsdp', 'claip_emo_vitl14_dfew_text_init'}  # not of the paper
    assert found - set(LEAVES) == beyond
    assert len(LEAVES) == len(set(LEAVES)) == 19


@pytest.mark.parametrize('name', LEAVES)
def test_steps_of_the_pipelines(name: str) -> None:
    seen, heard = name in SEEN, name in HEARD
    assert list(transforms(name, 'train')) == [
        *LOADED, *(SHOWN + AUGMENTED) * seen, *['LoadAudioWindows', 'RandomRollGain', 'LogMel'] * heard,
        'PackAudioVisualInputs']
    for split in ('val', 'test'):  # nothing is random there
        assert list(transforms(name, split)) == [*LOADED, *SHOWN * seen, *['LoadAudioWindows', 'LogMel'] * heard,
                                                'PackAudioVisualInputs']


@pytest.mark.parametrize('name', LEAVES)
def test_sampling(name: str) -> None:
    views = {split: transforms(name, split)['SampleFrameViews'] for split in ('train', 'val', 'test')}
    assert {(view.clip_len, view.frame_interval) for view in views.values()} == {(16, 4)}
    assert [(view.num_clips, view.test_mode) for view in views.values()] == [(1, False), (1, True), (2, True)]


@pytest.mark.parametrize('name', SEEN)
def test_frames(name: str) -> None:
    train = transforms(name, 'train')
    assert [transforms(name, split)['ResizeFrames'].size for split in ('train', 'val', 'test')] == [224, 224, 224]
    assert [transforms(name, split)['ResizeFrames'].exact for split in ('val', 'test')] == [True, True]
    assert train['RandAugmentFrames'].spec == 'rand-m7-n4-mstd0.5-inc1'
    crop = train['RandomResizedCropFrames']
    assert (crop.size, crop.scale, crop.ratio) == (224, [.08, 1], [.75, 1.333])
    assert train['RandomFlipFrames'].prob == .5
    assert train['RandomEraseFrames'].prob == .25
    with DefaultScope.overwrite_default_scope('mmaction'):
        normalize = MODELS.build(config(name).model.data_preprocessor)
    mean, std = [255 * split for split in (.485, .456, .406)], [255 * split for split in (.229, .224, .225)]
    assert normalize.mean.flatten().tolist() == pytest.approx(mean, rel=1e-6)
    assert normalize.std.flatten().tolist() == pytest.approx(std, rel=1e-6)
    for values, expected in ((train['RandomEraseFrames']._mean, mean), (train['RandomEraseFrames']._std, std)):
        assert values.tolist() == pytest.approx(expected, rel=1e-6)  # noise of N(0, 1) after normalizing


@pytest.mark.parametrize('name', HEARD)
def test_audio(name: str) -> None:
    for split in ('train', 'val', 'test'):
        load, log_mel = (transforms(name, split)[kind] for kind in ('LoadAudioWindows', 'LogMel'))
        assert (load.sample_rate_hz, load.window_samples, load.resampler, load.on_missing) == (
            48000, 480000, 'sinc', 'error')
        bank = log_mel.filterbank
        assert (log_mel.sample_rate_hz, log_mel.num_frames, log_mel.front_end) == (48000, 1024, 'kaldi')
        # 21 and 10 ms of 48 kHz; 1024 samples to the next power of two, of which 513 frequencies; 64 bins
        assert (bank.window_samples, bank.shift_samples, tuple(bank.filters.shape)) == (1008, 480, (513, 64))
    assert transforms(name, 'train')['RandomRollGain'].roll is False  # the gain alone


@pytest.mark.parametrize('name', LEAVES)
def test_mixing(name: str) -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        blending = MODELS.build(config(name).model.data_preprocessor).blending
    assert blending == AudioVisualMixup(num_classes=CLASSES[name.split('_')[3]], mixup_alpha=.8, cutmix_alpha=1, prob=1,
                                 switch_prob=.5, label_smoothing=.1, independent=False)
    head = config(name).model.cls_head
    assert head.get('label_smooth_eps', 0) == 0 and head.get('loss_cls', dict(type='CrossEntropyLoss')) == dict(
        type='CrossEntropyLoss')
    assert head.get('average_clips', 'prob') == 'prob'  # the softmax of each view is averaged


@pytest.mark.parametrize('name', ADAPTED)
def test_adapters(name: str) -> None:
    model = config(name).model
    if name in SEEN:
        assert LoRAConfig(**model.visual_backbone.lora) == LoRAConfig(
            ['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=8, alpha=32, dropout=.1, blocks=None)
    if name in HEARD:
        assert LoRAConfig(**model.audio_backbone.lora) == LoRAConfig(
            ['proj', 'fc1', 'fc2'], rank=8, alpha=32, dropout=.1, blocks=None)


@pytest.mark.parametrize('name', LEAVES)
def test_encoders_and_neck(name: str) -> None:
    model, (arch, width) = config(name).model, ENCODERS[name.split('_')[2]]
    if name in SEEN:
        assert (model.visual_backbone.type, model.visual_backbone.arch) == ('CLIPVisualBackbone', arch)
        assert model.visual_backbone.pretrained == 'openai' and model.visual_backbone.get('frozen', True)
    if name in SEEN and not name.endswith(('_frame_mean', '_linear_probe', '_cross_attention')):
        assert model.visual_neck.type == 'TemporalTransformer'
        with DefaultScope.overwrite_default_scope('mmaction'):
            neck = MODELS.build(model.visual_neck)
        assert neck.pos_embedding.shape == (1, 17, width) and len(neck.layers) == 1
        [layer] = neck.layers
        assert (layer.num_heads, *layer.qkv.weight.shape) == (8, 3 * 8 * 64, width)
        assert layer.fc1.out_features == 1024
    if name in HEARD:
        assert (model.audio_backbone.type, model.audio_backbone.arch) == ('CLAPAudioBackbone', 'HTSAT-tiny-fusion')
        assert model.audio_backbone.pretrained.endswith('630k-audioset-fusion-best.pt')
        tiny = NAMED_ARCHS['HTSAT-tiny-fusion']
        assert (tiny.embed_dims, tiny.depths, tiny.num_heads) == (96, (2, 2, 6, 2), (4, 8, 16, 32))
        assert (tiny.mel_bins, tiny.num_frames, tiny.window_size, tiny.fusion) == (64, 1024, 8, True)


@pytest.mark.parametrize('name', HEARD)
def test_what_is_random_in_the_audio_encoder(name: str) -> None:
    narrow = dict(embed_dims=8, depths=(2, 2, 6, 2), num_heads=(1, 2, 2, 4))
    with DefaultScope.overwrite_default_scope('mmaction'):
        backbone = MODELS.build(dict(config(name).model.audio_backbone, arch=narrow, pretrained=None))
    time, frequency = backbone.tower.spec_augmenter
    assert (time.dim, time.width, time.num_stripes) == (2, 64, 2)
    assert (frequency.dim, frequency.width, frequency.num_stripes) == (3, 8, 2)
    rates = [getattr(block.drop_path, 'drop_prob', 0) for stage in backbone.tower.layers for block in stage.blocks]
    assert rates == pytest.approx([.1 * number / 11 for number in range(12)])
    backbone.train()
    assert backbone.tower.bn0.training and not backbone.tower.bn0.weight.requires_grad


@pytest.mark.parametrize('name', LEAVES)
def test_optimizer_and_schedule(name: str) -> None:
    cfg = config(name)
    accumulated = 2 if 'dfew' in name else 1
    clips_a_step = GPUS * 8 * accumulated
    assert clips_a_step == (32 if 'dfew' in name else 16)
    wrapper = cfg.optim_wrapper
    assert wrapper == dict(
        type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic', accumulative_counts=accumulated,
        constructor='ScaledLROptimWrapperConstructor',
        optimizer=dict(type='AdamW', lr=1e-5, betas=(.9, .999), eps=1e-8, weight_decay=.05),
        paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, flat_decay_mult=0))  # and no clipping of gradients
    assert cfg.auto_scale_lr == dict(base_batch_size=8, enable=True)
    warm_up, cosine = cfg.param_scheduler
    assert warm_up == dict(type='LinearLR', start_factor=1e-6, by_epoch=True, end=5, convert_to_iter_based=True)
    highest = 1e-5 * clips_a_step / 8
    assert highest == pytest.approx(4e-5 if 'dfew' in name else 2e-5)
    cosine = dict(cosine)
    assert cosine.pop('eta_min_ratio') * highest == pytest.approx(1e-6 * clips_a_step / 256)
    assert cosine == dict(type='CosineAnnealingLR', by_epoch=True, begin=5, convert_to_iter_based=True)
    assert cfg.train_cfg == dict(type='ResumableTrainLoop', max_epochs=100, val_interval=1)
    assert cfg.val_cfg == dict(type='ValLoop') and cfg.test_cfg == dict(type='TestLoop')  # in float32
    assert cfg.default_hooks.early_stop == dict(type='EarlyStoppingHook', monitor='WAR', rule='greater', min_delta=1e-3,
                                                patience=20)
    assert cfg.default_hooks.checkpoint.save_best == 'WAR'
    assert cfg.randomness == dict(seed=0, diff_rank_seed=True) and cfg.sync_bn == 'torch'
    assert 'IterationSeedHook' in [hook.type for hook in cfg.custom_hooks]


@pytest.mark.parametrize('name', LEAVES)
def test_loaders(name: str) -> None:
    cfg = config(name)
    kind = 'DFEWDataset' if 'dfew' in name else 'MAFWDataset'
    for split, dataset_part in (('train', 'train'), ('val', 'test'), ('test', 'test')):
        loader = cfg[f'{split}_dataloader']
        assert (loader.batch_size, loader.dataset.type, loader.dataset.split) == (8, kind, dataset_part)
        assert loader.sampler == dict(type='DefaultSampler', shuffle=split == 'train')
        assert loader.get('drop_last', False) == (split == 'train')
        if kind == 'MAFWDataset':
            assert loader.dataset.classes == ('compound' if 'mafw43' in name else 'single')


class Clips(BaseDataset):
    """So many clips that are never read."""

    def load_data_list(self) -> list[dict[str, int]]:
        return [dict(number=number) for number in range(self._metainfo['clips'])]


@pytest.mark.parametrize(('name', 'clips', 'batches'), [('claip_emo_vitl14_dfew', 9356, 584),
                                                        ('claip_emo_vitl14_mafw', 7320, 457)])
@pytest.mark.parametrize('rank', range(GPUS))
def test_batches_of_an_epoch(name: str, clips: int, batches: int, rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, 'get_dist_info', lambda: (rank, GPUS))
    monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, GPUS))
    loader = config(name).train_dataloader.to_dict()
    loader.update(num_workers=0, persistent_workers=False, dataset=Clips(metainfo=dict(clips=clips)))
    runner = SimpleNamespace(build_dataloader=Runner.build_dataloader, seed=0, _randomness_cfg={},
                             visualizer=SimpleNamespace(dataset_meta=None))
    with DefaultScope.overwrite_default_scope('mmaction'):
        loop = ResumableTrainLoop(runner, loader, max_epochs=100)
    sizes = [len(batch) for batch in loop.dataloader.batch_sampler]
    assert len(loop.dataloader) == len(sizes) == batches and set(sizes) == {8}
