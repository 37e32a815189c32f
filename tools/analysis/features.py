"""Draw clip features by t-SNE: python tools/analysis/features.py CONFIG CHECKPOINT --out PNG."""
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from tqdm import tqdm

from claip_emo_mm.command_line import run
from claip_emo_mm.datasets.skipped_clips import clip_name, is_skipped
from claip_emo_mm.engine.arguments import KeyValueAction
from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.config_keys import check_groups
from claip_emo_mm.engine.data_lists import require_lists
from claip_emo_mm.engine.run_config import load_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.visualization.feature_picture import draw_features, embed
from claip_emo_mm.visualization.figure_files import write_figure


def parse_args() -> Namespace:
    parser = ArgumentParser(description="Draw the features of a test part's clips before the head, by t-SNE: of the "
                                        'picture, the sound, and both; and write them to a npz file beside the '
                                        'picture.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('checkpoint', help='checkpoint of a training')
    parser.add_argument('--out', type=Path, required=True, metavar='PNG', help='picture to write')
    parser.add_argument('--seed', type=int, default=0, help='of t-SNE (default: %(default)s)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu',
                        help='where to compute (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValueAction, metavar='KEY=VALUE',
                        help='change keys of the config')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    check_groups(cfg, 'test')
    require_lists(cfg, 'test')
    init_default_scope('mmaction')
    model, cfg, classes = load_trained(args.checkpoint, cfg)
    if not hasattr(model, 'extract_feat') or not hasattr(model, 'modality'):
        raise InputError(f'{args.config}: the model is a {type(model).__name__}. Features are drawn for '
                         'AudioVisualRecognizer.')
    features, labels, names = collect(model.to(args.device), Runner.build_dataloader(cfg.test_dataloader, seed=0))
    if len(features) == 2:
        features['both'] = np.concatenate(list(features.values()), axis=1)
    write_figure(args.out, draw_features({kind: embed(values, args.seed) for kind, values in features.items()}, labels,
                                         classes))
    file = args.out.with_suffix('.npz')
    _save(file, names=np.array(names), labels=labels, classes=np.array(classes), **features)
    sys.stdout.write(f'{args.out} and {file}: {len(names)} clips, '
                     f'{", ".join(f"{kind} {values.shape[1]}" for kind, values in features.items())} dimensions\n')


@torch.inference_mode()
def collect(model: torch.nn.Module, loader: torch.utils.data.DataLoader) -> tuple[dict, np.ndarray, list[str]]:
    """Features of all clips that can be read, the mean over their views.

    Returns: ``visual`` (clips, D) and ``audio`` (clips, D'); labels (clips,); names.
    """
    parts: dict[str, list[torch.Tensor]] = {}
    labels, names = [], []
    for batch in tqdm(loader, unit='batch'):
        data = model.data_preprocessor(batch, training=False)
        readable = [sample for sample in data['data_samples'] if not is_skipped(sample)]
        if not readable:
            continue
        for kind, views in model.extract_feat(data['inputs']).items():  # (B*V, D), or tokens (B*V, N, D)
            of_clip = views.unflatten(0, (len(readable), -1))  # (B, V, ..., D)
            parts.setdefault(kind, []).append(of_clip.flatten(1, -2).mean(1).float().cpu())
        labels += [int(sample.gt_label) for sample in readable]
        names += [clip_name(sample) for sample in readable]
    return {kind: torch.cat(values).numpy() for kind, values in parts.items()}, np.array(labels), names


def _save(path: Path, **arrays: np.ndarray) -> None:
    """Write a npz file, which takes its name when it is complete."""
    part = path.with_name(f'{path.stem}.part.npz')
    np.savez_compressed(part, **arrays)
    part.replace(path)


if __name__ == '__main__':
    run(main)
