"""The settings of the front end."""
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.engine.checkpoints import front_end_settings


def test_defaults_are_filled_in_and_free_settings_left_out() -> None:
    pipeline = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', frame_interval=2, num_clips=4,
                                                       test_mode=True),
                dict(type='ResizeFrames', size=64, exact=True), dict(type='ResizeFrames', size=32),
                dict(type='BlurFrames', sigma=.1), dict(type='NotHere', a=(1, 2))]
    cfg = Config(dict(model=dict(data_preprocessor=dict(type='AudioVisualDataPreprocessor', std=None)),
                      test_dataloader=dict(dataset=dict(type='Wrapper', dataset=dict(pipeline=pipeline)))))
    with DefaultScope.overwrite_default_scope('mmaction'):
        settings = front_end_settings(cfg)
    assert settings == {
        'SampleFrameViews': dict(clip_len=16, frame_interval=2), 'ResizeFrames': dict(size=64),
        'ResizeFrames 2': dict(size=32),
        'NotHere': dict(a=[1, 2]),
        'AudioVisualDataPreprocessor': dict(mean=[123.675, 116.28, 103.53], std=None)}


def test_the_first_of_several_data_sets() -> None:
    several = [dict(pipeline=[dict(type='ResizeFrames', size=size)]) for size in (8, 9)]
    for around in (dict(type='ConcatDataset', datasets=several),
                   dict(type='NamedConcatDataset', splits=dict(a=several[0], b=dict(dataset=several[1])))):
        cfg = Config(dict(test_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=around))))
        with DefaultScope.overwrite_default_scope('mmaction'):
            assert front_end_settings(cfg) == dict(ResizeFrames=dict(size=8))


def test_config_without_data() -> None:
    assert front_end_settings(Config(dict(model=dict(type='A')))) == {}


def test_the_two_filterbanks_are_told_apart() -> None:
    kaldi, clap = (Config(dict(test_dataloader=dict(dataset=dict(pipeline=[dict(type='LogMel', **options)]))))
                   for options in (dict(), dict(front_end='clap')))
    with DefaultScope.overwrite_default_scope('mmaction'):
        kaldi, clap = front_end_settings(kaldi)['LogMel'], front_end_settings(clap)['LogMel']
    assert kaldi == dict(clap, front_end='kaldi') and clap['front_end'] == 'clap'
