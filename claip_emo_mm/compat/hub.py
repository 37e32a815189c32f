"""Files of model repositories on the Hugging Face hub, by addresses such as hf://user/model."""
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mmengine.logging import print_log

from claip_emo_mm.compat.safe_pickle import one_line
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import hash_file

SCHEME = 'hf://'
MODEL_FILE = 'model.safetensors'  # of a repository that tools/publish_model.py made
CARD_FILE = 'README.md'

_ADDRESS = re.compile(r'hf://(?P<repository>[\w.-]+/[\w.-]+?)(@(?P<revision>[^/@]+))?(/(?P<name>[^@]+))?')
_SHA256 = re.compile(r'[0-9a-f]{64}')


class HubFile(NamedTuple):
    """A file of a model repository."""
    repository: str  # user/model
    revision: str  # branch, tag or commit
    name: str


def parse_hub_address(address: str) -> HubFile:
    """Split ``hf://user/model[@revision][/file]``; without a file it is `MODEL_FILE`, without a revision main."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise InputError(f'{address}: is no address of the Hugging Face hub. Expected hf://user/model, '
                         'hf://user/model@revision or hf://user/model/file.safetensors.')
    return HubFile(found['repository'], found['revision'] or 'main', found['name'] or MODEL_FILE)


def hub_address(name: str, revision: str | None = None) -> str:
    """Address of ``user/model``; an address stays as it is, and so does the path of a file or folder that is there."""
    if os.path.isdir(name):
        return os.path.join(name, MODEL_FILE)
    if os.path.exists(name):
        return name
    address = f'{SCHEME}{name.removeprefix(SCHEME)}{f"@{revision}" if revision else ""}'
    parse_hub_address(address)
    return address


def local_path(checkpoint: str) -> str:
    """Path of a checkpoint, of a ``hf://`` one in the cache, for what looks at the file itself."""
    return str(fetch_from_hub(checkpoint)) if checkpoint.startswith(SCHEME) else checkpoint


def fetch_from_hub(address: str, cached_first: bool = False) -> Path:
    """Return a file of a repository in the hub's cache, downloaded where it is missing or has changed.

    A download is compared with the SHA-256 that the hub states. Without a network, or with ``HF_HUB_OFFLINE=1``, the
    file is taken from the cache. Private repositories need ``hf auth login``, or ``HF_TOKEN``.

    Args:
        address: see `parse_hub_address`.
        cached_first: take a cached file without asking whether it has changed.
    Raises:
        InputError: the file cannot be downloaded and is not in the cache, or has another hash.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    wanted = parse_hub_address(address)
    with hub_errors(address):
        cached = try_to_load_from_cache(wanted.repository, wanted.name, revision=wanted.revision)
        if cached_first and isinstance(cached, str):
            return Path(cached)
        if cached is None:
            print_log(f'Fetching {wanted.name} of {wanted.repository} from the Hugging Face hub', logger='current')
        path = Path(hf_hub_download(wanted.repository, wanted.name, revision=wanted.revision))
        if str(path) != cached:
            _check_hash(path, address)
        return path


def _check_hash(path: Path, address: str) -> None:
    """Compare a file with the hash that the hub states for large files, the name of its content in the cache."""
    content = path.resolve()
    if _SHA256.fullmatch(content.name) is None:
        return
    found = hash_file(content)
    if found != content.name:
        path.unlink()
        content.unlink(missing_ok=True)
        raise InputError(f'{address}: gave a file with the SHA-256 {found[:16]}..., the hub states '
                         f'{content.name[:16]}.... It was damaged on its way and deleted; give the same command again.')


@contextmanager
def hub_errors(address: str) -> Iterator[None]:
    """Raise an `InputError` for what the hub, the network or the cache refuse; the hub's own log is silent."""
    from huggingface_hub import errors
    log = logging.getLogger('huggingface_hub')
    level = log.level
    log.setLevel(logging.ERROR)  # it reports each of its attempts
    try:
        yield
    except InputError:
        raise
    except errors.GatedRepoError as error:
        raise InputError(f'{address}: its owner decides who may have it. Ask for access on its page, and log in: '
                         'hf auth login.') from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(f'{address}: there is no such repository, or you may not see it. Check the name; for a '
                         'private one log in: hf auth login, or set HF_TOKEN.') from error
    except errors.RevisionNotFoundError as error:
        raise InputError(f'{address}: the repository has no such revision. Give a branch, a tag or a commit of it.'
                         ) from error
    except errors.LocalEntryNotFoundError as error:
        raise InputError(f'{address}: is not in the cache, and the hub cannot be reached ({_reason(error)}). Check the '
                         'network (and HF_HUB_OFFLINE), or fetch the file on another machine and give its path.'
                         ) from error
    except errors.EntryNotFoundError as error:
        raise InputError(f'{address}: the repository has no such file. Expected one that tools/publish_model.py --push '
                         'made; name another file of it: hf://user/model/FILE.') from error
    except errors.HfHubHTTPError as error:
        answer = error.response
        hint = ('Log in with a token that may write there: hf auth login, or HF_TOKEN.' if answer.status_code in
                (401, 403) else 'Try again later.')
        raise InputError(f'{address}: the hub says {answer.status_code} {answer.reason_phrase}. {hint}') from error
    except (errors.LocalTokenNotFoundError, errors.HFValidationError, OSError, ValueError) as error:
        raise InputError(f'{address}: the hub cannot be used ({_reason(error)}). Check the name, the network and the '
                         'disk.') from error
    except Exception as error:
        if not type(error).__module__.startswith('httpx'):  # each version of the hub's package has another client
            raise
        raise InputError(f'{address}: the hub cannot be reached ({_reason(error)}). Check the network.') from error
    finally:
        log.setLevel(level)


def _reason(error: Exception) -> str:
    """The first sentence of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return one_line(error).partition('. ')[0]
