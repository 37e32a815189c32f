"""Calibrate the scores of a checkpoint: python tools/analysis_tools/calibrate.py CONFIG CHECKPOINT."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, add_device


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Fit a temperature on the validation split, and keep it in the checkpoint: '
                                        'inference divides the logits by it. Trainings do so themselves for their best '
                                        'and their last epoch. Which class is the best does not change.')
    parser.add_argument('config', help='config that the checkpoint was trained with')
    parser.add_argument('checkpoint', help='checkpoint of a training, or a published one; it is changed')
    parser.add_argument('--dry-run', action='store_true', help='leave the checkpoint as it is')
    parser.add_argument('--robustness', action='store_true',
                        help='print the calibration error of the test split, clean and corrupted, before and after')
    add_device(parser)
    add_cfg_options(parser, 'change keys of the config: a.b=1')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from claip_emo_mm.engine.checkpoints.calibrate import write_calibration
from claip_emo_mm.engine.checkpoints.load import load_trained
from claip_emo_mm.engine.checkpoints.training_clips import refuse_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import require_lists
from claip_emo_mm.engine.resume import require_checkpoint
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.adapter_scales import score_clips
from claip_emo_mm.evaluation.calibration import fit_calibration, scale_scores
from claip_emo_mm.evaluation.metrics import expected_calibration_error
from claip_emo_mm.evaluation.predictions import ClipScores
from claip_emo_mm.evaluation.robustness import applicable, corrupted_config
from claip_emo_mm.evaluation.tables import text_table
from claip_emo_mm.utils.devices import default_device


def main() -> None:
    args = parse_args()
    require_checkpoint(args.checkpoint)
    if not Path(args.checkpoint).is_file():
        raise InputError(f'{args.checkpoint}: is no file of this machine, so it cannot be changed. Download it first.')
    init_default_scope('mmaction')
    cfg = load_config(args.config, args.cfg_options)
    require_lists(cfg, 'val', *['test'] * args.robustness)
    trained = load_trained(args.checkpoint, cfg)
    model = trained.model.to(args.device or default_device())
    loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
    for name in ('val', *['test'] * args.robustness):
        dataset = loader.dataset if name == 'val' else Runner.build_dataloader(cfg.test_dataloader, seed=0).dataset
        refuse_trained(dataset, trained.metadata, f'{args.checkpoint}: {name}_dataloader',
                       'Scores of clips that a model was trained on are surer than others: take a split that was held '
                       'out.')
    calibration = fit_calibration(score_clips(model, loader, trained.classes))
    sys.stdout.write(f'{calibration.line()}\n')
    if args.robustness:
        sys.stdout.write(f'{robustness(model, cfg, trained.classes, calibration.temperature)}\n')
    if not args.dry_run:
        write_calibration(Path(args.checkpoint), calibration)
        sys.stdout.write(f'Written into {args.checkpoint}\n')


def robustness(model: nn.Module, cfg: Config, classes: list[str], temperature: float) -> str:
    """Table of the calibration error of the test split under each condition, before and after."""
    def error(clips: ClipScores, scale: float) -> str:
        return f'{expected_calibration_error(clips.labels, scale_scores(clips.scores, scale)):6.2f}'

    rows = []
    for condition in applicable(cfg):
        if condition.modality == 'both':  # a model reads one modality alone by its config, not its loader
            loader = Runner.build_dataloader(corrupted_config(cfg, condition).test_dataloader, seed=0)
            clips = score_clips(model, loader, classes)
            accuracy = 100 * (clips.scores.argmax(axis=1) == clips.labels).mean()
            rows.append([condition.name, f'{accuracy:6.2f}', error(clips, 1.), error(clips, temperature)])
    return text_table([('condition', 'WAR %', 'ECE % before', 'after'), *rows], left=1)


if __name__ == '__main__':
    run(main)
