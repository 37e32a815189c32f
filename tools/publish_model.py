"""Export a checkpoint as one safetensors file to publish: python tools/publish_model.py CHECKPOINT OUT.safetensors."""
from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_mm.engine.checkpoints import publish
from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.resume import require_checkpoint


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Write the trainable weights, with classes, config, front end and the names '
                                        'and hashes of the backbones in the header, to a file that test.py, infer.py '
                                        'and load_checkpoint take.')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of a training, such as work_dirs/NAME/epoch_3.pth')
    parser.add_argument('out', type=Path, metavar='OUT.safetensors', help='file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    require_checkpoint(str(args.checkpoint))
    size = publish(args.checkpoint, args.out)
    print(f'{args.out}: {size / 1e6:.2f} MB')


if __name__ == '__main__':
    run(main)
