"""Fetch the pretrained weights of a config's encoders: python tools/fetch_weights.py CONFIG."""
from claip_emo_cli import exit_on_interrupt

exit_on_interrupt()

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from claip_emo_cli.arguments import add_cfg_options


def parse_args() -> Namespace:
    parser = ArgumentParser(description="Fetch the weights of CLIP and CLAP that a config names, where they are not "
                                        'there yet, and print their sizes and SHA-256. An interrupted download goes '
                                        'on where it was.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_vitb16_cremad.py')
    add_cfg_options(parser)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help and wrong arguments are answered before the imports, which take seconds

from claip_emo_mm.engine.cli import run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import walk_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.resolve import find_file
from claip_emo_mm.utils.io import hash_file


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    for name, source, arch in encoders(cfg.model):
        if source == 'toy':
            sys.stdout.write(f'{name}: in the package\n')
            continue
        path = find_file(source, (), arch)
        if not path.is_file():
            raise InputError(f'{name}: {path}: there is no such file of weights.')
        sys.stdout.write(f'{name}: {path}, {path.stat().st_size / 1e6:,.0f} MB, SHA-256 {hash_file(path)}\n')


def encoders(model: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Name, `pretrained` and `arch` of everything in a model that has weights to load."""
    for name, value in walk_config(model):
        if isinstance(value, dict) and isinstance(value.get('pretrained'), str):
            yield name, value['pretrained'], value.get('arch')


if __name__ == '__main__':
    run(main)
