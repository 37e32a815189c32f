"""Which weights checkpoints omit, and how these are told apart from others."""
import hashlib

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import nn

from claip_emo_mm.engine.checkpoints import frozen_keys, weight_hash
from claip_emo_mm.models import CLIPVisualBackbone

LORA = dict(rank=8, alpha=32)
VITL14 = dict(
    type='AudioVisualRecognizer',
    visual_backbone=dict(type='CLIPVisualBackbone', arch='ViT-L-14-quickgelu',
                         lora=dict(LORA, targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'])),
    audio_backbone=dict(type='CLAPAudioBackbone', arch='HTSAT-tiny-fusion',
                        lora=dict(LORA, targets=['proj', 'fc1', 'fc2'])),
    visual_neck=dict(type='TemporalTransformer', embed_dims=1024, num_frames=16),
    audio_neck=dict(type='AudioMeanPool'),
    cls_head=dict(type='ConcatFusionHead', num_classes=7, visual_channels=1024, audio_channels=768))


def test_vitl14_takes_at_most_35_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLIPVisualBackbone, '_sample_weights', lambda self: None)  # stays on torch's meta device
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(VITL14)
    model.visual_backbone.weights_from = model.audio_backbone.weights_from = 'a file'
    omitted = {key for keys in frozen_keys(model).values() for key in keys}
    kept = {key: value for key, value in model.state_dict(keep_vars=True).items() if key not in omitted}
    sizes = [value.numel() * value.element_size() for value in kept.values()]
    assert all(value.requires_grad or key.split('.')[-1] in ('running_mean', 'running_var', 'num_batches_tracked')
               for key, value in kept.items())
    assert 4 * 8_196_231 <= sum(sizes) <= 35e6  # the trainable parameters of the paper's model, and a little more


def test_hash_by_hand() -> None:
    model = nn.Module()
    model.part = nn.Linear(2, 1)
    with torch.no_grad():
        model.part.weight.copy_(torch.tensor([[1., -2.]]))
        model.part.bias.fill_(0.5)
    expected = hashlib.sha256(b'part.bias torch.float32 (1,)\n\x00\x00\x00\x3f'
                              b'part.weight torch.float32 (1, 2)\n\x00\x00\x80\x3f\x00\x00\x00\xc0').hexdigest()
    assert weight_hash(model, ['part.weight', 'part.bias']) == expected
    with torch.no_grad():
        model.part.bias.fill_(0.25)
    assert weight_hash(model, ['part.weight', 'part.bias']) != expected


def test_only_what_comes_from_a_source_is_omitted() -> None:
    model = nn.Module()
    for name, source in (('fetched', 'a file'), ('random', None)):
        part = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)).requires_grad_(False)
        part.weights_from = source
        part[2].requires_grad_(True)
        model.add_module(name, part)
    model.fetched.register_buffer('table', torch.arange(3))
    assert frozen_keys(model) == {'fetched': ['fetched.table', 'fetched.0.weight', 'fetched.0.bias',
                                                'fetched.1.weight', 'fetched.1.bias']}
    model.fetched.init_cfg = dict(type='Pretrained', checkpoint='other.pth')
    assert frozen_keys(model) == {}


def test_weights_that_nothing_reads_are_not_hashed() -> None:
    model = nn.Module()
    model.part = nn.ModuleDict(dict(head=nn.Linear(2, 1), body=nn.Linear(2, 1)))
    model.part.unread_weights = ('head.',)
    keys = list(model.state_dict())
    before = weight_hash(model, keys)
    with torch.no_grad():
        model.part['head'].weight.add_(1)
    assert weight_hash(model, keys) == before
    with torch.no_grad():
        model.part['body'].weight.add_(1)
    assert weight_hash(model, keys) != before
