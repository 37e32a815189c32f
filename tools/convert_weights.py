"""Convert weights of CLIP, CLAP and the reference: python tools/convert_weights.py KIND SRC DST."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

from argparse import ArgumentParser, Namespace
from pathlib import Path

from claip_emo_cli.choices import WEIGHT_KINDS


def parse_args() -> Namespace:
    parser = ArgumentParser(description='Convert published weights. The published format is recognized by its '
                                        'keys. No code of the file is run.')
    parser.add_argument('kind', choices=WEIGHT_KINDS,
                        help='clip: vision encoder; clap: audio encoder; reference: checkpoint of the whole model')
    parser.add_argument('source', type=Path, metavar='SRC', help='file of weights')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write: .safetensors, .pth, .pt or .bin')
    parser.add_argument('--adapters-only', action='store_true',
                        help='reference: leave the frozen weights of the backbones out')
    parser.add_argument('--overwrite', action='store_true', help='write DST even where it exists')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.engine.cli import run
from claip_emo_mm.models.weights.convert import convert_weights


def main() -> None:
    args = parse_args()
    found = convert_weights(args.kind, args.source, args.target, args.adapters_only, args.overwrite)
    print(f'{args.source}: {found}')
    print(f'{args.target}: {args.target.stat().st_size / 1e6:.1f} MB written')


if __name__ == '__main__':
    run(main)
