"""Pretrain the toy model's encoders on captions: python tools/pretrain_toy.py clip clap clip_text clap_text."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options, output_folder

CONFIGS = Path(__file__).parents[1] / 'configs'
WEIGHTS = Path(__file__).parents[1] / 'claip_emo_mm' / 'weights'


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Draw captioned faces (clip) or voices (clap), pretrain the encoder on them, '
                                        'and write its weights. An interrupted run resumes when it is started again.')
    parser.add_argument('encoders', nargs='+', choices=['clip', 'clap', 'clip_text', 'clap_text'],
                        help='an encoder, or a text encoder for the shipped one, which stays as it is')
    parser.add_argument('--out', type=output_folder, default=WEIGHTS, help='folder for toy_<encoder>.safetensors')
    parser.add_argument('--workers', type=int, default=2, help='processes that draw')
    add_cfg_options(parser, "change keys of the encoders' configs")
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmengine.config import Config

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import build_runner, load_config, set_work_dir
from claip_emo_mm.engine.resume import set_resume
from claip_emo_mm.models.weights.save import write_encoder, write_state
from claip_emo_mm.toy.captioned import CaptionedSettings, make_captioned_set
from claip_emo_mm.toy.captions import VOCABULARY
from claip_emo_mm.utils.io import check_writable


def pretrain(encoder: str, cfg: Config, out: Path, workers: int) -> None:
    """Draw what the config names, train, and export the encoder."""
    path = out / f'toy_{encoder}.safetensors'
    check_writable(path)
    dataset = cfg.train_dataloader.dataset
    make_captioned_set(Path(dataset.data_root), CaptionedSettings(**dataset.drawn), workers)
    set_work_dir(cfg, None, f'pretrain_toy_{encoder}.py')
    set_resume(cfg, 'auto')
    runner = build_runner(cfg)
    model = runner.train()
    if encoder.endswith('_text'):
        write_state(model.language_state(VOCABULARY), path, note='made by tools/pretrain_toy.py')
    else:
        write_encoder(model.backbone.tower, path, encoder, note='made by tools/pretrain_toy.py')
    runner.logger.info(f'Weights written to {path}')


def main() -> None:
    args = parse_args()
    for encoder in args.encoders:
        cfg = load_config(CONFIGS / f'pretrain_toy_{encoder}.py', args.cfg_options)
        pretrain(encoder, cfg, args.out, args.workers)


if __name__ == '__main__':
    run(main)
