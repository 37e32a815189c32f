"""Downloads of weights over http into the cache of torch.hub."""
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

from claip_emo_mm.compat.safe_pickle import one_line
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import atomic_write

# They never give one name to two files, so their files keep their names in the cache, where people put them by hand.
PUBLISHERS = ('download.openmmlab.com', 'download.pytorch.org')
TIMEOUT_S = 60.  # of a server that sends nothing

_HASH = re.compile(r'-([0-9a-f]{8,64})\.')  # the end of a name such as resnet50-11ad3fa6.pth: digits of its SHA-256
_LONGEST_NAME = 150
_CHUNK = 1 << 20  # bytes


def fetch(address: str) -> Path:
    """Return the cached file of a http(s) address, downloaded atomically where it is missing."""
    try:
        path = cached_file(address)
        if path.is_file():
            return path
        print_log(f'Downloading {address} to {path}', logger='current')
        with atomic_write(path) as temporary:
            with temporary.open('wb') as file:
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
    """Path of an address in the cache: its own file name, with a hash of the address where that may be ambiguous."""
    parts = urlsplit(address)
    name = parts.path.rpartition('/')[2][-_LONGEST_NAME:] or 'weights'
    if not _HASH.search(name) and parts.hostname not in PUBLISHERS:
        name = f'{hashlib.sha256(address.encode()).hexdigest()[:16]}_{name}'
    return Path(torch.hub.get_dir(), 'checkpoints', name)


def _download(address: str, file: BinaryIO) -> str:
    """Write the content of an address to a file; return its SHA-256."""
    digest = hashlib.sha256()
    with urlopen(address, timeout=TIMEOUT_S) as response:
        length = response.headers.get('Content-Length', '')
        with tqdm(total=int(length) if length.isdecimal() else None, unit='B', unit_scale=True,
                  disable=not sys.stderr.isatty()) as bar:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                digest.update(chunk)
                bar.update(len(chunk))
    if length.isdecimal() and file.tell() != int(length):
        raise http.client.HTTPException(f'{file.tell()} of {length} bytes arrived')
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f'the server says {error.code} {error.reason}'
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return one_line(getattr(reason, 'strerror', None) or reason)
