"""Plot clips as the model reads them: python tools/browse_dataset.py CONFIG --out DIR."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace

from claip_emo_cli.arguments import add_cfg_options, output_folder


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Plot contact sheets of a config\'s data after its whole pipeline: the frames '
                                        'and the spectrogram of each view, with label and file.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('--out', type=output_folder, required=True, metavar='DIR', help='folder for the png files')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train',
                        help='which data set of the config (default: %(default)s)')
    parser.add_argument('--clips', type=int, default=12, help='clips, spread over the list (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the augmentation (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace sheets that are there already')
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.clips < 1:
        parser.error(f'--clips {args.clips}: expected 1 or more')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import check_groups
from claip_emo_mm.visualization import write_contact_sheets


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    check_groups(cfg, args.split)
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    set_random_seed(args.seed)
    dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    sheets = write_contact_sheets(dataset, args.out, args.clips, args.overwrite)
    sys.stdout.write(f'{len(sheets)} sheets in {args.out}\n')


if __name__ == '__main__':
    run(main)
