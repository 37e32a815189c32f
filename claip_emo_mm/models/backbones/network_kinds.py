"""How the networks of MMAction2, MMPretrain and timm read their input, and the wrapper that this takes."""
from collections.abc import Mapping
from typing import Any

from mmaction.registry import MODELS

from claip_emo_mm.errors import InputError

_MMACTION = 'mmaction.models.backbones'
_IMAGE_LIBRARIES = ('mmcls', 'mmdet', 'mmpretrain', 'timm', 'torchvision')

# Kinds of input of MMAction2's networks; OmniResNet reads images and videos.
IMAGE, SHIFTED, VIDEO, AUDIO, NONE = 'image', 'shifted', 'video', 'audio', 'none'
NETWORK_KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(('MobileNetV2', 'ResNet'), (IMAGE,)),
    'OmniResNet': (IMAGE, VIDEO),
    **dict.fromkeys(('MobileNetV2TSM', 'MobileOneTSM', 'ResNetTIN', 'ResNetTSM', 'TANet'), (SHIFTED,)),
    **dict.fromkeys(('C2D', 'C3D', 'MViT', 'ResNet2Plus1d', 'ResNet3d', 'ResNet3dCSN', 'ResNet3dSlowFast',
                     'ResNet3dSlowOnly', 'SwinTransformer3D', 'TimeSformer', 'UniFormer', 'UniFormerV2',
                     'VisionTransformer', 'X3D'), (VIDEO,)),
    'ResNetAudio': (AUDIO,),
    **dict.fromkeys(('AAGCN', 'STGCN', 'RGBPoseConv3D', 'ResNet3dLayer'), (NONE,)),
}
_USE = {
    IMAGE: 'reads single images. Use visual_backbone=dict(type={image}, backbone={network}), or for spectrograms '
           'audio_backbone=dict(type={audio}, in_channels=3, backbone={network}).',
    SHIFTED: "mixes the frames of a view (num_segments). Use VideoBackboneWrapper with format_shape='NCHW': "
             "visual_backbone=dict(type={video}, format_shape='NCHW', backbone={network}), with num_segments=clip_len "
             'of SampleFrameViews.',
    VIDEO: 'reads the frames of a view together. Use visual_backbone=dict(type={video}, backbone={network}).',
    AUDIO: 'reads spectrograms. Use audio_backbone=dict(type={audio}, backbone={network}).',
}
_REFUSED = {
    **dict.fromkeys(('AAGCN', 'STGCN'), 'reads the joints of skeletons, which clips of frames and audio lack. Use it '
                    "in MMAction2's RecognizerGCN with a PoseDataset."),
    'RGBPoseConv3D': 'reads heatmaps of skeletons beside the frames, which clips of frames and audio lack. Its pathway '
                     "for frames alone is ResNet3dSlowOnly: visual_backbone=dict(type='VideoBackboneWrapper', "
                     "backbone=dict(type='ResNet3dSlowOnly', ...)).",
    'ResNet3dLayer': 'is one stage of a network, which reads the maps of the stage before. Use the whole one: '
                     "visual_backbone=dict(type='VideoBackboneWrapper', backbone=dict(type='ResNet3d', ...)).",
}


def check_network(owner: str, network: Mapping[str, Any], *kinds: str) -> None:
    """Raise an `InputError` with the right wrapper where `owner` cannot use a network, by its config.

    Networks of one's own, which do not inherit from one of MMAction2, are not checked.

    Args:
        kinds: kinds of input of the networks that `owner` takes; none for a component that needs a wrapper.
    """
    name, found = _find(network, own_too=bool(kinds))
    if not found or set(found) & set(kinds):
        return
    if found == (NONE,):
        raise InputError(f'{owner}: {network["type"]} {_REFUSED[name]}')
    names = dict(image='ImageBackboneWrapper', video='VideoBackboneWrapper', audio='AudioBackboneWrapper')
    quoted = {kind: repr(wrapper) for kind, wrapper in names.items()}
    raise InputError(f'{owner}: {network["type"]} '
                     + _USE[found[0]].format(network=f"dict(type='{network['type']}', ...)", **quoted))


def _find(network: Mapping[str, Any], own_too: bool) -> tuple[str, tuple[str, ...]]:
    """Name and kinds of a network, or of that of MMAction2 that it inherits from; no kinds where it is unknown."""
    kind = network.get('type')
    if isinstance(kind, str):
        if kind.partition('.')[0] in _IMAGE_LIBRARIES and '.' in kind:
            return kind, (IMAGE,)
        kind = MODELS.get(kind)
    parents = kind.__mro__ if isinstance(kind, type) else ()
    for parent in parents if own_too else parents[:1]:
        if parent.__module__.startswith(_MMACTION) and parent.__name__ in NETWORK_KINDS:
            return parent.__name__, NETWORK_KINDS[parent.__name__]
    return '', ()
