"""Patches that load checkpoints without running code, from disk and from the network."""
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import barrier, get_dist_info
from mmengine.fileio import get_file_backend
from mmengine.runner import CheckpointLoader, checkpoint
from torch import serialization

from claip_emo_mm.compat import replace_method
from claip_emo_mm.compat.downloads import fetch
from claip_emo_mm.compat.hub import SCHEME, fetch_from_hub
from claip_emo_mm.compat.pickle_stubs import STUBS, unwrap
from claip_emo_mm.compat.safe_pickle import check_depth, one_line
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.file_errors import check_pointer

_TORCH_PREFIX = 'WeightsUnpickler error: '  # of the reason in torch's message


def patch_loading() -> None:
    """Let no checkpoint run code, and let MMEngine load its own ones with torch >= 2.6.

    Since torch 2.6 `torch.load` builds only tensors and plain containers, and MMEngine 0.10.7 saves its log history in
    every checkpoint. Shows as `Weights only load failed ... Unsupported global:
    mmengine.logging.history_buffer.HistoryBuffer`. MMEngine and torchvision load from addresses through
    `torch.hub.load_state_dict_from_url` with `weights_only=False`, and object stores do where
    `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` is set. Shows silently: a server's pickle runs. Can go when all use
    `weights_only=True`, and MMEngine allow-lists what it saves.
    """
    for schemes, load in (
            ('', load_from_local), (('http://', 'https://'), load_from_http), (SCHEME, load_from_repository),
            (('modelzoo://', 'torchvision://', 'open-mmlab://', 'openmmlab://', 'mmcls://'), load_from_zoo),
            (('pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://'), load_from_store)):
        CheckpointLoader.register_scheme(schemes, load, force=True)
    checkpoint.load_from_http = load_from_http
    original = torch.hub.load_state_dict_from_url
    replace_method(torch.hub, 'load_state_dict_from_url')(_load_from_hub)
    for module in list(sys.modules.values()):  # also where it was imported by name
        for name in ('load_state_dict_from_url', 'load_url'):
            if getattr(module, '__dict__', {}).get(name) is original:
                setattr(module, name, torch.hub.load_state_dict_from_url)


def load_from_local(filename: str, map_location: object = None) -> dict:
    """Load a checkpoint file: torch's format with `weights_only=True`, or safetensors by its suffix.

    Beside torch's own classes only those in MMEngine's checkpoints are allowed, and only during this call. The text
    `meta['config']`, which `Runner.resume` would run as Python and MMEngine itself never writes, is dropped.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        found = 'a folder' if path.is_dir() else 'no such file'
        raise InputError(f'{path}: {found}, expected a checkpoint file (.pth or .safetensors). Check the path in '
                         'load_from, resume, init_cfg or on the command line.')
    return load_file(path, str(path), map_location)


def load_file(path: Path, source: str, map_location: object = None) -> dict:
    """Load an existing checkpoint file as `load_from_local` does; messages name it by its `source`."""
    check_pointer(path)
    read = _read_safetensors if path.suffix == '.safetensors' else _read_torch
    try:
        checkpoint = read(path, map_location)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        # torch's own message recommends weights_only=False, so it is not shown.
        raise InputError(_describe(path, source, str(error) or type(error).__name__)) from None
    if not isinstance(checkpoint, dict):
        raise InputError(f'{source}: holds a {type(checkpoint).__name__}, expected a dict with the weights, alone or '
                         'under `state_dict`.')
    if isinstance(checkpoint.get('meta'), dict):
        checkpoint['meta'].pop('config', None)
    return checkpoint


def _read_torch(path: Path, map_location: object) -> object:
    check_depth(path)
    with _allowing_stubs():
        return unwrap(torch.load(path, map_location=map_location, weights_only=True))


def _read_safetensors(path: Path, map_location: object) -> dict:
    from safetensors import safe_open
    device = str(map_location) if isinstance(map_location, (str, torch.device)) else 'cpu'
    with safe_open(path, framework='pt', device=device) as file:
        state_dict = {name: file.get_tensor(name) for name in file.keys()}
        return dict(state_dict=state_dict, meta=dict(file.metadata() or {}))


@contextmanager
def _allowing_stubs() -> Iterator[None]:
    """Let torch's safe loading build the stubs, also where somebody allow-listed other objects of their names."""
    before = serialization.get_safe_globals()
    others = [entry for entry in before if _name(entry) not in STUBS]
    serialization.clear_safe_globals()
    serialization.add_safe_globals(others + [(value, name) for name, value in STUBS.items()])
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


def _name(entry: object) -> str:
    return entry[1] if isinstance(entry, tuple) else f'{entry.__module__}.{entry.__qualname__}'


def _describe(path: Path, source: str, reason: str) -> str:
    """Say what is wrong with a file, from the message of torch or safetensors."""
    refused = re.search(r'GLOBAL (\S+)|Unsupported ((?:numpy|getattr) .*)', reason)
    if refused:
        found = refused[1] or refused[2]
        hint = ('It was saved by FSDP with MMAction2\'s default state_dict_cfg=\'local\': train with '
                'strategy=dict(type=\'FSDPStrategy\', state_dict_cfg=\'full\')' if 'torch.distributed' in found else
                'Ask its author for a .safetensors file, or for the weights alone: torch.save(model.state_dict(), '
                'path)')
        return (f'{source}: holds {found}, expected tensors, numbers, texts and mmengine\'s log history. Loading such '
                f'a thing can run code, so nothing of the file was loaded. {hint}.')
    cause = reason.split(_TORCH_PREFIX)[-1].strip().split('\n')[0].split('. ')[0]
    with path.open('rb') as file:
        head = file.read(24)
    return (f'{source}: cannot be read as a checkpoint ({cause}); found {path.stat().st_size} bytes that begin with '
            f'{head!r}, expected a file written by torch.save or safetensors. It may be cut off: copy or '
            'download it again.')


def load_from_http(filename: str, map_location: object = None, **options: object) -> dict:
    """Load a checkpoint from http:// or https://; one process downloads it, the others wait."""
    del options  # MMEngine's folder and progress bar
    return load_file(_fetch_once(fetch, filename), filename, map_location)


def load_from_repository(filename: str, map_location: object = None) -> dict:
    """Load a checkpoint from a repository on the Hugging Face hub: ``hf://user/model``, see `compat.hub`."""
    return load_file(_fetch_once(fetch_from_hub, filename), filename, map_location)


def _fetch_once(fetch_file: Callable[[str], Path], address: str) -> Path:
    rank, _ = get_dist_info()
    path = None
    try:
        if rank == 0:
            path = fetch_file(address)
    finally:
        barrier()
    return path or fetch_file(address)


def load_from_zoo(filename: str, map_location: object = None) -> dict:
    """Load weights by a name of torchvision, OpenMMLab or MMClassification (of which only the backbone is kept)."""
    scheme, _, name = filename.partition('://')
    if scheme in ('modelzoo', 'torchvision'):
        addresses = checkpoint.get_torchvision_models()
    elif scheme == 'mmcls':
        addresses = checkpoint.get_mmcls_models()
    else:
        addresses = checkpoint.get_external_models()
        name = checkpoint.get_deprecated_model_names().get(name, name)
    if name not in addresses:
        raise InputError(f'{filename}: there are no weights of this name. Expected one of the {len(addresses)} that '
                         f'begin with {", ".join(sorted(addresses)[:3])} ...; or give the path of a file.')
    address = addresses[name]
    if not address.startswith(('http://', 'https://')):
        return load_from_local(str(Path(checkpoint._get_mmengine_home(), address)), map_location)
    loaded = load_from_http(address, map_location)
    return checkpoint._process_mmcls_checkpoint(loaded) if scheme == 'mmcls' else loaded


def load_from_store(filename: str, map_location: object = None, backend: str = 'petrel') -> dict:
    """Load a checkpoint from an object store: pavi://, s3:// or petrel://."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if filename.startswith('pavi://'):
                model = import_module('pavi').modelcloud.get(filename.removeprefix('pavi://'))
                path = Path(folder, Path(model.name).name)
                model.download(str(path))
            else:
                path = Path(folder, filename.rpartition('/')[2])
                path.write_bytes(get_file_backend(filename, backend_args=dict(backend=backend)).get(filename))
        except Exception as error:  # each store's client has errors of its own
            raise InputError(f'{filename}: cannot be fetched ({one_line(error)}). Fetch the file by other means and '
                             'give its path.') from error
        return load_file(path, filename, map_location)


def _load_from_hub(original: Callable[..., dict], url: str, *args: object, weights_only: bool = True,
                   **kwargs: object) -> dict[str, Any]:
    del weights_only
    try:
        with _allowing_stubs():
            return unwrap(original(url, *args, weights_only=True, **kwargs))
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # the network, the disk and a damaged file each have their own
        reason = str(getattr(error, 'reason', None) or error).split(_TORCH_PREFIX)[-1].split('\n')[0]
        raise InputError(f'{url}: its weights cannot be had ({reason}). Nothing of a file is loaded that could run '
                         'code. Check the network, or download the file and give its path.') from error
