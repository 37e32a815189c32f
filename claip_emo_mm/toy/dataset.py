"""The toy set: clips of many identities, split by identity, with one list per split."""
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy.clips import write_clip
from claip_emo_mm.toy.identities import FaceIdentity, identity_stream
from claip_emo_mm.toy.settings import SPLITS, VIDEO_FOLDER, ToySettings, open_folder
from claip_emo_mm.toy.voice import VoiceIdentity
from claip_emo_mm.utils.io import write_csv, writing_into
from claip_emo_mm.utils.parallel import run_parallel

DEFAULT_CLIPS = (336, 42, 210)  # train, val, test

_WORTH_A_WORKER = 64  # clips: drawing them takes about as long as starting a process
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ToyClip:
    """One clip of the set.

    Args:
        split: 'train', 'val' or 'test'.
        index: number of the identity within the split.
        emotion: one of DFEW's classes.
    """
    split: str
    index: int
    emotion: str

    @property
    def identity(self) -> str:
        """Name of the person."""
        return f'{self.split}_{self.index:03d}'

    @property
    def video(self) -> str:
        """Path relative to the set's folder."""
        return f'{VIDEO_FOLDER}/{self.identity}_{self.emotion}.mp4'


def make_toy_set(out: str | Path, seed: int = 0, clips: tuple[int, int, int] = DEFAULT_CLIPS,
                 workers: int = 2, overwrite: bool = False) -> dict[str, Path]:
    """Make the toy set, or what is still missing of it.

    Args:
        out: folder for `videos/`, `train.csv`, `val.csv`, `test.csv` (columns video, label, identity) and `toy.json`.
        seed: the same seed makes the same set.
        clips: at least so many clips in train, val and test; every identity shows each emotion once, so the numbers are
            rounded up to whole identities.
        workers: processes; fewer are used where starting them takes longer than what they save.
        overwrite: replace a toy set that was made with other settings.
    Returns: the list of each split.
    Raises:
        InputError: a number is out of range, or the folder cannot be written or holds something else.
    """
    out = Path(out)
    if workers < 1:
        raise InputError(f'--workers {workers}: must be 1 or more.')
    settings = _check_settings(seed, clips)
    planned = list(list_clips(settings))
    with writing_into(out, _logger):
        open_folder(out, settings, overwrite)
        missing = [clip for clip in planned if not (out / clip.video).is_file()]
        there = len(planned) - len(missing)
        if there:
            _logger.info('%s: %d of %d clips are there already', out, there, len(planned))
        with tqdm(total=len(planned), initial=there, unit='clip', desc='toy clips', mininterval=.5,
                  disable=not missing) as bar:
            run_parallel(partial(make_clip, out, settings), missing, workers, lambda _: bar.update(), _WORTH_A_WORKER)
        lists = {split: out / f'{split}.csv' for split in SPLITS}
        for split, path in lists.items():
            write_csv(path, ('video', 'label', 'identity'),
                      [(clip.video, clip.emotion, clip.identity) for clip in planned if clip.split == split])
    return lists


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


def _check_settings(seed: int, clips: tuple[int, int, int]) -> ToySettings:
    if seed < 0:
        raise InputError(f'--seed {seed}: must be 0 or more.')
    if len(clips) != len(SPLITS) or min(clips) < 1:
        raise InputError(f'--clips {" ".join(map(str, clips))}: must be three numbers from 1, for {", ".join(SPLITS)}.')
    train, val, test = (-(-count // len(DFEW.classes)) for count in clips)  # rounded up
    return ToySettings(seed, (train, val, test))
