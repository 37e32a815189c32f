"""Test a checkpoint: python tools/test.py CONFIG CHECKPOINT; a zero-shot config goes without."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import contextlib
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, add_run_arguments, parse_run_arguments


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Test a checkpoint. The metrics are logged, and written to test_metrics.json '
                                        'in the work folder; the scores of every clip to test_scores.csv.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file of a training; none for a zero-shot config')
    parser.add_argument('--dump', metavar='FILE.pkl', help='write the predictions of every clip to a pickle file')
    parser.add_argument('--show-dir', metavar='DIR', help='write images of the predictions to this folder')
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--interval', type=int, default=1, help='show every n-th clip (default: 1)')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds for which a window stays (default: 2)')
    parser.add_argument('--modality', choices=('both', 'visual', 'audio'),
                        help='modality that the model reads (default: what the config says)')
    parser.add_argument('--adapter-scale', type=float, metavar='S',
                        help='scale what the adapters add: 0 is the frozen model, 1 the trained one (default: 1)')
    parser.add_argument('--raw-weights', action='store_true',
                        help='of a training with EMAHook: test the weights of the last step, not the averaged ones')
    parser.add_argument('--robustness', action='store_true',
                        help='test on corrupted clips: noise, blur, occlusion, lost frames, a missing modality; a '
                             'table, robustness.json, .csv and .png in the work folder; resumes where it was '
                             'interrupted')
    parser.add_argument('--allow-trained-clips', action='store_true',
                        help='test clips that the checkpoint was trained on, too (default: refuse them)')
    parser.add_argument('--on', metavar='CONFIG',
                        help='test on the data set of this config, by the classes that both have; clips and scores of '
                             'others are left out. Results are in work_dirs/<config name>_on_<its name>')
    add_cfg_options(parser, 'change keys of the config of --on, such as fold=2', '--on-options')
    add_run_arguments(parser)
    args = parse_run_arguments(parser)
    if args.dump is not None and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump writes a pickle file: expected a name that ends in .pkl or .pickle, got {args.dump}')
    if args.robustness and args.checkpoint is None:
        parser.error('--robustness needs a checkpoint')
    if args.robustness and (args.dump or args.show or args.show_dir or args.raw_weights
                            or args.modality not in (None, 'both')):
        parser.error('--robustness tests many times: it goes without --dump, --show, --show-dir, --raw-weights and '
                     '--modality')
    if args.on_options and not args.on:
        parser.error('--on-options changes the config of --on, which is missing')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmengine.config import Config
from mmengine.dist import is_main_process

from claip_emo_mm.apis.zero_shot import describe_zero_shot, is_zero_shot
from claip_emo_mm.engine.checkpoints import hash_checkpoint
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import build_runner, load_config, set_launcher, set_work_dir
from claip_emo_mm.engine.config_checks import check_groups, inexact_options, refuse_options, require_lists
from claip_emo_mm.engine.cross_corpus import set_test_data
from claip_emo_mm.engine.hooks.checkpoint import TRAINED_CLIPS
from claip_emo_mm.engine.resume import require_checkpoint
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import EmotionMetric, measure_robustness, robustness_table, write_clip_scores
from claip_emo_mm.evaluation.predictions import write_metrics
from claip_emo_mm.evaluation.votes import votes_details
from claip_emo_mm.utils.file_errors import writing_to
from claip_emo_mm.utils.io import check_writable
from claip_emo_mm.visualization import plot_robustness
from claip_emo_mm.visualization.plots import write_figure


def main() -> None:
    args = parse_args()
    if args.checkpoint is not None:
        require_checkpoint(args.checkpoint)
    cfg = load_config(args.config, args.cfg_options)
    if args.checkpoint is None and not is_zero_shot(cfg):
        raise InputError(f'{args.config}: no checkpoint to test. Name one behind the config; only zero-shot models '
                         'need none.')
    refuse_options(args.cfg_options, 'load_from', 'resume', reason=f'{args.checkpoint} is tested')
    check_groups(cfg, 'test')
    other = load_config(args.on, args.on_options) if args.on else None
    set_work_dir(cfg, args.work_dir if not args.on or args.work_dir else str(
        Path('work_dirs', f'{Path(args.config).stem}_on_{Path(args.on).stem}')), args.config)
    set_launcher(cfg, args.launcher)
    require_lists(cfg if other is None else other, 'test')
    args.cross_corpus = None if other is None else set_test_data(cfg, other)
    if args.dump is not None:
        check_writable(args.dump)
    if args.show_dir is not None:
        check_writable(args.show_dir, is_folder=True)
    if args.show or args.show_dir is not None:
        set_visualization(cfg, args)
    if args.dump is not None:
        evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list | tuple) else [cfg.test_evaluator]
        cfg.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=args.dump)]
    if args.allow_trained_clips:
        allow_trained_clips(cfg)
    if args.modality is not None:
        cfg.model.modality = args.modality
    if args.adapter_scale is not None:
        cfg.model.adapter_scale = args.adapter_scale
    if args.raw_weights:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or ()), dict(type='RawWeightsHook')]
    cfg.load_from = args.checkpoint
    cfg.resume = False
    with writing_to(cfg.work_dir):
        if args.robustness:
            print_robustness(cfg, args)
        else:
            write_test_metrics(cfg, args)


def write_test_metrics(cfg: Config, args: Namespace) -> None:
    """Test, and write the metrics and the scores of every clip."""
    runner = build_runner(cfg, 'test')
    checkpoint, details = args.checkpoint, dict(weights='raw') if args.raw_weights else {}
    if is_main_process() and checkpoint is not None and Path(checkpoint).is_file():
        checkpoint = str(Path(checkpoint).absolute())
        details['weights_sha256'] = hash_checkpoint(Path(checkpoint))  # before the test: a training may replace it
    metrics = runner.test()
    if args.cross_corpus is not None:
        runner.logger.info(args.cross_corpus.lines(f'{Path(args.config).stem} on {Path(args.on).stem}'))
    if is_main_process():
        path = Path(runner.work_dir) / 'test_metrics.json'
        details |= {key: cfg.model[key] for key in ('modality', 'adapter_scale') if key in cfg.model}
        details |= {key: value for key, value in (('options', inexact_options(cfg)),
                                                  ('allow_trained_clips', args.allow_trained_clips)) if value}
        if args.cross_corpus is not None:
            details['on'] = dict(config=args.on, **args.cross_corpus.details())
        if args.checkpoint is None:
            details['note'] = describe_zero_shot(cfg)
            runner.logger.info(details['note'])
        evaluated = [metric for metric in runner.test_evaluator.metrics if isinstance(metric, EmotionMetric)]
        evaluated.sort(key=lambda metric: metric.prefix is not None)  # the one without a prefix gives WAR
        for number, metric in enumerate(evaluated):
            found = metric.metrics.details(metric.clips.classes)
            if metric.votes is not None:
                found['votes'] = votes_details(metric.votes)
            name = metric.prefix or metric.split or str(number)
            details |= {name: found} if number else found
            further = f'_{name.replace("/", "_")}' * bool(number)
            write_clip_scores(path.with_name(f'test_scores{further}.csv'), metric.clips)
        clips = len(evaluated[0].clips.names) if evaluated else len(runner.test_dataloader.dataset)
        write_metrics(path, metrics, config=args.config, checkpoint=checkpoint, clips=clips, details=details)
        runner.logger.info(f'Metrics written to {path}')


def print_robustness(cfg: Config, args: Namespace) -> None:
    """Test under every condition, and write the table and the plot."""
    def test(corrupted: Config) -> dict[str, float]:
        corrupted.experiment_name = Path(corrupted.work_dir).name  # runners of one name share what they log
        corrupted.log_level = 'WARNING'
        with contextlib.redirect_stdout(sys.stderr):  # MMAction2 prints what it loads; standard output is for the table
            return build_runner(corrupted, 'test').test()

    if not Path(args.checkpoint).is_file():
        raise InputError(f'{args.checkpoint}: --robustness takes a file of this machine. Download it first.')
    folder = Path(cfg.work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    metrics = measure_robustness(cfg, Path(args.checkpoint), test, folder)
    if is_main_process():
        write_figure(folder / 'robustness.png', plot_robustness(metrics, Path(args.config).stem))
        sys.stdout.write(f'{robustness_table(metrics)}\nWritten: {folder / "robustness"}.json, .csv, .png\n')


def allow_trained_clips(cfg: Config) -> None:
    """Let the hook that compares the checkpoint with the run warn of clips that it was trained on."""
    for hook in cfg.get('custom_hooks') or ():
        if hook.get('type') == 'StrictLoadingHook':
            hook.ignore = [*hook.get('ignore', ()), TRAINED_CLIPS]


def set_visualization(cfg: Config, args: Namespace) -> None:
    """Turn on the config's visualization hook, ours or MMAction2's, for `--show` and `--show-dir`."""
    if 'visualization' not in cfg.get('default_hooks', {}):
        raise InputError(f"{args.config}: --show and --show-dir need visualization=dict(type='ClipVisualizationHook') "
                         "in the config's default_hooks.")
    cfg.default_hooks.visualization.update(enable=True, show=args.show, wait_time=args.wait_time, out_dir=args.show_dir,
                                           interval=args.interval)


if __name__ == '__main__':
    run(main)
