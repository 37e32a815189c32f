"""Run every clip through the frozen encoders once: python tools/extract_features.py CONFIG --out CACHE."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, add_device, output_folder
from claip_emo_cli.choices import CACHE_DTYPES, FEATURE_FORMATS, SPLITS


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Encode each distinct frame and audio window of the splits once, for trainings '
                                        'without encoders (configs/cached). What is in the cache, of any config, fold '
                                        'or data set, is not computed again; the same command resumes after any stop, '
                                        'and several may run at once.')
    parser.add_argument('config', help='config whose encoders are frozen, such as '
                                       'configs/cached/claip_emo_tiny_toy_temporal.py')
    parser.add_argument('--out', type=output_folder, metavar='CACHE',
                        help="folder of the cache (default: the config's feature_cache.dir, else data/features)")
    parser.add_argument('--splits', nargs='+', choices=SPLITS, default=list(SPLITS),
                        help='splits to encode and export (default: those of the config)')
    parser.add_argument('--folds', type=int, nargs='+', metavar='N',
                        help='folds to encode, whose clips are mostly the same (default: that of the config)')
    parser.add_argument('--views', type=int, metavar='N',
                        help='augmented versions of each training clip, by the training pipeline; 0: the views of the '
                             'test pipeline (default: 0)')
    parser.add_argument('--dtype', choices=CACHE_DTYPES, help='type of the numbers on disk (default: float32)')
    parser.add_argument('--processes', type=int, metavar='N', help='processes that encode (default: 1)')
    add_device(parser)
    parser.add_argument('--dry-run', action='store_true', help='estimate time and disk only, by the first 3 clips')
    parser.add_argument('--export', type=output_folder, metavar='DIR',
                        help='also write one file for each split: clips, labels, and a vector of each modality')
    parser.add_argument('--format', choices=FEATURE_FORMATS, default='npz', help='of --export (default: %(default)s)')
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.export and (args.dry_run or args.folds):
        parser.error('--export writes the splits of one fold: it goes without --dry-run and --folds')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import require_lists
from claip_emo_mm.engine.feature_cache import KEY, export_config, export_features, extract_features
from claip_emo_mm.utils.file_errors import writing_to
from claip_emo_mm.utils.io import check_writable

_GO_ON = 'Make room; the same command goes on with what is missing.'


def main() -> None:
    args = parse_args()
    options = dict(args.cfg_options or {})
    cfgs = [load_config(args.config, {**options, 'fold': fold} if fold else options) for fold in args.folds or [None]]
    for cfg in cfgs:
        chosen = dict(dir=str(args.out) if args.out else None, views=args.views, dtype=args.dtype,
                      processes=args.processes)
        cfg[KEY] = {'dir': 'data/features', **(cfg.get(KEY) or {}), 'extract': True,
                    **{key: value for key, value in chosen.items() if value is not None}}
        require_lists(cfg, *args.splits)
    check_writable(cfgs[0][KEY].dir, is_folder=True)
    if args.export:
        check_writable(args.export, is_folder=True)
        exported = export_config(cfgs[0])
    with writing_to(cfgs[0][KEY].dir, _GO_ON):
        for fold, cfg in zip(args.folds or [None], cfgs, strict=True):
            if fold:
                sys.stdout.write(f'fold {fold}: ')
            extract_features(cfg, _print, args.splits, args.device, args.dry_run)
        if args.export:
            if cfgs[0][KEY].get('views'):  # the views of the test pipeline beside augmented ones
                extract_features(exported, _print, args.splits, args.device)
            for path, clips in export_features(cfgs[0], Path(args.export), args.format, args.splits).items():
                _print(f'{path}: {clips} clips')


def _print(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


if __name__ == '__main__':
    run(main)
