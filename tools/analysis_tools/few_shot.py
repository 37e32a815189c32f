"""Few clips: classifiers of stored features. python tools/analysis_tools/few_shot.py CONFIG --out FOLDER."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import copy
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, output_folder


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Encode training and test clips once, and classify by few of the former: '
                                        "nearest class mean, Tip-Adapter's cache, linear probe, and the config's head "
                                        'trained on the features; WAR, and steps to a target. Features of frozen '
                                        'encoders are read from the feature cache.')
    parser.add_argument('config', help='config; one with a TextInitFusionHead also compares it with a random start')
    parser.add_argument('--checkpoint', help='encode by this checkpoint (default: by the frozen encoders)')
    parser.add_argument('--clips', type=int, nargs='+', default=[8, 16, 32], metavar='N',
                        help='training clips, in all (default: 8 16 32)')
    parser.add_argument('--clips-per-class', type=int, nargs='+', metavar='N',
                        help='training clips of each class, in place of --clips')
    parser.add_argument('--seeds', type=int, default=3, help='samples of clips for each number (default: %(default)s)')
    parser.add_argument('--target', type=float, default=90., help='WAR that a head is to reach (default: %(default)g)')
    parser.add_argument('--steps', type=int, default=1000, help='steps of a head at most (default: %(default)s)')
    parser.add_argument('--out', type=output_folder, required=True, metavar='FOLDER',
                        help='folder for few_shot.csv, and for the features, where the config names no cache')
    add_cfg_options(parser)
    args = parser.parse_args()
    if min(*args.clips, *(args.clips_per_class or [1]), args.seeds, args.steps) < 1:
        parser.error('--clips, --clips-per-class, --seeds and --steps: expected numbers from 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.checkpoints.training_clips import refuse_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import build_lazily, check_groups, default_scope, find_dataset, require_lists
from claip_emo_mm.engine.feature_cache import KEY, cached_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import few_shot
from claip_emo_mm.evaluation.predictions import collect_features
from claip_emo_mm.evaluation.tables import text_table
from claip_emo_mm.utils.io import check_writable, write_csv

Split = tuple[few_shot.Features, np.ndarray]
_HEADS = 'head', 'text init', 'random init'


def frozen_model(cfg: Config, out: Path) -> tuple[nn.Module, Config]:
    """The model without encoders, and the config that reads their features, of which the missing are extracted."""
    cfg = copy.deepcopy(cfg)
    cfg[KEY] = {'dir': str(out / 'features'), **(cfg.get(KEY) or {}), 'views': 0, 'visual_block': None}
    if cfg.model.get('data_preprocessor'):
        cfg.model.data_preprocessor.pop('blending', None)
    for name in ('visual_backbone', 'audio_backbone'):
        if cfg.model.get(name):
            cfg.model[name].lora = None  # adapters that were not trained change nothing
    if cfg.model.get('visual_backbone'):
        cfg.model.visual_neck = None  # the mean over the frames: a neck that was not trained is random
    if cfg.model.get('audio_backbone'):
        cfg.model.audio_neck = dict(type='AudioMeanPool')
    dataset = find_dataset(cfg, 'test')
    if dataset is not None and cfg.model.cls_head.get('classes'):  # those of the data set, in its order
        cfg.model.cls_head.classes = list(build_lazily(dataset).metainfo['classes'])
    cached, _ = cached_config(cfg, ('train', 'test'))
    return MODELS.build(cached.model).eval(), cached


def split_features(model: nn.Module, cfg: Config, split: str) -> Split:
    """Features of a split's clips, through the test pipeline."""
    loader = copy.deepcopy(cfg.test_dataloader)
    loader.dataset = dict(cfg[f'{split}_dataloader'].dataset, pipeline=cfg.test_dataloader.dataset.pipeline,
                          test_mode=True)
    found = collect_features(model, Runner.build_dataloader(loader, seed=0))
    return found.of, found.labels


def zero_shot_logits(head: nn.Module, features: few_shot.Features) -> np.ndarray | None:
    """Logits of clips by the class embeddings of the head's prompts; None for a head without."""
    inputs = {name: torch.from_numpy(values) for name, values in features.items()}
    with torch.inference_mode():
        if hasattr(head, 'language'):  # TextInitFusionHead, whose language side is on frames
            return head.language(inputs['visual']).numpy()
        return head(**inputs).numpy() if hasattr(head, 'set_classes') else None


def measure(cfg: Config, train: Split, test: Split, zero_shot: np.ndarray | None, args: Namespace) -> list[list]:
    """Rows (clips, seed, method, WAR, first step at the target or '')."""
    rows = []
    heads = dict(head=cfg.model.cls_head)
    if cfg.model.cls_head.type == 'TextInitFusionHead':
        head = cfg.model.cls_head
        heads = {'text init': head, 'random init': dict(
            type='ConcatFusionHead', num_classes=head.num_classes, visual_channels=head.visual_channels,
            audio_channels=head.get('audio_channels', 0))}
    for clips in args.clips:
        for seed in range(args.seeds):
            chosen = few_shot.sample_clips(train[1], clips, seed)
            features = {name: values[chosen] for name, values in train[0].items()}
            labels, both, tested = train[1][chosen], few_shot.joined(features), few_shot.joined(test[0])
            found = {'nearest class mean': few_shot.nearest_class_mean(both, labels, tested),
                     'linear probe': few_shot.linear_probe(both, labels, tested)}
            if zero_shot is not None:
                found['Tip-Adapter'] = few_shot.tip_adapter(both, labels, tested, zero_shot)
            rows += [[clips, seed, name, few_shot.war(predicted, test[1]), ''] for name, predicted in found.items()]
            for name, head in heads.items():
                def build(head: dict = head) -> nn.Module:
                    made = MODELS.build(head)
                    if hasattr(made, 'language'):
                        made.init_weights()
                    return made
                step, curve = few_shot.steps_to_reach(args.target, build, (features, labels), test, seed, args.steps)
                rows.append([clips, seed, name, curve[-1], '' if step is None else step])
    return rows


def table(rows: list[list]) -> str:
    """Mean and sample standard deviation of WAR over the seeds, and the steps of every seed."""
    methods, lines = list(dict.fromkeys(row[2] for row in rows)), []
    for clips in dict.fromkeys(row[0] for row in rows):
        for method in methods:
            of = [row for row in rows if row[0] == clips and row[2] == method]
            values, steps = np.array([row[3] for row in of]), [row[4] for row in of]
            shown = ' '.join(str(step) if step != '' else '-' for step in steps) if method in _HEADS else ''
            deviation = f'{values.std(ddof=1):.2f}' if len(values) > 1 else ''
            lines.append([str(clips), method, f'{values.mean():.2f}', deviation, shown])
    return text_table([['clips', 'method', 'WAR %', 'sd', 'steps to the target'], *lines], left=2)


def main() -> None:
    args = parse_args()
    check_writable(args.out, is_folder=True)
    cfg = load_config(args.config, args.cfg_options)
    check_groups(cfg, 'train', 'test')
    with default_scope(cfg):
        if getattr(MODELS.get(cfg.model.cls_head.type), 'reads_tokens', False):
            raise InputError(f'{args.config}: {cfg.model.cls_head.type} reads many tokens of a clip, and few clips are '
                             'classified by one vector of each modality. Take a config with another head.')
    require_lists(cfg, 'train', 'test')
    init_default_scope('mmaction')
    if args.checkpoint is None:
        model, cfg = frozen_model(cfg, args.out)
    else:
        trained = load_trained(args.checkpoint, cfg)
        model = trained.model
        refuse_trained(Runner.build_dataloader(cfg.test_dataloader, seed=0).dataset, trained.metadata,
                       f'{args.checkpoint}: test_dataloader', 'Test on a split, or a fold, that was held out.')
    train, test = (split_features(model, cfg, split) for split in ('train', 'test'))
    if args.clips_per_class:
        args.clips = few_shot.clips_of_each_class(train[1], args.clips_per_class)
    few_shot.check_features(train[0], test[0], args.clips)
    zero_shot = zero_shot_logits(model.cls_head, test[0])
    rows = measure(cfg, train, test, zero_shot, args)
    write_csv(args.out / 'few_shot.csv', ('clips', 'seed', 'method', 'WAR', 'first step at the target'),
              [[*row[:3], f'{row[3]:.2f}', row[4]] for row in rows])
    if zero_shot is not None:
        sys.stdout.write(f'zero-shot: WAR {few_shot.war(zero_shot.argmax(1), test[1]):.2f} %\n')
    sys.stdout.write(f'{table(rows)}\nWritten: {args.out / "few_shot.csv"}\n')


if __name__ == '__main__':
    run(main)
