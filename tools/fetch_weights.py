"""Fetch the pretrained weights of a config's encoders: python tools/fetch_weights.py CONFIG."""
import hashlib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from claip_emo_mm.engine.cli import add_cfg_options, run
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.config_checks import walk_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights.resolve import LAION_FILES, find_file

_REPOSITORY = 'lukewys/laion_clap'  # on the Hugging Face hub
_CHUNK = 1 << 24  # bytes


def parse_args() -> Namespace:
    parser = ArgumentParser(description="Fetch the weights of CLIP and CLAP that a config names, where they are not "
                                        'there yet, and print their sizes and SHA-256. An interrupted download goes '
                                        'on where it was.')
    parser.add_argument('config', help='config file, such as configs/claip_emo_vitb16_cremad.py')
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    for name, source, arch in encoders(cfg.model):
        if source == 'toy':
            sys.stdout.write(f'{name}: in the package\n')
            continue
        path = Path(source)
        if path.name in LAION_FILES and not path.is_file():
            fetch_laion(path)
        path = find_file(source, (), arch)
        if not path.is_file():
            raise InputError(f'{name}: {path}: there is no such file of weights.')
        sys.stdout.write(f'{name}: {path}, {path.stat().st_size / 1e6:,.0f} MB, SHA-256 {sha256(path)}\n')


def encoders(model: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Name, `pretrained` and `arch` of everything in a model that has weights to load."""
    for name, value in walk_config(model):
        if isinstance(value, dict) and isinstance(value.get('pretrained'), str):
            yield name, value['pretrained'], value.get('arch')


def fetch_laion(path: Path) -> None:
    """Fetch a file of LAION's CLAP to a place, and compare it with the hash that the hub states."""
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        stated = get_hf_file_metadata(hf_hub_url(_REPOSITORY, path.name)).etag
        sys.stdout.write(f'Fetching {path.name} from {_REPOSITORY} on the Hugging Face hub to {path.parent}\n')
        hf_hub_download(_REPOSITORY, path.name, local_dir=path.parent)
    except Exception as error:  # the network, the hub and the disk each have their own
        reason = f'{type(error).__name__}: {error}'.splitlines()[0]
        raise InputError(f'{path}: could not be downloaded ({reason}). Without a network, fetch {path.name} '
                         f'from the repository {_REPOSITORY} on the Hugging Face hub on another machine, and put it '
                         'there.') from error
    found = sha256(path)
    if len(stated or '') == len(found) and stated != found:
        raise InputError(f'{path}: has the SHA-256 {found}, the hub states {stated}. Delete the file, and give the '
                         'same command again.')


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


if __name__ == '__main__':
    run(main)
