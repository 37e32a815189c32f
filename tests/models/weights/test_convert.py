"""A small checkpoint of the reference: converted, loaded by MMAction2, and damaged."""
import argparse
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader, load_checkpoint
from torch import Tensor, nn

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.engine.checkpoints import check_compatibility
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone
from claip_emo_mm.models.backbones.htsat import HTSATArch
from claip_emo_mm.models.weights.convert import convert_weights

AUDIO = HTSATArch(embed_dims=16, depths=(2, 2), num_heads=(2, 4), mel_bins=16, spec_size=64, window_size=4,
                  fusion=True, num_classes=5)
VISION = dict(hidden_size=16, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=10,
              patch_size=5)
SIZES = dict(vision=VISION, audio=AUDIO, frames=3, heads=2, head_width=4, hidden=12, classes=7, rank=2)
OURS = dict(
    type='AudioVisualRecognizer',
    visual_backbone=dict(
        type='CLIPVisualBackbone',
        arch=dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8, quick_gelu=True),
        lora=dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=2, alpha=8)),
    audio_backbone=dict(
        type='CLAPAudioBackbone',
        arch={field: getattr(AUDIO, field) for field in AUDIO.__dataclass_fields__},
        lora=dict(targets=['proj', 'fc1', 'fc2'], rank=2, alpha=8)),
    visual_neck=dict(type='TemporalTransformer', embed_dims=16, num_frames=3, num_heads=2, head_dims=4, mlp_dims=12),
    audio_neck=dict(type='AudioMeanPool'),
    cls_head=dict(type='ConcatFusionHead', num_classes=7, visual_channels=16, audio_channels=32))


@pytest.fixture(scope='module')
def reference(reference_model: Callable[..., nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    model = reference_model(**SIZES)
    with torch.no_grad():
        for value in model.parameters():  # adapters begin at zero, norms and biases at the same value everywhere
            value.add_(torch.rand_like(value).mul_(.3))
    return model.eval()


@pytest.fixture
def checkpoint(reference: nn.Module, tmp_path: Path) -> Path:
    """As the reference's training saves it."""
    path = tmp_path / 'checkpoint-best.pth'
    torch.save(dict(model=reference.state_dict(), epoch=7, args=argparse.Namespace(lr=1e-5, data_set='DFEW')), path)
    return path


def build() -> nn.Module:
    with DefaultScope.overwrite_default_scope('mmaction'):
        return MODELS.build(OURS)


def damaged(reference: nn.Module, tmp_path: Path, change: dict[str, Tensor | None]) -> Path:
    state = {**reference.state_dict(), **change}
    torch.save({key: value for key, value in state.items() if value is not None}, tmp_path / 'damaged.pth')
    return tmp_path / 'damaged.pth'


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_the_whole_model_is_in_the_file(reference: nn.Module, checkpoint: Path, tmp_path: Path, suffix: str) -> None:
    convert_weights('reference', checkpoint, tmp_path / f'ours{suffix}')
    model = build()
    with DefaultScope.overwrite_default_scope('mmaction'):
        load_checkpoint(model, str(tmp_path / f'ours{suffix}'), map_location='cpu', strict=True)
    frames, mel = torch.randn(2, 3, 3, 10, 10).double(), torch.randn(2, 1, 256, 16).double()
    model, theirs = model.double().eval(), reference.double()
    with torch.no_grad():
        logits = model(dict(frames=frames, mel=mel), mode='tensor')
        expected = theirs.classify(theirs.see(frames.flatten(0, 1)).view(2, 3, 16), theirs.hear(mel))
    reference.float()
    assert expected.std() > .1
    torch.testing.assert_close(logits, expected, atol=1e-10, rtol=0)


def test_adapters_only_leaves_the_frozen_weights_out(checkpoint: Path, tmp_path: Path) -> None:
    convert_weights('reference', checkpoint, tmp_path / 'ours.pth', adapters_only=True)
    state = torch.load(tmp_path / 'ours.pth', weights_only=True)['state_dict']
    model = build()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    statistics = {f'{name}.{statistic}' for name, module in model.named_modules()
                  if isinstance(module, nn.BatchNorm2d) for statistic, _ in module.named_buffers()}
    assert 'audio_backbone.tower.bn0.running_mean' in statistics
    assert set(state) == trained | statistics


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_adapters_only_know_the_frozen_weights_that_they_belong_to(checkpoint: Path, tmp_path: Path,
                                                                   suffix: str) -> None:
    path = tmp_path / f'ours{suffix}'
    convert_weights('reference', checkpoint, path, adapters_only=True)
    with DefaultScope.overwrite_default_scope('mmaction'):
        loaded = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
        model = MODELS.build(dict(OURS, **{name: dict(OURS[name], pretrained=str(checkpoint))
                                           for name in ('visual_backbone', 'audio_backbone')}))
    frozen = check_compatibility(model, loaded, str(path))
    assert set(frozen) | set(loaded['state_dict']) == set(model.state_dict())
    with torch.no_grad():
        model.visual_backbone.tower.conv1.weight[0, 0, 0, 0] += 1
    with pytest.raises(InputError, match=r'visual_backbone\.pretrained: .*checkpoint-best\.pth. \(sha256'):
        check_compatibility(model, loaded, str(path))
    with pytest.raises(InputError, match=f'ours{suffix}: does not say how its model is built'):
        EmotionInferencer(path)


def test_a_config_may_name_it(reference: nn.Module, checkpoint: Path) -> None:
    backbone = CLIPVisualBackbone(OURS['visual_backbone']['arch'], pretrained=str(checkpoint))
    layer = reference.state_dict()['vision_encoder.model.vision_model.encoder.layers.1.mlp.fc1.base_layer.weight']
    assert torch.equal(backbone.tower.transformer.resblocks[1].mlp.c_fc.weight, layer)


LAYER = 'vision_encoder.model.vision_model.encoder.layers.1.self_attn.q_proj'
NECK = 'temporal_v.temporal_transformer.layers.0.1.fn.fn.net.3'
SWIN = 'audio_encoder.audio_encoder.model.layers.0.blocks.1.mlp.fc2'


@pytest.mark.parametrize(('change', 'message'), [
    ({f'{LAYER}.base_layer.bias': None}, r'1 missing: transformer.resblocks.1.attn.q_proj.bias'),
    ({f'{LAYER}.lora_A.default.weight': None}, r'1 missing: .*resblocks.1.attn.q_proj.lora_A.default.weight'),
    ({f'{SWIN}.lora_B.default.weight': torch.zeros(16, 3)},
     r'1 of another shape: layers.0.blocks.1.mlp.fc2.lora_B.default.weight \(16, 3\), expected \(16, 2\)'),
    ({f'{SWIN}.lora_C.weight': torch.zeros(1)}, r'1 unexpected: layers.0.blocks.1.mlp.fc2.lora_C.weight'),
    ({'audio_encoder.audio_encoder.model.bn0.weight': None}, r'bn0.weight is missing'),
    ({f'{NECK}.bias': None}, r'1 missing: visual_neck.layers.0.fc2.bias'),
    ({'temporal_v.cls_token': torch.zeros(1, 1, 5)}, r'visual_neck.cls_token \(1, 1, 5\), expected \(1, 1, 16\)'),
    ({'fusion_module.fc.weight': None}, r'cls_head.fc.weight is missing'),
    ({'fusion_module.fc.weight': torch.zeros(7)}, r'cls_head.fc.weight has the shape \(7,\), expected one of 2 dim'),
    ({'classifier.weight': torch.zeros(1)}, r'1 unexpected: classifier.weight'),
])
def test_damage_is_named(reference: nn.Module, tmp_path: Path, change: dict[str, Tensor | None], message: str) -> None:
    with pytest.raises(InputError, match=f'(?s)damaged.pth: .*{message}'):
        convert_weights('reference', damaged(reference, tmp_path, change), tmp_path / 'ours.pth')
    assert not (tmp_path / 'ours.pth').exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    torch.save({'visual.class_embedding': torch.zeros(3)}, tmp_path / 'clip.pt')
    with pytest.raises(InputError, match='clip.pt: is not a whole checkpoint of the reference: it has no keys that '
                                         'begin with vision_encoder.*the first are visual.class_embedding'):
        convert_weights('reference', tmp_path / 'clip.pt', tmp_path / 'ours.pth')
