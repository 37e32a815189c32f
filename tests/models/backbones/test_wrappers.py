from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from mmaction.models.backbones import ResNet3d
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioBackboneWrapper, ImageBackboneWrapper, VideoBackboneWrapper
from claip_emo_mm.models.layers.lora import merge_adapters

U, B, T, SIDE = 3, 2, 4, 32
IMAGES = {  # network -> width
    'ResNet': (dict(type='ResNet', depth=18), 512),
    'MobileNetV2': (dict(type='MobileNetV2', widen_factor=.25), 1280),
    'mmpretrain.VisionTransformer': (dict(
        type='mmpretrain.VisionTransformer', img_size=SIDE, patch_size=8,
        arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=24)), 16),
    'mmpretrain.MobileNetV3': (dict(type='mmpretrain.MobileNetV3', arch='small_050'), 288),
    'timm.resnet18': (dict(type='timm.resnet18'), 512),
}
VIT = dict(type='VisionTransformer', img_size=SIDE, patch_size=8, embed_dims=16, depth=2, num_heads=2, mlp_ratio=2,
           num_frames=T, norm_cfg=dict(type='LN', eps=1e-6))
SWIN = dict(type='SwinTransformer3D', patch_size=(2, 4, 4), window_size=(2, 2, 2),
            arch=dict(embed_dims=12, depths=[1, 1, 2, 1], num_heads=[1, 1, 2, 2]))
UNIFORMER = dict(type='UniFormerV2', input_resolution=SIDE, patch_size=8, width=24, layers=2, heads=2, t_size=T,
                 return_list=[1], n_layers=1, n_dim=24, n_head=2, clip_pretrained=False)
SLOWONLY = dict(type='ResNet3dSlowOnly', depth=18, lateral=False, conv1_kernel=(1, 3, 3), conv1_stride_t=1,
                pool1_stride_t=1, inflate=(0, 0, 1, 1), base_channels=4, zero_init_residual=False)
TIMESFORMER = dict(type='TimeSformer', num_frames=T, img_size=SIDE, patch_size=8, embed_dims=16, num_heads=2,
                   num_transformer_layers=2, norm_cfg=dict(type='LN', eps=1e-6))
MVIT = dict(type='MViT', arch=dict(embed_dims=8, num_layers=2, num_heads=1, downscale_indices=[1]),
            spatial_size=SIDE, temporal_size=T, output_cls_token=False)
X3D = dict(type='X3D', gamma_w=.25)
TSM = dict(type='ResNetTSM', depth=18, num_segments=T, shift_div=8)
VIDEOS = {  # network -> time steps, width
    'VisionTransformer': (VIT, 1, 16),
    'SwinTransformer3D': (SWIN, 2, 96),
    'UniFormerV2': (UNIFORMER, 1, 24),
    'ResNet3dSlowOnly': (SLOWONLY, 4, 32),
    'TimeSformer': (TIMESFORMER, 1, 16),
    'MViT': (MVIT, 2, 16),
    'X3D': (X3D, 4, 64),
    'ResNetTSM': (TSM, 4, 512),
}
SHIFTED = dict(ResNetTSM='NCHW')


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmaction'):
        yield


def views() -> Tensor:
    return torch.randn(B, T, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('name', IMAGES)
def test_networks_for_images_give_one_vector_a_frame(name: str) -> None:
    network, width = IMAGES[name]
    backbone = MODELS.build(dict(type='ImageBackboneWrapper', backbone=network)).eval()
    frames = views()[0, :U]
    with torch.no_grad():
        features = backbone(frames)
        assert features.shape == (U, width)
        torch.testing.assert_close(backbone(frames[1:2]), features[1:2], rtol=1e-4, atol=1e-5)  # each on its own
        own = backbone.network(frames)
        own = own[-1] if isinstance(own, tuple) else own
        torch.testing.assert_close(features, own.flatten(2).mean(2) if own.ndim > 2 else own)


@pytest.mark.parametrize('name', VIDEOS)
def test_networks_for_videos_give_time_steps(name: str) -> None:
    network, steps, width = VIDEOS[name]
    backbone = MODELS.build(dict(type='VideoBackboneWrapper', backbone=network,
                                 format_shape=SHIFTED.get(name, 'NCTHW'))).eval()
    with torch.no_grad():
        features = backbone(views())
        assert features.shape == (B, steps, width)
        torch.testing.assert_close(backbone(views()[1:]), features[1:], rtol=1e-4, atol=1e-5)
        if name in SHIFTED:
            maps = backbone.network(views().reshape(B * T, 3, SIDE, SIDE)).view(B, T, width, -1)
            torch.testing.assert_close(features, maps.mean(-1))
        else:
            own = backbone.network(torch.stack([view.permute(1, 0, 2, 3) for view in views()]))
            own = own[0] if isinstance(own, tuple) else own
            torch.testing.assert_close(features.mean(1), own.flatten(2).mean(2) if own.ndim > 2 else own)


def test_the_pathways_of_slowfast_are_joined_as_its_head_joins_them() -> None:
    pathway = dict(type='resnet3d', depth=18, conv1_stride_t=1, pool1_stride_t=1)
    network = dict(type='ResNet3dSlowFast', resample_rate=2, speed_ratio=2, channel_ratio=4,
                   slow_pathway=dict(pathway, base_channels=8, lateral=True, conv1_kernel=(1, 3, 3)),
                   fast_pathway=dict(pathway, base_channels=2, lateral=False, conv1_kernel=(5, 3, 3)))
    backbone = VideoBackboneWrapper(network).eval()
    head = MODELS.build(dict(type='SlowFastHead', num_classes=5, in_channels=80, dropout_ratio=0))
    with torch.no_grad():
        features = backbone(views())
        slow, fast = backbone.network(views().transpose(1, 2))
        assert features.shape == (B, 2, 80) and slow.shape[1:3] == (64, 2) and fast.shape[1:3] == (16, 4)
        torch.testing.assert_close(features[:, 0, :16], fast[:, :, :2].mean((2, 3, 4)))
        torch.testing.assert_close(head.fc_cls(features.mean(1)), head((slow, fast)))


def test_the_right_wrapper_is_named() -> None:
    class OwnResNet3d(ResNet3d):
        pass

    for wrapper, network, hint in (
            (ImageBackboneWrapper, 'X3D', r"together. Use visual_backbone=dict\(type='VideoBackboneWrapper', backbone"),
            (VideoBackboneWrapper, 'ResNet', "with format_shape='NCTHW': ResNet reads single images"),
            (VideoBackboneWrapper, 'timm.resnet18', r"ImageBackboneWrapper', backbone=dict\(type='timm.resnet18'"),
            (VideoBackboneWrapper, 'ResNetTSM', "format_shape='NCHW', backbone"),
            (AudioBackboneWrapper, 'X3D', 'X3D reads the frames of a view'),
            (ImageBackboneWrapper, 'ResNetAudio', "reads spectrograms. Use audio_backbone"),
            (VideoBackboneWrapper, 'STGCN', 'reads the joints of skeletons'),
            (ImageBackboneWrapper, OwnResNet3d, 'OwnResNet3d.* reads the frames of a view together')):
        with pytest.raises(InputError, match=hint):
            wrapper(dict(type=network))


def test_operators_that_mmcv_lite_lacks_are_named() -> None:
    backbone = VideoBackboneWrapper(dict(type='ResNetTIN', depth=18, num_segments=T), format_shape='NCHW')
    if find_spec('mmcv._ext') is None:
        with pytest.raises(InputError, match='ResNetTIN needs what is not installed .*in the full mmcv'):
            backbone(views())


def test_audio_networks_give_a_map_over_frequency_and_time() -> None:
    mel = torch.randn(2, 1, 64, 16)
    network = dict(type='ResNetAudio', depth=50, base_channels=4)
    backbone = AudioBackboneWrapper(network).eval()
    with torch.no_grad():
        latent = backbone(mel)
        assert latent.shape == (2, 128, 2, 8)  # 1/8 of 16 mel bins, 1/8 of 64 frames
        torch.testing.assert_close(latent, backbone.network(mel).permute(0, 1, 3, 2))
        image = AudioBackboneWrapper(dict(type='timm.resnet18'), in_channels=3).eval()
        assert image(mel).shape == (2, 512, 1, 1)


@pytest.mark.parametrize(('kind', 'network', 'targets', 'count'), [
    (ImageBackboneWrapper, IMAGES['mmpretrain.VisionTransformer'][0], ['qkv', 'layers.0.0'], 4),
    (ImageBackboneWrapper, IMAGES['ResNet'][0], ['layer4.1.conv2.conv'], 1),
    (VideoBackboneWrapper, VIT, ['proj', 'layers.0.0', 'layers.1'], 6),
    (VideoBackboneWrapper, VIT, ['q_proj', 'k_proj', 'v_proj', 'proj'], 8),
    (VideoBackboneWrapper, TIMESFORMER, ['q_proj', 'v_proj', 'out_proj'], 12),
    (VideoBackboneWrapper, SWIN, ['qkv', 'proj', 'fc1', 'fc2'], 21),
    (VideoBackboneWrapper, UNIFORMER, ['c_fc', 'c_proj'], 6),
    (VideoBackboneWrapper, SLOWONLY, ['conv2.conv'], 8)])
def test_adapters_by_the_names_of_layers(kind: type, network: dict, targets: list[str], count: int) -> None:
    backbone = kind(network, lora=dict(targets=targets, rank=2, alpha=4, dropout=0.), frozen=True)
    trained = {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert len(trained) == 2 * count and all('.lora_' in name for name in trained)
    inputs = views() if kind is VideoBackboneWrapper else views()[0]
    before = backbone.eval()(inputs)
    backbone.train()(inputs).square().sum().backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters() if parameter.requires_grad)
    for name, parameter in backbone.named_parameters():
        if 'lora_B' in name:
            nn.init.normal_(parameter, std=.3)
    adapted = backbone.eval()(inputs)
    assert not torch.allclose(adapted, before, rtol=1e-3)
    merge_adapters(backbone)
    torch.testing.assert_close(backbone(inputs), adapted, rtol=1e-3, atol=1e-4)


def test_frozen_batch_norms_keep_their_statistics() -> None:
    for frozen in (True, False):
        backbone = ImageBackboneWrapper(IMAGES['ResNet'][0], frozen=frozen).train()
        mean = backbone.network.conv1.bn.running_mean
        before = mean.clone()
        backbone(views()[0])
        assert torch.equal(mean, before) == frozen
        assert any(parameter.requires_grad for parameter in backbone.parameters()) != frozen


def test_weights_come_before_the_adapters_and_stay(tmp_path: Path) -> None:
    network = MODELS.build(VIT)
    nn.init.constant_(network.fc_norm.bias, .25)
    torch.save(dict(state_dict={f'backbone.{key}': value for key, value in network.state_dict().items()}),
               tmp_path / 'vit.pth')
    source = dict(type='Pretrained', checkpoint=str(tmp_path / 'vit.pth'), prefix='backbone.')
    backbone = VideoBackboneWrapper(dict(VIT, init_cfg=source), lora=dict(targets=['proj']), frozen=True)
    assert backbone.weights_from == str(tmp_path / 'vit.pth')
    backbone.init_weights()  # as the runner does: nothing is initialized again
    state = backbone.network.state_dict()
    assert torch.equal(state['blocks.0.attn.proj.base_layer.weight'], network.state_dict()['blocks.0.attn.proj.weight'])
    assert torch.equal(state['fc_norm.bias'], torch.full((16,), .25))
    assert VideoBackboneWrapper(VIT).weights_from is None


def test_a_network_for_views_is_no_network_for_frames() -> None:
    with pytest.raises(InputError, match=r'ResNetTSM mixes the frames of a view .* Use VideoBackboneWrapper'):
        ImageBackboneWrapper(TSM)
    with pytest.raises(InputError, match="format_shape is 'NTCHW'. Expected 'NCTHW' or 'NCHW'"):
        VideoBackboneWrapper(SLOWONLY, format_shape='NTCHW')


def test_adapters_without_effect_are_refused() -> None:
    with pytest.raises(InputError, match=r'the adapters of 2 layers of VisionTransformer are without effect.*'
                                         r'blocks.0.attn.qkv, blocks.1.attn.qkv'):
        VideoBackboneWrapper(VIT, lora=dict(targets=['qkv', 'proj']))(views())
    with pytest.raises(InputError, match=r'lora.blocks=\[1\]: the blocks of VisionTransformer are not known'):
        VideoBackboneWrapper(VIT, lora=dict(targets=['proj'], blocks=[1]))
    with pytest.raises(InputError, match='no layer is called q_proj'):
        VideoBackboneWrapper(SWIN, lora=dict(targets=['q_proj']))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r'VisionTransformer cannot read an input of shape \(2, 3, 8, 32, 32\)'):
        VideoBackboneWrapper(VIT)(torch.zeros(B, 8, 3, SIDE, SIDE))
    with pytest.raises(InputError, match=r'UniFormerV2 gives an output of shape \(4, 24\).*num_frames, t_size'):
        VideoBackboneWrapper(UNIFORMER)(torch.zeros(B, 2 * T, 3, SIDE, SIDE))
    for frames in (T // 2, 2 * T):  # twice as many: the network would count two views for each
        with pytest.raises(InputError, match=rf'views of {frames} frames arrived, but num_segments=4 of ResNetTSM'):
            VideoBackboneWrapper(TSM, format_shape='NCHW')(torch.zeros(B, frames, 3, SIDE, SIDE))
    with pytest.raises(InputError, match='ResNet gives 2 outputs; one tensor is expected.*out_indices'):
        ImageBackboneWrapper(dict(type='ResNet', depth=18, out_indices=(2, 3)))(views()[0])


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='no.pth: no such file'):
        VideoBackboneWrapper(dict(VIT, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'no.pth'))))
    address = 'http://127.0.0.1:9/no.pth'
    with pytest.raises(InputError, match=f'VisionTransformer: its weights cannot be read from {address}'):
        VideoBackboneWrapper(dict(VIT, init_cfg=dict(type='Pretrained', checkpoint=address)))
    for wrong in ('no.pth', dict(type='Pretrained')):
        with pytest.raises(InputError, match="ResNet: init_cfg is .* Expected a dict, such as .*checkpoint='FILE'"):
            ImageBackboneWrapper(dict(type='ResNet', depth=18, init_cfg=wrong))


def test_what_timm_cannot_make_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'timm\.resnet17: timm cannot make it \(Unknown model .*timm\.list_models'):
        ImageBackboneWrapper(dict(type='timm.resnet17'))
    with pytest.raises(InputError, match=r'timm\.resnet18: timm cannot make it \(\w+\).*pretrained_cfg_overlay'):
        ImageBackboneWrapper(dict(type='timm.resnet18', pretrained=True,
                               pretrained_cfg_overlay=dict(file=str(tmp_path / 'no.pth'))))
