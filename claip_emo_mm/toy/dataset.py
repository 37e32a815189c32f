"""The toy set: clips of many identities, split by identity, with one annotation list per split, and lists of folds."""
import csv
import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.datasets.official_splits import FOLD_SPLITS, fold_list
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.clips import CLIP_FPS, CLIP_SIZE, write_clip
from claip_emo_mm.toy.identities import FaceIdentity, identity_stream
from claip_emo_mm.toy.voice import VoiceIdentity
from claip_emo_mm.utils.io import PART_SUFFIX, read_settings, write_csv, write_json, writing_into
from claip_emo_mm.utils.parallel import run_parallel

DEFAULT_CLIPS = (336, 42, 210)  # train, val, test
SPLITS = ('train', 'val', 'test')

_FOLD_LISTS = 'lists/fold*_t*.csv'  # glob pattern
_SETTINGS_FILE = 'toy.json'
_WORTH_A_WORKER = 64  # clips: drawing them takes about as long as starting a process
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ToySettings:
    """What determines every clip of a toy set; kept beside it, so that a set is only continued with the same ones."""
    seed: int
    identities: tuple[int, int, int]  # in train, val and test; each shows every emotion once
    size: int = CLIP_SIZE
    fps: int = CLIP_FPS
    version: int = 1  # counts up whenever the same seed would give other clips


@dataclass(frozen=True)
class ToyClip:
    """One clip of the set."""
    split: str
    index: int  # of the identity within the split
    emotion: str

    @property
    def identity(self) -> str:
        return f'{self.split}_{self.index:03d}'

    @property
    def video(self) -> str:
        """Path relative to the set's folder."""
        return f'videos/{self.identity}_{self.emotion}.mp4'


def make_toy_set(out: str | Path, seed: int = 0, clips: tuple[int, int, int] = DEFAULT_CLIPS,
                 workers: int = 2, overwrite: bool = False) -> dict[str, Path]:
    """Make the toy set, or what is still missing of it.

    Args:
        out: folder for `videos/`, `train.csv`, `val.csv`, `test.csv` (columns video, label, identity) and `toy.json`.
        seed: the same seed makes the same set.
        clips: at least so many in train, val and test; rounded up to whole identities of one clip per emotion.
        workers: processes at most.
        overwrite: replace a toy set that was made with other settings.
    Returns: the annotation list of each split.
    Raises:
        InputError: a number is out of range, or the folder cannot be written or holds something else.
    """
    out = Path(out)
    if workers < 1:
        raise InputError(f'--workers {workers}: must be 1 or more.')
    if seed < 0:
        raise InputError(f'--seed {seed}: must be 0 or more.')
    if len(clips) != len(SPLITS) or min(clips) < 1:
        raise InputError(f'--clips {" ".join(map(str, clips))}: must be three numbers from 1, for {", ".join(SPLITS)}.')
    settings = ToySettings(seed, tuple(-(-count // len(DFEW.classes)) for count in clips))  # rounded up
    planned = list(list_clips(settings))
    with writing_into(out, _logger):
        _open_folder(out, settings, overwrite)
        missing = [clip for clip in planned if not (out / clip.video).is_file()]
        done = len(planned) - len(missing)
        if done:
            _logger.info('%s: %d of %d clips are there already', out, done, len(planned))
        for _ in run_parallel(partial(make_clip, out, settings), missing, workers, 'toy clips', _WORTH_A_WORKER, done):
            pass
        lists = {split: out / f'{split}.csv' for split in SPLITS}
        for split, path in lists.items():
            write_csv(path, ('video', 'label', 'identity'),
                      [(clip.video, clip.emotion, clip.identity) for clip in planned if clip.split == split])
    return lists


def write_toy_folds(out: str | Path, folds: int) -> list[Path]:
    """Write `lists/fold1_train.csv`, `lists/fold1_test.csv` and so on beside the lists of a toy set.

    The people of all splits are dealt out in turn: each is in the test split of one fold, and in the training split of
    all others. Lists of more folds that were written before are removed.

    Args:
        out: folder of `make_toy_set`.
        folds: 2 or more.
    Returns: the lists.
    Raises:
        InputError: there are fewer people than folds.
    """
    out = Path(out)
    rows: list[dict[str, str]] = []
    for split in SPLITS:
        with (out / f'{split}.csv').open(encoding='utf-8', newline='') as file:
            rows += csv.DictReader(file)
    people = list(dict.fromkeys(row['identity'] for row in rows))
    if not 2 <= folds <= len(people):
        raise InputError(f'--folds {folds}: expected 2 to {len(people)}, which is the number of people in {out}. '
                         '--clips makes more: each person shows 7 emotions.')
    paths = []
    for fold in range(1, folds + 1):
        tested = set(people[fold - 1::folds])
        for split in FOLD_SPLITS:
            paths.append(out / fold_list(fold, split))
            write_csv(paths[-1], tuple(rows[0]),
                      [tuple(row.values()) for row in rows if (row['identity'] in tested) == (split == 'test')])
    for path in {*out.glob(_FOLD_LISTS)} - {*paths}:
        path.unlink()
    return paths


def list_clips(settings: ToySettings) -> Iterator[ToyClip]:
    """Yield every clip of a set, split by split, identity by identity."""
    for split, identities in zip(SPLITS, settings.identities, strict=True):
        for index in range(identities):
            for emotion in DFEW.classes:
                yield ToyClip(split, index, emotion)


def make_clip(out: Path, settings: ToySettings, clip: ToyClip) -> None:
    """Write one clip of a set; its content does not depend on which others are made, or in which order."""
    stream = identity_stream(settings.seed, clip.split, clip.index)
    face = FaceIdentity.sample(stream)
    voice = VoiceIdentity.sample(stream, face.feminine)
    seeds = stream.integers(2 ** 63, size=len(DFEW.classes))
    seed = int(seeds[DFEW.classes.index(clip.emotion)])
    write_clip(out / clip.video, face, voice, clip.emotion, seed, settings.size, settings.fps)


def _open_folder(out: Path, settings: ToySettings, overwrite: bool) -> None:
    """Prepare a folder that is new, or holds some of the same set."""
    path, videos = out / _SETTINGS_FILE, out / 'videos'
    found = read_settings(path, 'toy set')
    wanted = json.loads(json.dumps(asdict(settings)))  # tuples become lists, as in the file
    if found is not None and found != wanted:
        if not overwrite:
            different = ', '.join(f'{key} is {found.get(key)}, wanted {value}' for key, value in wanted.items()
                                  if found.get(key) != value) or 'unknown keys'
            raise InputError(f'{path}: the toy set here was made with other settings: {different}. Choose another '
                             'folder with --out, or replace this set with --overwrite.')
        if videos.is_dir():
            shutil.rmtree(videos)
        for file in (*(out / f'{split}.csv' for split in SPLITS), *out.glob(_FOLD_LISTS)):
            file.unlink(missing_ok=True)
    if found != wanted:  # after the removal: an interrupted one is still known as a toy set
        write_json(path, wanted)
    videos.mkdir(exist_ok=True)
    for file in videos.glob(f'*{PART_SUFFIX}'):  # of a run that was killed
        file.unlink(missing_ok=True)
