"""Files of weights from http addresses, into the cache of torch's hub."""
import hashlib
import http.client
import re
import sys
import urllib.error
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import urlopen

import torch
from mmengine.logging import print_log
from tqdm import tqdm

from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import atomic_write

# They never give one name to two files, so theirs keep their names in the cache, where people put them by hand.
PUBLISHERS = ('download.openmmlab.com', 'download.pytorch.org')
SILENCE_S = 60.  # after which a server that says nothing is given up

_HASH = re.compile(r'-([0-9a-f]{8,64})\.')  # the end of a name such as resnet50-11ad3fa6.pth: a part of its SHA-256
_LONGEST_NAME = 150
_PIECE = 1 << 20


def fetch(address: str) -> Path:
    """Return the file of an address, which is downloaded where the cache of torch's hub has none.

    Args:
        address: http:// or https://.
    Returns: its path below `torch.hub.get_dir()`; a file lies there only when it is complete.
    Raises:
        InputError: the address cannot be read, or gives another file than its name says; or the cache cannot be
            written.
    """
    try:
        path = cached_file(address)
        if path.is_file():
            return path
        print_log(f'Downloading {address} to {path}', logger='current')
        with atomic_write(path) as part:
            with part.open('wb') as file:
                digest = _download(address, file)
            expected = _HASH.search(path.name)
            if expected and not digest.startswith(expected[1]):
                raise InputError(f'{address}: gave a file with the SHA-256 {digest[:16]}..., but its name promises '
                                 f'{expected[1]}. It is damaged, or another one; nothing of it was loaded.')
    except InputError:
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise InputError(f'{address}: cannot be downloaded ({_reason(error)}). Check the address and the network, or '
                         'download the file on another machine and give its path.') from error
    return path


def cached_file(address: str) -> Path:
    """Where the file of an address is kept: under its own name, or where that may belong to another, a longer one."""
    parts = urlsplit(address)
    name = parts.path.rpartition('/')[2][-_LONGEST_NAME:] or 'weights'
    if not _HASH.search(name) and parts.hostname not in PUBLISHERS:
        name = f'{hashlib.sha256(address.encode()).hexdigest()[:16]}_{name}'
    return Path(torch.hub.get_dir(), 'checkpoints', name)


def _download(address: str, file: BinaryIO) -> str:
    """Write what an address gives; return its SHA-256."""
    digest = hashlib.sha256()
    with urlopen(address, timeout=SILENCE_S) as answer:
        length = answer.headers.get('Content-Length', '')
        with tqdm(total=int(length) if length.isdecimal() else None, unit='B', unit_scale=True,
                  disable=not sys.stderr.isatty()) as bar:
            while piece := answer.read(_PIECE):
                file.write(piece)
                digest.update(piece)
                bar.update(len(piece))
    if length.isdecimal() and file.tell() != int(length):
        raise http.client.HTTPException(f'{file.tell()} of {length} bytes arrived')
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f'the server says {error.code} {error.reason}'
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return ' '.join(str(getattr(reason, 'strerror', None) or reason).split()) or type(error).__name__
