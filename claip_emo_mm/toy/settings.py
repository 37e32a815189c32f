"""The settings of a toy set, kept beside it so that a set is only ever continued with the same ones."""
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.clips import CLIP_FPS, CLIP_SIZE
from claip_emo_mm.utils.io import PART_SUFFIX, write_text

TOY_VERSION = 1  # counts up whenever the same seed would draw other clips
SPLITS = ('train', 'val', 'test')
SETTINGS_FILE = 'toy.json'
VIDEO_FOLDER = 'videos'
FOLD_LISTS = 'lists/fold*_t*.csv'  # glob pattern


@dataclass(frozen=True)
class ToySettings:
    """What decides every clip of a toy set.

    Args:
        seed: 0 or more.
        identities: people in train, val and test; each shows every emotion once.
        size, fps: of the clips.
        version: of the drawing.
    """
    seed: int
    identities: tuple[int, int, int]
    size: int = CLIP_SIZE
    fps: int = CLIP_FPS
    version: int = TOY_VERSION


def open_folder(out: Path, settings: ToySettings, overwrite: bool) -> None:
    """Make the folder ready for these settings: it is new, or holds a split of the same set.

    Args:
        overwrite: remove a toy set that was made with other settings.
    Raises:
        InputError: the folder holds another toy set, or something else.
    """
    found = _read_settings(out)
    wanted = json.loads(json.dumps(asdict(settings)))  # tuples become lists, as in the file
    if found is not None and found != wanted:
        if not overwrite:
            raise InputError(
                f'{out / SETTINGS_FILE}: the toy set here was made with other settings: '
                f'{_describe_difference(found, wanted)}. Choose another folder with --out, or replace this set with '
                '--overwrite.')
        _remove_set(out)
    out.mkdir(parents=True, exist_ok=True)
    if found != wanted:
        write_text(out / SETTINGS_FILE, json.dumps(wanted, indent=2) + '\n')
    (out / VIDEO_FOLDER).mkdir(exist_ok=True)
    for split in (out / VIDEO_FOLDER).glob(f'*{PART_SUFFIX}'):  # left by a run that was killed
        split.unlink(missing_ok=True)


def _read_settings(out: Path) -> dict[str, object] | None:
    """Return the settings of the set in `out`, None if the folder is new or empty."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    path = out / SETTINGS_FILE
    if not path.is_file():
        raise InputError(f'{out}: holds something that is no toy set ({SETTINGS_FILE} is not there). Choose another '
                         'folder with --out.')
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _describe_difference(found: dict[str, object], wanted: dict[str, object]) -> str:
    return ', '.join(f'{key} is {found.get(key)}, wanted {value}' for key, value in wanted.items()
                     if found.get(key) != value) or 'unknown keys'


def _remove_set(out: Path) -> None:
    """Remove what a toy set consists of and nothing else; its settings, by which it is known, stay to be replaced."""
    if (out / VIDEO_FOLDER).is_dir():
        shutil.rmtree(out / VIDEO_FOLDER)
    for path in (*(out / f'{split}.csv' for split in SPLITS), *out.glob(FOLD_LISTS)):
        path.unlink(missing_ok=True)
