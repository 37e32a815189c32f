"""Sweep the scale of the adapters: python tools/analysis_tools/adapter_scale.py CONFIG CHECKPOINT --out FOLDER."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import hashlib
import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, add_device, output_folder


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Test between the frozen model (scale 0 of what the adapters add) and the '
                                        "trained one (1), on the config's data set and on others; a table, "
                                        'adapter_scale.json, .csv and .png. An interrupted sweep resumes.')
    parser.add_argument('config', help='config that the checkpoint was trained with')
    parser.add_argument('checkpoint', help='checkpoint of a training with adapters')
    parser.add_argument('--foreign', nargs='+', default=[], metavar='CONFIG',
                        help='configs of other data sets; emotions that the model does not know are left out')
    parser.add_argument('--scales', type=float, nargs='+', default=[0., .25, .5, .75, 1.], metavar='S',
                        help='from 0 to 1 (default: 0 0.25 0.5 0.75 1)')
    parser.add_argument('--split', choices=('val', 'test'), default='test',
                        help='split that is tested; a scale is to be chosen on val (default: %(default)s)')
    parser.add_argument('--allow-trained-clips', action='store_true',
                        help='test also on clips that the checkpoint was trained on')
    parser.add_argument('--out', type=output_folder, required=True, metavar='FOLDER', help='folder for the results')
    add_device(parser)
    add_cfg_options(parser, 'change keys of all configs: a.b=1')
    args = parser.parse_args()
    if not all(0 <= scale <= 1 for scale in args.scales):
        parser.error(f'--scales {" ".join(map(str, args.scales))}: expected numbers from 0 to 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from claip_emo_mm.compat.console import log_to_stderr
from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.checkpoints.training_clips import refuse_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import require_lists
from claip_emo_mm.engine.resume import require_checkpoint
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.adapter_scales import score_clips, shared_metrics, sweep_adapter_scale, sweep_table
from claip_emo_mm.utils.devices import default_device
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.visualization.plots import plot_adapter_scale, write_figure


def main() -> None:
    args = parse_args()
    log_to_stderr('adapter_scale')
    require_checkpoint(args.checkpoint)
    check_writable(args.out, is_folder=True)
    init_default_scope('mmaction')
    names = [args.config, *args.foreign]
    if len({Path(name).stem for name in names}) < len(names):
        raise InputError('--foreign: two configs have one name, by which the table names their data sets.')
    configs = {Path(name).stem: load_config(name, args.cfg_options) for name in names}
    for cfg in configs.values():
        require_lists(cfg, args.split)
    model, _, classes, metadata = load_trained(args.checkpoint, next(iter(configs.values())))
    model = model.to(args.device or default_device())
    test = {}
    for name, cfg in configs.items():
        loader = Runner.build_dataloader(cfg[f'{args.split}_dataloader'], seed=0)
        if not args.allow_trained_clips:
            refuse_trained(loader.dataset, metadata, f'{args.checkpoint}: {args.split}_dataloader of {name}',
                           'Test on a split, or a fold, that was held out, or say --allow-trained-clips.')
        of_set = list(loader.dataset.metainfo.get('classes', ())) or classes
        test[name] = partial(lambda loader, of_set: shared_metrics(score_clips(model, loader, of_set), classes), loader,
                             of_set)
    of = dict(checkpoint=hashlib.sha256(Path(args.checkpoint).read_bytes()).hexdigest(), split=args.split,
              configs=hashlib.sha256(''.join(cfg.pretty_text for cfg in configs.values()).encode()).hexdigest())
    sweep = sweep_adapter_scale(model, test, args.scales, args.out / 'adapter_scale.json', of)
    write_figure(args.out / 'adapter_scale.png', plot_adapter_scale(sweep, Path(args.config).stem))
    sys.stdout.write(f'{sweep_table(sweep)}\nWritten: {args.out / "adapter_scale"}.json, .csv, .png\n')


if __name__ == '__main__':
    run(main)
