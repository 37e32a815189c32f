"""Numbers that make no sense are refused by name, wherever a registered component takes a whole number."""
import inspect
import math
from typing import Any

import numpy as np
import pytest
from mmaction import registry
from mmengine.dataset import DefaultSampler
from mmengine.registry import DefaultScope, Registry

from claip_emo_mm.engine.optim import ScaledLROptimWrapperConstructor
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLAPAudioBackbone, CLIPVisualBackbone
from claip_emo_mm.models.layers.lora_config import LoRAConfig
from claip_emo_mm.models.mixup import AudioVisualMixup
from claip_emo_mm.utils import check_positive, check_whole

CHANNELS = dict(num_classes=3, visual_channels=4, audio_channels=5)
NECK = dict(embed_dims=4, num_frames=3)
OPTIONS: dict[str, dict[str, Any]] = {  # what a part cannot be made without
    'ResizeFrames': dict(size=4), 'RandomResizedCropFrames': dict(size=4), 'AddAudioNoise': dict(snr_db=1),
    'DropFrames': dict(ratio=.5), 'OccludeFrames': dict(ratio=.5),
    'DFEWDataset': dict(fold=1, part='train', pipeline=[]), 'MAFWDataset': dict(fold=1, part='train', pipeline=[]),
    'AudioVisualDataset': dict(ann_file='list.csv', pipeline=[]), 'FoldDataset': dict(fold=1, pipeline=[]),
    'HoldoutSubset': dict(dataset={}, ratio=.5),
    'CaptionedDataset': dict(drawn={}, data_root='', context_length=3),
    'SeededBatchSampler': dict(sampler=DefaultSampler(range(3)), batch_size=2),
    'ClassBalancedSampler': dict(dataset=[]), 'ResumableTrainLoop': dict(runner=None, dataloader={}, max_epochs=3),
    'AudioBackboneWrapper': dict(backbone={}), 'ConcatFusionHead': CHANNELS, 'CrossAttentionFusionHead': CHANNELS,
    'FiLMFusionHead': CHANNELS, 'GatedFusionHead': CHANNELS, 'SumFusionHead': CHANNELS, 'TemporalTransformer': NECK,
    'FrameTokens': NECK, 'AudioTemporalTransformer': dict(embed_dims=4, num_steps=3),
    'AudioTokens': dict(embed_dims=4, num_steps=3),
    'ContrastivePretrainer': dict(backbone={}, inputs_key='mel', vocab_size=5, context_length=3),
    'AudioVisualRecognizer': dict(cls_head=dict(type='ConcatFusionHead', num_classes=3, audio_channels=5),
                                  audio_backbone=dict(type='AudioMeanPool')),
}
# MMEngine's own options, which it checks; and colors
NOT_OURS = {'indices', 'dynamic_intervals', 'patience', 'nonwrapped_numel', 'fill'}


def whole_options() -> list[tuple[type, str]]:
    """Registered parts of this package, and their options that are annotated as whole numbers."""
    registries = [value for value in vars(registry).values() if isinstance(value, Registry)]
    parts = {part for kind in registries for part in kind.module_dict.values()
             if inspect.isclass(part) and part.__module__.startswith('claip_emo_mm')}
    found = [(part, option.name) for part in parts for option in inspect.signature(part).parameters.values()
             if 'int' in str(option.annotation).replace('Point', '') and option.name not in NOT_OURS]
    return sorted(found, key=lambda pair: (pair[0].__name__, pair[1]))


WHOLE_OPTIONS = whole_options()


def test_parts_were_found() -> None:
    names = {(part.__name__, option) for part, option in WHOLE_OPTIONS}
    assert {('SampleFrameViews', 'frame_interval'), ('TemporalTransformer', 'num_layers'), ('EmotionMetric',
                                                                                            'n_bootstrap'),
            ('AudioVisualRecognizer', 'frame_chunk_size'), ('SeededBatchSampler', 'batch_size')} <= names
    assert len(names) > 60


@pytest.mark.parametrize('value', [1.5, 2., '3', -1])
@pytest.mark.parametrize(('part', 'option'), WHOLE_OPTIONS, ids=lambda value: getattr(value, '__name__', value))
def test_whole_numbers_are_meant(part: type, option: str, value: object) -> None:
    options = {**OPTIONS.get(part.__name__, {}), option: value}
    with DefaultScope.overwrite_default_scope('mmaction'), \
            pytest.raises(InputError, match=rf'(?s)\b{option}\b.*[Ee]xpected'):
        part(**options)


SMALL_CLIP = dict(image_size=8, patch_size=4, width=8, layers=1, head_width=4)
SMALL_CLAP = dict(embed_dims=8, depths=[1, 1], num_heads=[2, 4], mel_bins=16, spec_size=64)


@pytest.mark.parametrize(('make', 'message'), [
    (lambda: CLIPVisualBackbone(dict(SMALL_CLIP, layers=1.5)), 'CLIPVisualBackbone: arch.layers is 1.5'),
    (lambda: CLAPAudioBackbone(dict(SMALL_CLAP, depths=[1, 1.5])), r'CLAPAudioBackbone: arch.depths is \(?\[?1, 1.5'),
    (lambda: CLAPAudioBackbone(SMALL_CLAP, spec_augment=dict(time_drop_width=.5)), 'time_drop_width is 0.5'),
    (lambda: LoRAConfig(['a'], rank=2.5), 'lora: rank is 2.5. Expected a whole number'),
    (lambda: LoRAConfig(['a'], blocks=[0, 1.5]), r'lora: blocks is \[0, 1.5\]'),
    (lambda: AudioVisualMixup(3.5), 'num_classes is 3.5'),
    (lambda: ScaledLROptimWrapperConstructor(dict(optimizer=dict(lr=1), accumulative_counts=1.5)),
     'optim_wrapper: accumulative_counts is 1.5')])
def test_nested_numbers(make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_what_is_whole_and_what_is_not() -> None:
    check_whole('part', size=1, sizes=(2, np.int64(3)), nothing=None)
    check_whole('part', least=0, size=0)
    for value in (1., True, '1', [1, 1.5], math.nan):
        with pytest.raises(InputError, match=r'^part: size is .*\. Expected a whole number'):
            check_whole('part', size=value)
    with pytest.raises(InputError, match='^part: size is 0. Expected at least 1'):
        check_whole('part', size=0)


def test_what_is_positive() -> None:
    check_positive('part', window_s=.5, shift_s=np.float32(2))
    for value in (0, -1, math.nan, math.inf, '1'):
        with pytest.raises(InputError, match='^part: window_s is .*Expected more than 0'):
            check_positive('part', window_s=value)
