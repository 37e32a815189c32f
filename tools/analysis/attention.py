"""Draw where a model looks: python tools/analysis/attention.py CHECKPOINT VIDEO ... --out DIR."""
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from torch import Tensor

from claip_emo_mm.command_line import run
from claip_emo_mm.engine.arguments import KeyValueAction
from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.checkpoints.loading import TrainedModel
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.attention_weights import attention_rollout, noted_weights
from claip_emo_mm.visualization.attention_picture import described_scores, draw_attention
from claip_emo_mm.visualization.figure_files import write_figure


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Draw the first view of each video: what reaches the class token from each '
                                        'patch (attention rollout through all blocks of the visual tower), and how the '
                                        'temporal Transformer weighs the frames.')
    parser.add_argument('checkpoint', help='checkpoint of a training, or a published one')
    parser.add_argument('videos', nargs='+', metavar='VIDEO', help='video file')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder for the png files')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValueAction, metavar='KEY=VALUE',
                        help="change keys of the checkpoint's config")
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    init_default_scope('mmaction')
    trained = load_trained(args.checkpoint, cfg_options=args.cfg_options)
    pipeline = Compose(trained.cfg.test_dataloader.dataset.pipeline)
    failed = 0
    for number, video in enumerate(args.videos, 1):
        path = args.out / f'{number:03d}_{Path(video).stem}.png'  # files of one name lie in several folders
        try:
            _draw(trained, pipeline(dict(filename=video)), path, Path(video).name)
        except InputError as error:  # the other videos are still worth a picture
            sys.stderr.write(f'error: {error}\n')
            failed += 1
            continue
        sys.stdout.write(f'{path}\n')
    return 1 if failed else 0


def _draw(trained: TrainedModel, sample: dict, path: Path, name: str) -> None:
    inputs = sample['inputs']
    with torch.inference_mode(), noted_weights(trained.model) as noted:
        scores = trained.model.test_step(pseudo_collate([sample]))[0].pred_score
    if not noted['tower']:
        raise InputError("The model has no visual tower of CLIPVisualBackbone that has looked at this clip. Attention "
                         'is drawn for models with one.')
    index = inputs['frame_index'][0].numpy()  # (T,) of the first view
    looks = _patches(_blocks(noted['tower'], len(inputs['frames'])))[index]
    frames = inputs['frames'].numpy().transpose(0, 2, 3, 1)[index]  # (T, H, W, 3)
    write_figure(path, draw_attention(frames, looks, _frame_weights(noted['temporal'], inputs['frame_index']),
                                      f'{name}: {described_scores(scores.tolist(), trained.classes)}'))


def _blocks(weights: list[Tensor], num_frames: int) -> list[Tensor]:
    """One tensor for each block, where the frames went through the tower in several passes."""
    passes = 0
    seen = 0
    while seen < num_frames:  # the blocks of a pass come after each other
        seen += len(weights[passes * _depth(weights)])
        passes += 1
    depth = len(weights) // passes
    return [torch.cat(weights[block::depth]) for block in range(depth)]


def _depth(weights: list[Tensor]) -> int:
    """Blocks of the tower: the last one alone asks with the class token only."""
    return next(number for number, block in enumerate(weights, 1) if block.shape[2] == 1)


def _patches(blocks: list[Tensor]) -> np.ndarray:
    """(U, h, w) shares of the patches, the class token left out."""
    reach = attention_rollout(blocks)[:, 1:]
    side = round(reach.shape[1] ** .5)
    return reach.unflatten(1, (side, side)).numpy()


def _frame_weights(layers: list[Tensor], frame_index: Tensor) -> np.ndarray | None:
    """(T,) shares of the frames in the first view, in the last layer; equal views have gone through it once."""
    if not layers:
        return None
    _, of_view = frame_index.unique(dim=0, return_inverse=True)
    shares = layers[-1][of_view[0]].mean(0)[0, 1:]
    return (shares / shares.sum()).numpy()


if __name__ == '__main__':
    run(main)
