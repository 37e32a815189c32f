"""Load checkpoint files without running anything that they hold."""
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.runner import CheckpointLoader
from torch import serialization

from claip_emo_mm.errors import InputError
from claip_emo_mm.host.safe_pickle import check_depth
from claip_emo_mm.host.stand_ins import STAND_INS, unwrap


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
        remedy = ('It was saved by FSDP with the host\'s default state_dict_cfg=\'local\': train with '
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
