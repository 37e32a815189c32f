"""Pretrain the toy model's towers on captions: python tools/pretrain_toy.py clip clap."""
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmengine.config import Config

from claip_emo_mm.command_line import run
from claip_emo_mm.data_preparation.toy import CaptionedSettings, make_captioned_set
from claip_emo_mm.engine.arguments import KeyValueAction, output_folder
from claip_emo_mm.engine.resuming import set_resume
from claip_emo_mm.engine.run_config import build_runner, load_config, set_work_dir
from claip_emo_mm.models.pretrained import write_tower
from claip_emo_mm.utils.io import check_writable

CONFIGS = Path(__file__).parents[1] / 'configs'
WEIGHTS = Path(__file__).parents[1] / 'claip_emo_mm' / 'weights'


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Draw captioned faces (clip) or voices (clap), pretrain the tower on them, and '
                                        'write its weights. Run again, it goes on from where it was stopped.')
    parser.add_argument('towers', nargs='+', choices=['clip', 'clap'])
    parser.add_argument('--out', type=output_folder, default=WEIGHTS, help='folder for toy_<tower>.safetensors')
    parser.add_argument('--workers', type=int, default=2, help='processes that draw')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValueAction, help="override keys of the towers' configs")
    return parser.parse_args()


def pretrain(tower: str, cfg: Config, out: Path, workers: int) -> None:
    """Draw what the config names, train, and export the tower."""
    path = out / f'toy_{tower}.safetensors'
    check_writable(path)
    dataset = cfg.train_dataloader.dataset
    make_captioned_set(Path(dataset.data_root), CaptionedSettings(**dataset.drawn), workers)
    set_work_dir(cfg, None, f'pretrain_toy_{tower}.py')
    set_resume(cfg, 'auto')
    runner = build_runner(cfg)
    model = runner.train()
    write_tower(model.backbone.tower, path, tower, note='made by tools/pretrain_toy.py')
    runner.logger.info(f'Weights written to {path}')


def main() -> None:
    args = parse_args()
    for tower in args.towers:
        cfg = load_config(CONFIGS / f'pretrain_toy_{tower}.py', args.cfg_options)
        pretrain(tower, cfg, args.out, args.workers)


if __name__ == '__main__':
    run(main)
