"""Plot the attention of a model: python tools/analysis_tools/attention.py CHECKPOINT VIDEO ... --out DIR."""
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch import Tensor

from claip_emo_mm.datasets.transforms import SampleFrameViews
from claip_emo_mm.engine.checkpoints import build_test_pipeline, load_trained
from claip_emo_mm.engine.checkpoints.load import TrainedModel
from claip_emo_mm.engine.cli import add_cfg_options, output_folder, run
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone
from claip_emo_mm.structures import MISSING_INDEX
from claip_emo_mm.utils.file_errors import WriteError
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.visualization.attention import (
    described_scores,
    frame_attention,
    patch_attention,
    plot_attention,
    record_attention,
)
from claip_emo_mm.visualization.plots import write_figure


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Plot the first view of each video: the attention of the class token to each '
                                        'patch (rollout through all blocks of the visual encoder), and how '
                                        'the temporal Transformer weighs the frames.')
    parser.add_argument('checkpoint', help='checkpoint of a training, or a published one')
    parser.add_argument('videos', nargs='+', metavar='VIDEO', help='video file')
    parser.add_argument('--out', type=output_folder, required=True, metavar='DIR', help='folder for the png files')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu',
                        help='where to compute (default: %(default)s)')
    add_cfg_options(parser, "change keys of the checkpoint's config")
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    check_writable(args.out, is_folder=True)
    init_default_scope('mmaction')
    trained = load_trained(args.checkpoint, cfg_options=args.cfg_options)
    if not any(isinstance(module, CLIPVisualBackbone) for module in trained.model.modules()):
        raise InputError(f'{args.checkpoint}: the model has no CLIPVisualBackbone (model.type is '
                         f'{type(trained.model).__name__}). Attention is plotted for models with this visual encoder.')
    trained.model.to(args.device)
    pipeline = build_test_pipeline(trained.cfg, args.checkpoint)
    clip_len = next((step.clip_len for step in pipeline.transforms if isinstance(step, SampleFrameViews)), None)
    failed = 0
    for number, video in enumerate(args.videos, 1):
        path = args.out / f'{number:03d}_{Path(video).stem}.png'  # several folders may have files of one name
        try:
            _plot(trained, pipeline(dict(filename=video)), clip_len, path, Path(video).name)
        except WriteError:
            raise
        except InputError as error:  # the other videos are still plotted
            sys.stderr.write(f'error: {error}\n')
            failed += 1
            continue
        sys.stdout.write(f'{path}\n')
    return 1 if failed else 0


def _plot(trained: TrainedModel, sample: dict, clip_len: int | None, path: Path, name: str) -> None:
    inputs = sample['inputs']
    if isinstance(inputs, Tensor):  # of MMAction2's models: the frames (V*T, 3, H, W) of all views in one row
        inputs = dict(frames=inputs, frame_index=torch.arange(len(inputs)).view(-1, clip_len))
    if 'frame_index' in inputs and inputs['frame_index'][0, 0] == MISSING_INDEX:
        raise InputError(f'{name}: has no frames.')
    with torch.inference_mode(), record_attention(trained.model) as noted:
        scores = trained.model.test_step(pseudo_collate([sample]))[0].pred_score
    if not noted['encoder']:
        raise InputError(f'{name}: the model did not read the frames.')
    index = inputs['frame_index'][0].numpy()  # (T,) of the first view
    looks = patch_attention(noted['encoder'])[index].numpy()
    frames = inputs['frames'].numpy().transpose(0, 2, 3, 1)[index]  # (T, H, W, 3)
    weights = frame_attention(noted['temporal'], inputs['frame_index']).numpy() if noted['temporal'] else None
    write_figure(path, plot_attention(frames, looks, weights,
                                      f'{name}: {described_scores(scores.tolist(), trained.classes)}'))


if __name__ == '__main__':
    run(main)
