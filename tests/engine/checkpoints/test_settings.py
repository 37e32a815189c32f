"""The options of a model's parts, and how those of a checkpoint differ from those of a run."""
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from claip_emo_mm.engine.checkpoints.settings import different_settings, model_settings

CONFIGS = Path(__file__).parents[3] / 'configs'


def settings(**parts: object) -> dict[str, object]:
    model = dict(type='AudioVisualRecognizer', visual_backbone=dict(
        type='mmaction.CLIPVisualBackbone', arch=dict(width=4), pretrained='a.pt',
        lora=dict(targets=['q_proj'], rank=2, dropout=.3)), visual_neck=dict(
        type='TemporalTransformer', embed_dims=4, num_frames=3), frame_chunk_size=3, cls_head=dict(
        type='FiLMFusionHead', num_classes=2, visual_channels=4, audio_channels=4, loss_cls=dict(type='FocalLoss')))
    with DefaultScope.overwrite_default_scope('mmaction'):
        return model_settings({**model, **parts})


def test_defaults_are_filled_in_and_training_is_left_out() -> None:
    assert settings() == {
        'model.type': 'AudioVisualRecognizer',
        'visual_backbone.type': 'CLIPVisualBackbone', 'visual_backbone.arch': dict(width=4),
        'visual_backbone.lora.alpha': 32,
        'visual_neck.type': 'TemporalTransformer', 'visual_neck.embed_dims': 4, 'visual_neck.num_frames': 3,
        'visual_neck.num_heads': 8, 'visual_neck.head_dims': 64, 'visual_neck.mlp_dims': 1024,
        'visual_neck.num_layers': 1,
        'cls_head.type': 'FiLMFusionHead', 'cls_head.num_classes': 2, 'cls_head.visual_channels': 4,
        'cls_head.audio_channels': 4, 'cls_head.condition': 'audio'}


def test_networks_within_networks() -> None:
    head = dict(type='MMActionFusionHead', head=dict(type='TSNHead', num_classes=2, in_channels=8,
                                                     average_clips='score'))
    found = settings(cls_head=head, visual_backbone=dict(
        type='ImageBackboneWrapper', backbone=dict(type='timm.vit_tiny', patch_size=(4, 4), pretrained=True)))
    assert found['visual_backbone.backbone.type'] == 'vit_tiny'
    assert found['visual_backbone.backbone.patch_size'] == [4, 4]
    assert found['cls_head.head.spatial_type'] == 'avg' and found['cls_head.head.consensus.dim'] == 1
    assert not {'cls_head.head.average_clips', 'cls_head.head.dropout_ratio', 'visual_backbone.backbone.pretrained',
                'visual_backbone.frozen'} & set(found)


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('claip*.py')) + sorted(CONFIGS.glob('mix/*.py')),
                         ids=lambda path: path.stem)
def test_every_config_has_them(path: Path) -> None:
    cfg = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope('mmaction'):
        found = model_settings(cfg.model)
    assert found['model.type'] == cfg.model.type and found['cls_head.type'] == cfg.model.cls_head.type


def metadata(model: dict | None = None, front_end: dict | None = None, classes: tuple[str, ...] = ()) -> dict:
    return dict(model=model or {}, front_end=front_end or {}, classes=classes)


def test_options_that_show_in_no_shape() -> None:
    wide = dict(type='TemporalTransformer', embed_dims=4, num_frames=3, num_heads=8, head_dims=16)
    tall = dict(wide, num_heads=4, head_dims=32)
    assert different_settings(metadata(settings(visual_neck=wide)), metadata(settings(visual_neck=tall))) == {
        'visual_neck.num_heads': ('8', '4'), 'visual_neck.head_dims': ('16', '32')}
    turned = dict(type='FiLMFusionHead', num_classes=2, visual_channels=4, audio_channels=4, condition='visual')
    assert different_settings(metadata(settings()), metadata(settings(cls_head=turned))) == {
        'cls_head.condition': ('audio', 'visual')}
    assert different_settings(metadata(settings()), metadata(settings(visual_neck=None))) == {
        f'visual_neck.{name}': (value, 'none') for name, value in dict(
            type='TemporalTransformer', embed_dims='4', num_frames='3', num_heads='8', head_dims='64', mlp_dims='1024',
            num_layers='1').items()}


def test_an_option_that_one_side_does_not_know() -> None:
    old, new = dict(LogMel=dict(rate=16)), dict(LogMel=dict(rate=16, resampler='sinc'))
    assert different_settings(metadata(front_end=old), metadata(front_end=new)) == {
        'front_end.LogMel.resampler': ('none', 'sinc')}
    assert different_settings(metadata(front_end=new), metadata(front_end=dict(new, Resize=dict(size=3)))) == {
        'front_end.Resize': ('none', "{'size': 3}")}
    assert different_settings(metadata(), metadata(settings(), new, ('a',))) == {}  # a file that says nothing of itself
    assert different_settings(metadata(classes=('a', 'b')), metadata(classes=('b', 'a'))) == {
        'cls_head.classes': ('a, b', 'b, a')}
