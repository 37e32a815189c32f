"""Write a trained model as an ONNX file: python tools/export.py CONFIG CKPT OUT.onnx."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from claip_emo_cli.arguments import add_cfg_options
from claip_emo_cli.choices import EXPORT_INPUTS


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Merge the adapters, write an ONNX file and compare it with PyTorch: on noise, '
                                        'a toy clip, and your own videos. A file that differs by over 1e-4 is deleted.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_tiny_toy.py')
    parser.add_argument('checkpoint', help='checkpoint of a training, or a published one')
    parser.add_argument('out', type=Path, metavar='OUT.onnx', help='file to write')
    parser.add_argument('--inputs', choices=EXPORT_INPUTS, default='media',
                        help='media: frames as bytes and audio as samples in, scores out, the front end included; '
                             "tensors: the model's normalized frames and spectrograms in, logits out (default: media)")
    parser.add_argument('--check', nargs='+', default=(), metavar='VIDEO', help='compare on these videos, too')
    parser.add_argument('--clips', type=_at_least_two, default=4, help='clips of noise to compare on (default: 4)')
    parser.add_argument('--int8', action='store_true',
                        help='also write OUT.int8.onnx, with 8-bit weights, and print what they change')
    parser.add_argument('--overwrite', action='store_true', help='replace files that are there')
    add_cfg_options(parser, 'change keys of the config, such as model.visual_backbone.pretrained=FILE')
    return parser.parse_args()


def _at_least_two(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise ArgumentTypeError(f'{text}: expected 2 or more')
    return int(text)


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from mmengine.logging import MMLogger

from claip_emo_mm.engine.checkpoints import load_trained
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.resume import require_checkpoint
from claip_emo_mm.export import OPSET, check_targets, export_onnx


def main() -> None:
    args = parse_args()
    require_checkpoint(args.checkpoint)
    check_targets(args.out, args.int8, args.overwrite)  # before the model is built, which may take minutes
    MMLogger.get_instance('export', log_level='WARNING')  # the standard output is for the metrics
    trained = load_trained(args.checkpoint, load_config(args.config, args.cfg_options))
    done = export_onnx(trained, args.out, args.inputs, args.check, args.clips, args.int8, args.overwrite,
                       Path(args.checkpoint).name)
    print(f'{done.path}: {done.size / 1e6:.2f} MB, opset {OPSET}, classes {json.dumps(trained.classes)}')
    print(f'  onnxruntime differs from PyTorch by at most {done.difference:.1e} on {done.clips} clips')
    if done.int8 is not None:
        change = done.int8
        print(f'{change.path}: {change.size / 1e6:.2f} MB, 8-bit weights')
        print(f'  differs from the file above by at most {change.difference:.1e}; '
              f'the top class is the same in {change.agreeing} of {change.clips} clips')


if __name__ == '__main__':
    run(main)
