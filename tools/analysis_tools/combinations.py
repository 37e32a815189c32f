"""Try every network and head of MMAction2 with the components of this project: python
tools/analysis_tools/combinations.py [--out FILE.md].
"""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Print, in Markdown, which networks and heads of MMAction2 combine with the '
                                        'components of this project.')
    parser.add_argument('--out', type=Path, metavar='FILE.md', help='write the table to a file')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.registry import DefaultScope

import claip_emo_mm  # noqa: F401 - registers the components
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config_errors import explain_config_error
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.backbones.network_kinds import NETWORK_KINDS, NONE
from claip_emo_mm.models.heads.mmaction_head import REFUSED_HEADS
from claip_emo_mm.utils.io import write_text

B, V, T, SIDE, K, WIDTH = 2, 2, 8, 32, 5, 16  # clips, views, frames, pixels, classes, features of the small CLIP
_R3D = dict(depth=18, base_channels=4)
_PATHWAY = dict(type='resnet3d', depth=18, conv1_stride_t=1, pool1_stride_t=1)
_GRAPH = dict(layout='coco', mode='spatial')
# Small networks with random weights: options, width of the features. Those without a width are refused.
NETWORKS: dict[str, tuple[dict[str, Any], int]] = {
    'AAGCN': (dict(graph_cfg=_GRAPH), 0),
    'C2D': (dict(depth=18), 512),
    'C3D': (dict(out_dim=2048), 4096),  # for 16 frames of 32 pixels
    'MViT': (dict(arch=dict(embed_dims=8, num_layers=2, num_heads=1, downscale_indices=[1]), spatial_size=SIDE,
                  temporal_size=T, output_cls_token=False), 16),
    'MobileNetV2': (dict(widen_factor=.25), 1280),
    'MobileNetV2TSM': (dict(widen_factor=.25, num_segments=T), 1280),
    'MobileOneTSM': (dict(arch='s0', num_segments=T, shift_div=8), 1024),
    'OmniResNet': (dict(layers=[1, 1, 1, 1]), 2048),
    'RGBPoseConv3D': ({}, 0),
    'ResNet': (dict(depth=18), 512),
    'ResNet2Plus1d': (dict(_R3D, pretrained2d=False, conv_cfg=dict(type='Conv2plus1d'), norm_eval=False,
                           conv1_kernel=(3, 7, 7), conv1_stride_t=1, pool1_stride_t=1, inflate=(1, 1, 1, 1),
                           spatial_strides=(1, 2, 2, 2), temporal_strides=(1, 2, 2, 2)), 32),
    'ResNet3d': (_R3D, 32),
    'ResNet3dCSN': (dict(depth=50, base_channels=4, pretrained=None, pretrained2d=False, bottleneck_mode='ir'), 128),
    'ResNet3dLayer': (dict(depth=18, stage=3), 0),
    'ResNet3dSlowFast': (dict(
        resample_rate=4, speed_ratio=4, channel_ratio=4,
        slow_pathway=dict(_PATHWAY, base_channels=8, lateral=True, conv1_kernel=(1, 7, 7), inflate=(0, 0, 1, 1)),
        fast_pathway=dict(_PATHWAY, base_channels=2, lateral=False, conv1_kernel=(5, 7, 7))), 80),
    'ResNet3dSlowOnly': (dict(_R3D, lateral=False), 32),
    'ResNetAudio': (dict(depth=50, base_channels=4), 128),
    'ResNetTIN': (dict(depth=18, num_segments=T), 512),
    'ResNetTSM': (dict(depth=18, num_segments=T), 512),
    'STGCN': (dict(graph_cfg=dict(_GRAPH, mode='stgcn_spatial')), 0),
    'SwinTransformer3D': (dict(arch=dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
                               patch_size=(2, 4, 4), window_size=(2, 2, 2)), 96),
    'TANet': (dict(depth=50, num_segments=T), 2048),
    'TimeSformer': (dict(num_frames=T, img_size=SIDE, patch_size=8, embed_dims=16, num_heads=2,
                         num_transformer_layers=2), 16),
    'UniFormer': (dict(depth=[1, 1, 1, 1], img_size=SIDE, embed_dim=[8, 16, 32, 32], head_dim=8, pretrained2d=False),
                  32),
    'UniFormerV2': (dict(input_resolution=SIDE, patch_size=8, width=24, layers=2, heads=2, t_size=T, return_list=[1],
                         n_layers=1, n_dim=24, n_head=2, clip_pretrained=False), 24),
    'VisionTransformer': (dict(img_size=SIDE, patch_size=8, embed_dims=16, depth=2, num_heads=2, mlp_ratio=2,
                               num_frames=T), 16),
    'X3D': (dict(gamma_w=.25), 64),
}
WRAPPERS = {
    'image': dict(type='ImageBackboneWrapper'), 'video': dict(type='VideoBackboneWrapper'),
    'shifted': dict(type='VideoBackboneWrapper', format_shape='NCHW'), 'audio': dict(type='AudioBackboneWrapper'),
}
# Options of heads, by which they read one feature a clip, or one a frame in Recognizer2D.
_OF_CLIPS = {'TSMHead': dict(num_segments=1), 'TRNHead': dict(num_segments=1, relation_type='TRN')}
_OF_FRAMES = {'TSNHead': dict(spatial_type=None),
              'TSMHead': dict(spatial_type=None, num_segments=T, is_shift=False),
              'TRNHead': dict(spatial_type=None, num_segments=T)}


def registered(package: str) -> list[str]:
    """Names of what MMAction2 registers from one of its packages of models, such as 'backbones'."""
    return sorted(name for name, kind in MODELS.module_dict.items()
                  if kind.__module__.startswith(f'mmaction.models.{package}.'))


def outcome(attempt: Callable[[], object]) -> str:
    """Say 'works', the one line that refuses, or 'traceback: ...' for an error that no line explains."""
    torch.manual_seed(0)
    try:
        with DefaultScope.overwrite_default_scope('mmaction'):
            attempt()
    except InputError as error:
        return str(error)
    except Exception as error:  # whatever it is, it belongs into the table
        return explain_config_error(error) or f'traceback: {type(error).__name__}: {error}'
    return 'works'


def run_clips(model: dict[str, Any], inputs: Any, test_inputs: Any) -> None:
    """Train a model on two clips for one step, and test it on them."""
    built = MODELS.build(model)
    samples = [ActionDataSample().set_gt_label(label) for label in range(B)]
    sum(value for key, value in built(inputs, samples, mode='loss').items() if 'loss' in key).backward()
    if all(parameter.grad is None for parameter in built.parameters()):
        raise RuntimeError('nothing was trained')
    with torch.no_grad():
        tested = built.eval()(test_inputs, samples, mode='predict')
    for sample in tested:
        if abs(float(sample.pred_score.sum()) - 1) > 1e-4 or sample.pred_score.shape != (K,):
            raise RuntimeError(f'scores of shape {tuple(sample.pred_score.shape)}')


def try_network(name: str, wrapper: dict[str, Any] | None) -> str:
    """Train and test a network of MMAction2 as a backbone of `AudioVisualRecognizer`; without a wrapper for None."""
    options, width = NETWORKS[name]
    is_audio = 'audio' in NETWORK_KINDS[name] if wrapper is None else wrapper['type'] == 'AudioBackboneWrapper'
    network = dict(options, type=name)
    backbone = network if wrapper is None else dict(wrapper, backbone=network)
    frames = 2 * T if name == 'C3D' else T

    def inputs(views: int) -> dict[str, torch.Tensor]:
        if is_audio:
            return dict(mel=torch.randn(B, 1, 64, 16), audio_index=torch.arange(B)[:, None].repeat(1, views))
        index = torch.arange(B * views * frames).view(B, views, frames)
        return dict(frames=torch.randn(B * views * frames, 3, SIDE, SIDE), frame_index=index)

    parts = dict(audio_backbone=backbone, audio_neck=dict(type='AudioMeanPool')) if is_audio else dict(
        visual_backbone=backbone)
    channels = dict(visual_channels=0, audio_channels=width) if is_audio else dict(visual_channels=width)
    head = dict(type='ConcatFusionHead', num_classes=K, topk=1, **channels)
    return outcome(lambda: run_clips(dict(type='AudioVisualRecognizer', cls_head=head, **parts), inputs(1), inputs(V)))


def try_head(name: str, in_recognizer_2d: bool) -> str:
    """Train and test a head of MMAction2 on the features of a small CLIP: of clips in ours, or of frames in theirs."""
    head = dict((_OF_FRAMES if in_recognizer_2d else _OF_CLIPS).get(name, {}), type=name, average_clips='prob')
    if name == 'OmniHead':
        head.update(image_classes=K, video_classes=K, in_channels=WIDTH)
    elif name == 'RGBPoseHead':
        head.update(num_classes=K, in_channels=[WIDTH, WIDTH])
    elif name != 'FeatureHead':
        head.update(num_classes=K, in_channels=WIDTH, topk=1)
    clip = dict(type='CLIPVisualBackbone', pretrained=None,
                arch=dict(image_size=SIDE, patch_size=16, width=WIDTH, layers=1, head_width=8))
    if in_recognizer_2d:
        model = dict(type='Recognizer2D', backbone=clip, cls_head=head)
        return outcome(lambda: run_clips(model, torch.randn(B, T, 3, SIDE, SIDE), torch.randn(B, V * T, 3, SIDE, SIDE)))
    model = dict(type='AudioVisualRecognizer', visual_backbone=clip,
                 cls_head=dict(type='MMActionFusionHead', head=head))

    def inputs(views: int) -> dict[str, torch.Tensor]:
        index = torch.arange(B * views * T).view(B, views, T)
        return dict(frames=torch.randn(B * views * T, 3, SIDE, SIDE), frame_index=index)

    return outcome(lambda: run_clips(model, inputs(1), inputs(V)))


def network_rows() -> tuple[list[list[str]], list[str]]:
    """Rows of the networks in the wrapper that is theirs; what became of every other wrapper, and of none."""
    rows, others = [], []
    for name in registered('backbones'):
        kinds = NETWORK_KINDS[name]
        for kind in kinds if kinds != (NONE,) else ('video',):
            found = try_network(name, WRAPPERS[kind])
            rows.append([f'`{name}`', _written(WRAPPERS[kind]) if kinds != (NONE,) else 'none', _shown(found, name)])
        for kind, wrapper in WRAPPERS.items():
            fits = kind in kinds or 'image' in kinds and kind in ('shifted', 'audio')  # frame by frame; spectrograms
            if not fits and kinds != (NONE,):
                others.append(try_network(name, wrapper))
        others.append(try_network(name, None))
    return rows, others


def head_rows() -> list[list[str]]:
    """Rows of the heads: in `MMActionFusionHead`, and in MMAction2's `Recognizer2D`."""
    rows = []
    for name in registered('heads'):
        ours, theirs = (try_head(name, in_recognizer_2d) for in_recognizer_2d in (False, True))
        rows.append([f'`{name}`', _with_options(_shown(ours, name), _OF_CLIPS.get(name)),
                     _with_options(_shown(theirs, name), _OF_FRAMES.get(name))])
    return rows


def _shown(found: str, name: str) -> str:
    """The outcome for a table: the hint without the beginning that names the component."""
    if found == 'works' or found.startswith('traceback'):
        return found
    if name in REFUSED_HEADS:
        return f'refused: it {REFUSED_HEADS[name]}'
    if 'MMActionFusionHead' in found:
        return 'refused: it names `MMActionFusionHead` in `AudioVisualRecognizer`'
    return f'refused: it {found.partition(f"{name} ")[2]}'


def _with_options(found: str, options: dict[str, Any] | None) -> str:
    written = ', '.join(f'{key}={value!r}' for key, value in (options or {}).items() if value != T)
    return f'{found} with `{written}`' if found == 'works' and written else found


def _written(wrapper: dict[str, Any]) -> str:
    shape = f" with `format_shape='{wrapper['format_shape']}'`" if 'format_shape' in wrapper else ''
    return f'`{wrapper["type"]}`{shape}'


def _count(found: list[str]) -> str:
    works, traceback = (sum(text.startswith(start) for text in found) for start in ('works', 'traceback'))
    return f'{works} of {len(found)} work, {len(found) - works - traceback} are refused with a hint, {traceback} fail'


def _rows(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f'| {" | ".join(row)} |' for row in (header, ['---'] * len(header), *rows)]


def table() -> str:
    """Markdown: what of MMAction2 combines with this project, tried with small networks and random weights."""
    networks, others = network_rows()
    tried_heads = head_rows()
    lines = [
        '# What combines', '',
        'Written by `python tools/analysis_tools/combinations.py --out docs/mix/combinations.md`, which builds',
        'every network and head that MMAction2 registers, small and with random weights, trains it for one step on two',
        'clips and tests it on two views of each. A test compares this page with what it writes.', '',
        "## MMAction2's networks in AudioVisualRecognizer", '',
        f'{_count([row[2] for row in networks])} (a network that reads images and videos counts twice).', '',
        *_rows(['network', 'wrapper', 'outcome'], networks), '',
        f'In another wrapper, or in none: {len(others)} attempts, {_count(others)}; the hint is the line to',
        'write.', '',
        "## MMAction2's heads on features of CLIPVisualBackbone", '',
        f'In `MMActionFusionHead`, one feature a clip: {_count([row[1] for row in tried_heads])}.', '',
        f"In MMAction2's `Recognizer2D`, one feature a frame: {_count([row[2] for row in tried_heads])}.", '',
        *_rows(['head', 'in `MMActionFusionHead`', 'in `Recognizer2D`'], tried_heads), '']
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    if args.out:
        write_text(args.out, table())
    else:
        print(table(), end='')


if __name__ == '__main__':
    run(main)
