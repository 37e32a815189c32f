"""Plot clip features by t-SNE: python tools/analysis_tools/features.py CONFIG CHECKPOINT --out PNG."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, add_device, png_file


def parse_args() -> Namespace:
    parser = ArgumentParser(description="Plot the features of the test split's clips before the head by t-SNE: visual, "
                                        'audio, and both; and write them to an npz file beside the plot.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('checkpoint', help='checkpoint of a training')
    parser.add_argument('--out', type=png_file, required=True, metavar='PNG', help='plot to write')
    parser.add_argument('--seed', type=int, default=0, help='of t-SNE (default: %(default)s)')
    add_device(parser)
    add_cfg_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import numpy as np
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import check_groups, require_lists
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.predictions import collect_features
from claip_emo_mm.utils.devices import default_device
from claip_emo_mm.utils.io import atomic_write, check_writable
from claip_emo_mm.visualization.plots import embed, plot_features, write_figure


def main() -> None:
    args = parse_args()
    file = args.out.with_suffix('.npz')
    for path in (args.out, file):
        check_writable(path)
    cfg = load_config(args.config, args.cfg_options)
    check_groups(cfg, 'test')
    require_lists(cfg, 'test')
    init_default_scope('mmaction')
    model, cfg, classes, _ = load_trained(args.checkpoint, cfg)
    if not hasattr(model, 'extract_feat') or not hasattr(model, 'modality'):
        raise InputError(f'{args.config}: the model is a {type(model).__name__}. Features are plotted for '
                         'AudioVisualRecognizer.')
    model = model.to(args.device or default_device())
    found = collect_features(model, Runner.build_dataloader(cfg.test_dataloader, seed=0))
    features = {name: values for name, values in found.of.items() if np.ptp(values)}  # the others are not read
    if len(features) == 2:
        features['both'] = np.concatenate(list(features.values()), axis=1)
    points = {name: embed(values, args.seed) for name, values in features.items()}
    write_figure(args.out, plot_features(points, found.labels, classes))
    _save(file, names=np.array(found.names), labels=found.labels, classes=np.array(classes), **features)
    sizes = ', '.join(f'{name} {values.shape[1]}' for name, values in features.items())
    sys.stdout.write(f'{args.out} and {file}: {len(found.names)} clips, {sizes} dimensions\n')


def _save(path: Path, **arrays: np.ndarray) -> None:
    """Write an npz file atomically."""
    with atomic_write(path) as part, part.open('wb') as file:
        np.savez_compressed(file, **arrays)


if __name__ == '__main__':
    run(main)
