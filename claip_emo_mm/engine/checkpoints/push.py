"""Publishing a model in a repository on the Hugging Face hub."""
from pathlib import Path

from claip_emo_mm.compat.hub import CARD_FILE, MODEL_FILE, SCHEME, hub_errors, parse_hub_address
from claip_emo_mm.engine.checkpoints.metadata import Metadata
from claip_emo_mm.engine.checkpoints.model_card import training_data
from claip_emo_mm.errors import InputError


def check_license(metadata: Metadata, source: str, stated: str | None = None) -> None:
    """Raise an `InputError` where the license of the training data does not let anybody publish what was made of it.

    Args:
        metadata, source: of the checkpoint, and its path.
        stated: license, or permission, as the user states it; lifts the refusal.
    """
    closed = [terms for terms in training_data(metadata).values() if not terms.is_open]
    if stated or not closed:
        return
    known = '; '.join(f'{terms.title}: {terms.license or "its license is not known"}' for terms in closed)
    raise InputError(f'{source}: is not published, for the data that it was trained on may forbid it. {known}. If '
                     'you may publish it, state the license or the permission, which goes into the card: '
                     '--data-license "CC BY 4.0".')


def check_repository(repository: str) -> None:
    """Raise an `InputError` for a name that is none of a repository."""
    if parse_hub_address(f'{SCHEME}{repository}') != (repository, 'main', MODEL_FILE):
        raise InputError(f'{repository}: is no name of a repository. Expected user/model, without revision and file.')


def push(file: Path, card: str, repository: str, private: bool = False) -> str:
    """Upload a published file and its card in one commit; returns the address of the commit.

    The repository is made where it is missing; one that is there keeps its other files, and its older versions.

    Raises:
        InputError: nobody is logged in, may not write there, or the hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token
    hub = HfApi(library_name='claip_emo_mm')
    with hub_errors(f'{SCHEME}{repository}'):
        if get_token() is None:
            raise InputError(f'{SCHEME}{repository}: nobody is logged in on this machine. Log in with a token that may '
                             'write: hf auth login, or set HF_TOKEN.')
        hub.create_repo(repository, private=private or None, exist_ok=True)
        return str(hub.create_commit(repository, [CommitOperationAdd(MODEL_FILE, str(file)),
                                                  CommitOperationAdd(CARD_FILE, card.encode())],
                                     commit_message='Publish the model and its card').commit_url)

