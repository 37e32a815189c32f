"""Train a model: python tools/train.py CONFIG."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from claip_emo_cli.arguments import add_run_arguments, parse_run_arguments


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Train a model. Checkpoints and logs go to the work folder.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='resume from this checkpoint; without a value, from the newest one of the work folder')
    parser.add_argument('--amp', action='store_true', help='train with automatic mixed precision (needs a GPU)')
    parser.add_argument('--no-validate', action='store_true', help='do not validate during the training')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help="scale the learning rate from the config's base batch size to the actual one")
    parser.add_argument('--seed', type=int, help="random seed (default: the config's, else a random one)")
    parser.add_argument('--diff-rank-seed', action='store_true', help='give every process a seed of its own')
    parser.add_argument('--deterministic', action='store_true', help='use only deterministic algorithms; slower')
    add_run_arguments(parser)
    return parse_run_arguments(parser)


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import torch
from mmengine.config import Config

from claip_emo_mm.compat.checkpoint_io import GO_ON
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import build_runner, load_config, set_launcher, set_work_dir
from claip_emo_mm.engine.config_checks import check_groups, refuse_options, require_lists
from claip_emo_mm.engine.resume import set_resume
from claip_emo_mm.engine.schedule import adapt_schedule
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import writing_to

_PRECISION_KEYS = ('dtype', 'loss_scale')  # options that AmpOptimWrapper has and OptimWrapper has not


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    adapted = adapt_schedule(cfg, args.cfg_options)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    check_groups(cfg, 'train')
    set_work_dir(cfg, args.work_dir, args.config)
    set_launcher(cfg, args.launcher)
    set_resume(cfg, args.resume)
    if args.resume is not None:
        overruled = ('resume',) if args.resume == 'auto' else ('load_from', 'resume')
        refuse_options(args.cfg_options, *overruled, reason='--resume says where the training goes on from')
    require_lists(cfg, 'train', 'val')
    set_precision(cfg, args.amp, args.cfg_options)
    set_randomness(cfg, args.seed, args.diff_rank_seed, args.deterministic)
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr'):
            raise InputError(f'{args.config}: --auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in it.')
        cfg.auto_scale_lr.enable = True
    elif not (cfg.get('auto_scale_lr') or {}).get('enable'):
        refuse_options(args.cfg_options, 'auto_scale_lr.base_batch_size',
                       reason='the rate is not scaled without --auto-scale-lr')
    with writing_to(cfg.work_dir, GO_ON):
        runner = build_runner(cfg, 'train', 'val')
        if adapted:
            runner.logger.info(adapted)
        runner.train()


def set_precision(cfg: Config, amp: bool, options: Mapping[str, object] | None = None) -> None:
    """Turn on automatic mixed precision for `--amp`; without any, take its options out, but refuse a user's."""
    kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
    if amp:
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise InputError(f'--amp cannot be combined with optim_wrapper.type={kind!r}; expected OptimWrapper.')
        cfg.optim_wrapper.type = kind = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    elif kind == 'OptimWrapper':
        refuse_options(options, *(f'optim_wrapper.{key}' for key in _PRECISION_KEYS),
                       reason='it is a key of mixed precision (--amp, optim_wrapper.type=AmpOptimWrapper)')
        for key in _PRECISION_KEYS:  # of a base config, where only the type was changed
            cfg.optim_wrapper.pop(key, None)
    if kind == 'AmpOptimWrapper' and not torch.cuda.is_available():
        raise InputError('mixed precision (--amp, AmpOptimWrapper) needs a GPU, and PyTorch finds none here. Leave '
                         '--amp out or use --cfg-options optim_wrapper.type=OptimWrapper.')


def set_randomness(cfg: Config, seed: int | None, diff_rank_seed: bool, deterministic: bool) -> None:
    """Arguments that were given win over the config's `randomness`."""
    randomness = dict(cfg.get('randomness') or {})
    if seed is not None:
        randomness['seed'] = seed
    if diff_rank_seed:
        randomness['diff_rank_seed'] = True
    if deterministic:
        randomness['deterministic'] = True
    cfg.randomness = {'seed': None, **randomness}


if __name__ == '__main__':
    run(main)
