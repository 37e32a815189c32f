"""Every address of weights that MMEngine and PyTorch know, through the one loader that runs nothing of a file."""
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.fileio import get_file_backend
from mmengine.runner import CheckpointLoader, checkpoint

from claip_emo_mm.errors import InputError
from claip_emo_mm.host.downloads import fetch
from claip_emo_mm.host.safe_loading import allowing, load_file, load_from_local
from claip_emo_mm.host.stand_ins import STAND_INS, unwrap

_HUB_NAMES = ('load_state_dict_from_url', 'load_url')  # under which others have imported torch.hub's function


def repair_remote_loading() -> None:
    """Let no checkpoint from an address run code.

    mmengine 0.10.7 loads from http through `torch.hub.load_state_dict_from_url`, which has `weights_only=False`: a
    pickle of a server runs what it likes, without a word. So do the shorthands that lead there (torchvision://,
    open-mmlab://, mmcls:// and so on), torchvision's own weights, and files of object stores where
    `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` is set. Can go when both use `weights_only=True`, and mmengine allow-lists what
    it saves.
    """
    for prefixes, loader in (
            (('http://', 'https://'), load_from_http),
            (('modelzoo://', 'torchvision://'), load_from_torchvision),
            (('open-mmlab://', 'openmmlab://'), load_from_openmmlab),
            ('mmcls://', load_from_mmcls),
            ('pavi://', load_from_pavi),
            ((r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_ceph)):
        CheckpointLoader.register_scheme(prefixes, loader, force=True)
    checkpoint.load_from_http = load_from_http
    _repair_hub()


def load_from_http(filename: str, map_location: object = None, **options: object) -> dict:
    """Load a checkpoint from http:// or https://; one process downloads it, the others wait.

    Raises:
        InputError: it cannot be downloaded, or as for `load_from_local`.
    """
    del options  # the host's folder and progress bar
    rank, _ = get_dist_info()
    try:
        if rank == 0:
            fetch(filename)
    finally:
        barrier()
    return load_file(fetch(filename), filename, map_location)


def load_from_torchvision(filename: str, map_location: object = None) -> dict:
    """Load weights by torchvision's name for them."""
    return load_from_http(_look_up(filename, checkpoint.get_torchvision_models()), map_location)


def load_from_openmmlab(filename: str, map_location: object = None) -> dict:
    """Load weights by OpenMMLab's name for them; a list of the user's own may name files in MMEngine's folder."""
    deprecated = checkpoint.get_deprecated_model_names()
    scheme, _, name = filename.partition('://')
    place = _look_up(f'{scheme}://{deprecated.get(name, name)}', checkpoint.get_external_models())
    if place.startswith(('http://', 'https://')):
        return load_from_http(place, map_location)
    return load_from_local(str(Path(checkpoint._get_mmengine_home(), place)), map_location)


def load_from_mmcls(filename: str, map_location: object = None) -> dict:
    """Load the backbone of a classifier by MMClassification's name for it."""
    loaded = load_from_http(_look_up(filename, checkpoint.get_mmcls_models()), map_location)
    return checkpoint._process_mmcls_checkpoint(loaded)


def load_from_ceph(filename: str, map_location: object = None, backend: str = 'petrel') -> dict:
    """Load a checkpoint from an object store."""
    def copy(folder: Path) -> Path:
        path = folder / filename.rpartition('/')[2]
        path.write_bytes(get_file_backend(filename, backend_args=dict(backend=backend)).get(filename))
        return path

    return _load_copy(filename, copy, map_location)


def load_from_pavi(filename: str, map_location: object = None) -> dict:
    """Load a checkpoint from Pavi."""
    def copy(folder: Path) -> Path:
        model = import_module('pavi').modelcloud.get(filename.removeprefix('pavi://'))
        path = folder / Path(model.name).name
        model.download(str(path))
        return path

    return _load_copy(filename, copy, map_location)


def _load_copy(source: str, copy: Callable[[Path], Path], map_location: object) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = copy(Path(folder))
        except Exception as error:  # each store's client has errors of its own
            raise InputError(f'{source}: cannot be fetched ({" ".join(str(error).split()) or type(error).__name__}). '
                             'Fetch the file by other means and give its path.') from error
        return load_file(path, source, map_location)


def _look_up(filename: str, addresses: Mapping[str, str]) -> str:
    name = filename.partition('://')[2]
    if name not in addresses:
        raise InputError(f'{filename}: there are no weights of this name. Expected one of the {len(addresses)} that '
                         f'begin with {", ".join(sorted(addresses)[:3])} ...; or give the path of a file.')
    return addresses[name]


def _repair_hub() -> None:
    """Replace `torch.hub.load_state_dict_from_url`, also where it was imported by name."""
    of_torch = torch.hub.load_state_dict_from_url

    @wraps(of_torch)
    def load(url: str, model_dir: str | None = None, map_location: object = None, progress: bool = True,
             check_hash: bool = False, file_name: str | None = None, weights_only: bool = True) -> dict[str, Any]:
        del weights_only
        try:
            with allowing(STAND_INS):
                return unwrap(of_torch(url, model_dir, map_location, progress, check_hash, file_name, True))
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # the network, the disk and a damaged file each have their own
            reason = str(getattr(error, 'reason', None) or error).split('WeightsUnpickler error: ')[-1].split('\n')[0]
            raise InputError(f'{url}: its weights cannot be had ({reason}). Nothing of a file is loaded that could run '
                             'code. Check the network, or download the file and give its path.') from error

    for module in list(sys.modules.values()):
        for name in _HUB_NAMES:
            if getattr(module, '__dict__', {}).get(name) is of_torch:
                setattr(module, name, load)
