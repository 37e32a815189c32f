"""Numbers that make no sense are refused by name, wherever a registered component takes an integer."""
import inspect
import math
from typing import Any

import numpy as np
import pytest
from mmaction import registry
from mmengine.dataset import DefaultSampler
from mmengine.registry import DefaultScope, Registry

from claip_emo_mm.engine.optim import ScaledLROptimWrapperConstructor
from claip_emo_mm.errors import InputError, check_positive, check_whole, listing
from claip_emo_mm.models import CLAPAudioBackbone, CLIPVisualBackbone
from claip_emo_mm.models.layers.lora import LoRAConfig
from claip_emo_mm.models.mixup import AudioVisualMixup

CHANNELS = dict(num_classes=3, visual_channels=4, audio_channels=5)
NECK = dict(embed_dims=4, num_frames=3)
OPTIONS: dict[str, dict[str, Any]] = {  # required options
    'ResizeFrames': dict(size=4), 'RandomResizedCropFrames': dict(size=4), 'AddAudioNoise': dict(snr_db=1),
    'DropFrames': dict(ratio=.5), 'OccludeFrames': dict(ratio=.5),
    'DFEWDataset': dict(fold=1, split='train', pipeline=[]), 'MAFWDataset': dict(fold=1, split='train', pipeline=[]),
    'CorpusDataset': dict(corpus='cremad', fold=1, pipeline=[]),
    'AudioVisualDataset': dict(ann_file='list.csv', pipeline=[]), 'FoldDataset': dict(fold=1, pipeline=[]),
    'HoldoutSubset': dict(dataset={}, ratio=.5), 'MappedClassesDataset': dict(dataset={}, classes=['a', 'b']),
    'CaptionedDataset': dict(drawn={}, data_root='', context_length=3),
    'SeededBatchSampler': dict(sampler=DefaultSampler(range(3)), batch_size=2),
    'ClassBalancedSampler': dict(dataset=[]), 'ResumableTrainLoop': dict(runner=None, dataloader={}, max_epochs=3),
    'AudioBackboneWrapper': dict(backbone={}), 'ConcatFusionHead': CHANNELS, 'CrossAttentionFusionHead': CHANNELS,
    'FiLMFusionHead': CHANNELS, 'GatedFusionHead': CHANNELS,
    'CLIPVisualBackbone': dict(arch={}), 'LoadCachedFeatures': dict(cache='', pipeline=[], stores={}),
    'LanguageHead': dict(CHANNELS, classes=['a', 'b', 'c']),
    'TextInitFusionHead': dict(CHANNELS, classes=['a', 'b', 'c']), 'SumFusionHead': CHANNELS,
    'TemporalTransformer': NECK, 'FrameTokens': NECK, 'AudioTemporalTransformer': dict(embed_dims=4, num_steps=3),
    'AudioTokens': dict(embed_dims=4, num_steps=3),
    'ContrastivePretrainer': dict(backbone={}, inputs_key='mel', vocab_size=5, context_length=3),
    'AudioVisualRecognizer': dict(cls_head=dict(type='ConcatFusionHead', num_classes=3, audio_channels=5),
                                  audio_backbone=dict(type='AudioMeanPool')),
}
# MMEngine's own options, which it checks; and colors
NOT_OURS = {'indices', 'dynamic_intervals', 'patience', 'nonwrapped_numel', 'fill'}


def options_of(component: type) -> list[inspect.Parameter]:
    """Options of a constructor, and those of this package's parents that it may pass on as keywords."""
    found: dict[str, inspect.Parameter] = {}
    for parent in inspect.getmro(component):
        if not parent.__module__.startswith('claip_emo_mm'):
            break
        options = inspect.signature(parent).parameters
        found = {name: option for name, option in options.items()
                 if parent is component or option.default is not option.empty} | found
        if not any(option.kind is option.VAR_KEYWORD for option in options.values()):
            break
    return list(found.values())


def whole_options() -> list[tuple[type, str]]:
    """Registered components of this package, and their options that are annotated as integers."""
    registries = [value for value in vars(registry).values() if isinstance(value, Registry)]
    components = {component for kind in registries for component in kind.module_dict.values()
                  if inspect.isclass(component) and component.__module__.startswith('claip_emo_mm')}
    found = [(component, option.name) for component in components for option in options_of(component)
             if 'int' in str(option.annotation).replace('Point', '') and option.name not in NOT_OURS]
    return sorted(found, key=lambda pair: (pair[0].__name__, pair[1]))


WHOLE_OPTIONS = whole_options()


def test_components_were_found() -> None:
    names = {(component.__name__, option) for component, option in WHOLE_OPTIONS}
    assert {('SampleFrameViews', 'frame_interval'), ('TemporalTransformer', 'num_layers'),
            ('EmotionMetric', 'n_bootstrap'), ('AudioVisualRecognizer', 'frame_chunk_size'),
            ('SeededBatchSampler', 'batch_size')} <= names
    assert len(names) > 60


@pytest.mark.parametrize('value', [1.5, 2., '3', -1])
@pytest.mark.parametrize(('component', 'option'), WHOLE_OPTIONS, ids=lambda value: getattr(value, '__name__', value))
def test_integers_are_required(component: type, option: str, value: object) -> None:
    options = {**OPTIONS.get(component.__name__, {}), option: value}
    with DefaultScope.overwrite_default_scope('mmaction'), \
            pytest.raises(InputError, match=rf'(?s)\b{option}\b.*[Ee]xpected'):
        component(**options)


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


def test_integers_and_other_values() -> None:
    check_whole('component', size=1, sizes=(2, np.int64(3)), nothing=None)
    check_whole('component', least=0, size=0)
    for value in (1., True, '1', [1, 1.5], math.nan):
        with pytest.raises(InputError, match=r'^component: size is .*\. Expected a whole number'):
            check_whole('component', size=value)
    with pytest.raises(InputError, match='^component: size is 0. Expected at least 1'):
        check_whole('component', size=0)


def test_what_is_positive() -> None:
    check_positive('component', window_s=.5, shift_s=np.float32(2))
    for value in (0, -1, math.nan, math.inf, '1'):
        with pytest.raises(InputError, match='^component: window_s is .*Expected more than 0'):
            check_positive('component', window_s=value)


def test_the_first_of_many_lines_are_listed() -> None:
    assert listing(['a', 'b']) == '\n  a\n  b'
    assert listing(['a', 'b', 'c', 'd'], indent=1, most=2) == '\n a\n b\n ... and 2 more'
