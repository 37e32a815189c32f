"""Checkpoints load without running code, from disk and from the network."""
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.fileio import get_file_backend
from mmengine.runner import CheckpointLoader, checkpoint
from torch import serialization

from claip_emo_mm.compat.downloads import fetch
from claip_emo_mm.compat.pickle_stubs import STAND_INS, unwrap
from claip_emo_mm.compat.safe_pickle import check_depth
from claip_emo_mm.errors import InputError


def repair_loading() -> None:
    """Make `load_checkpoint`, `Runner.load_checkpoint` and `Runner.resume` work with torch >= 2.6, safely.

    Since torch 2.6 `torch.load` builds nothing but tensors and plain containers, and mmengine 0.10.7 writes its log
    history into every checkpoint. Shows as `Weights only load failed ... Unsupported global:
    mmengine.logging.history_buffer.HistoryBuffer`. `load_from_local` below takes the place of mmengine's loader of
    local files, the one registered for the empty prefix, and `remote_loading` does so for all other prefixes. Can go
    when mmengine allow-lists what it saves.
    """
    CheckpointLoader.register_scheme('', load_from_local, force=True)


def load_from_local(filename: str, map_location: object = None) -> dict:
    """Load a checkpoint file: torch's format with `weights_only=True`, or safetensors by its suffix.

    On top of torch's own, only the classes in mmengine's checkpoints are allowed, and only during this call. The text
    `meta['config']` is left out: `Runner.resume` would run it as Python, and mmengine itself never writes it.

    Args:
        filename: path of the file; `~` stands for the home folder.
        map_location: as in `torch.load`; for safetensors None, a name or a device.

    Returns: what was saved. For safetensors, dict(state_dict=..., meta=the texts in the file's header).

    Raises:
        InputError: the file is missing, damaged, no checkpoint, or holds something that could run code.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        found = 'a folder' if path.is_dir() else 'no such file'
        raise InputError(f'{path}: {found}, expected a checkpoint file (.pth or .safetensors). Check the path in '
                         'load_from, resume, init_cfg or on the command line.')
    return load_file(path, str(path), map_location)


def load_file(path: Path, source: str, map_location: object = None) -> dict:
    """Load a checkpoint file as `load_from_local` does.

    Args:
        path: the file, which is there.
        source: what it is called in messages: the address that it came from.
        map_location: as in `load_from_local`.
    """
    read = _read_safetensors if path.suffix == '.safetensors' else _read_torch
    try:
        checkpoint = read(path, map_location)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        # torch's own message recommends weights_only=False, so it is not shown.
        raise InputError(_describe(path, source, str(error) or type(error).__name__)) from None
    if not isinstance(checkpoint, dict):
        raise InputError(f'{source}: holds a {type(checkpoint).__name__}, expected a dict with the weights under '
                         '`state_dict`, or the weights alone. Save it with torch.save(model.state_dict(), path).')
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def _read_torch(path: Path, map_location: object) -> object:
    check_depth(path)
    with allowing(STAND_INS):
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    return unwrap(checkpoint)


def _read_safetensors(path: Path, map_location: object) -> dict:
    from safetensors import safe_open
    device = str(map_location) if isinstance(map_location, (str, torch.device)) else 'cpu'
    with safe_open(path, framework='pt', device=device) as file:
        state_dict = {name: file.get_tensor(name) for name in file.keys()}
        return dict(state_dict=state_dict, meta=dict(file.metadata() or {}))


@contextmanager
def allowing(allowed: dict[str, object]) -> Iterator[None]:
    """Let torch's safe loading build these too, under these names, also where somebody allow-listed the names before.

    `torch.serialization.safe_globals` alone would add a second entry of the same name, and chance would choose.
    """
    before = serialization.get_safe_globals()
    others = [entry for entry in before if _name(entry) not in allowed]
    serialization.clear_safe_globals()
    serialization.add_safe_globals(others + [(value, name) for name, value in allowed.items()])
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


def _name(entry: object) -> str:
    return entry[1] if isinstance(entry, tuple) else f'{entry.__module__}.{entry.__qualname__}'


def _describe(path: Path, source: str, reason: str) -> str:
    """Say what is wrong with a file that could not be read, from the message of torch or safetensors."""
    refused = re.search(r'GLOBAL (\S+)|Unsupported ((?:numpy|getattr) .*)', reason)
    if refused:
        thing = refused[1] or refused[2]
        remedy = ('It was saved by FSDP with MMAction2\'s default state_dict_cfg=\'local\': train with '
                  'strategy=dict(type=\'FSDPStrategy\', state_dict_cfg=\'full\')' if 'torch.distributed' in thing else
                  'Ask its author for a .safetensors file, or for the weights alone: torch.save(model.state_dict(), '
                  'path)')
        return (f'{source}: holds {thing}, expected tensors, numbers, texts and mmengine\'s log history. Loading such '
                f'a thing can run code, so nothing of the file was loaded. {remedy}.')
    cause = reason.split('WeightsUnpickler error: ')[-1].strip().split('\n')[0].split('. ')[0]
    with path.open('rb') as file:
        head = file.read(24)
    return (f'{source}: cannot be read as a checkpoint ({cause}); found {path.stat().st_size} bytes that begin with '
            f'{head!r}, expected a file written by torch.save or safetensors. Copy or download it again: it may be cut '
            'short, or a text in place of the file.')


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
    del options  # MMAction2's folder and progress bar
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
