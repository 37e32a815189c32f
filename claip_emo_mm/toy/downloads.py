"""Drawn clips in the form of a public corpus: names, folders, containers and codecs as its owners distribute it."""
import logging
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from claip_emo_mm.datasets.known_corpora import CORPORA
from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.errors import check_choice
from claip_emo_mm.toy.clips import MediaForm, draw_clip, encode_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import SAMPLE_RATE_HZ, VoiceIdentity
from claip_emo_mm.utils.io import atomic_write, write_csv, writing_into
from claip_emo_mm.utils.parallel import run_parallel

FORMS = ('cremad', 'ravdess')
FPS = 12  # a third of theirs: it is for tests
_FLV = MediaForm('flv', 'flv', 'libmp3lame', 44100, (480, 360))
_MP4 = MediaForm('mp4', 'libx264', 'aac', 48000, (1280, 720))
_SILENT_MP4 = MediaForm('mp4', 'libx264', '', 48000, (1280, 720))
_AUDIO_ZIP = 'Audio_Speech_Actors_01-24.zip'
_SENTENCES = ('IEO', 'TIE', 'IOM', 'IWW', 'TAI', 'MTI')
_WORTH_A_WORKER = 8
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Clip:
    name: str  # without what differs between its files
    person: int
    emotion: str  # class of the corpus
    seed: int


def make_download(form: str, out: Path, workers: int = 1, people: int | None = None) -> Path:
    """Make about 60 clips of drawn faces with a voice in the form of a corpus, or what is still missing of them.

    Emotions that cannot be drawn (calm) are drawn as neutral.

    Args:
        form: 'cremad' (folders of flv and wav), or 'ravdess' (a zip of mp4 for each actor, one of wav).
        out: folder.
        workers: processes at most.
        people: actors, each of a fold in turn; by default two for each fold of CREMA-D, one of RAVDESS.
    Returns: the folder.
    """
    check_choice('--form', FORMS, form=form)
    clips = list(_cremad_clips(people or 10) if form == 'cremad' else _ravdess_clips(people or 6))
    write = _write_cremad if form == 'cremad' else _write_ravdess
    missing = [clip for clip in clips if not _is_made(form, out, clip)]
    with writing_into(out, _logger):
        for _ in run_parallel(partial(write, out), missing, workers, f'clips like {CORPORA[form].schema.title}',
                              _WORTH_A_WORKER, len(clips) - len(missing)):
            pass
        if form == 'ravdess':
            _zip_ravdess(out)
        else:
            _write_votes(out / 'processedResults/tabulatedVotes.csv', clips)
    return out


def _people(name: str, people: int) -> Iterator[tuple[int, str]]:
    """Number people of a corpus, each of the next fold."""
    folds = CORPORA[name].folds
    for index in range(people):
        yield index, folds[index % len(folds)][index // len(folds)]


def _cremad_clips(people: int) -> Iterator[_Clip]:
    for index, person in _people('cremad', people):
        for number, (code, emotion) in enumerate(CORPORA['cremad'].labels.items()):
            yield _Clip(f'{person}_{_SENTENCES[number]}_{code}_XX', int(person), emotion, 100 * index + number)


def _ravdess_clips(people: int) -> Iterator[_Clip]:
    for index, person in _people('ravdess', people):
        for number, (code, emotion) in enumerate(CORPORA['ravdess'].labels.items()):
            for intensity in ('01', '02') if code in ('03', '04') else ('01',):
                yield _Clip(f'01-{code}-{intensity}-01-01-{person}', int(person), emotion,
                            100 * index + 10 * int(intensity) + number)


def _draw(clip: _Clip, size: int) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(clip.person)
    face = FaceIdentity.sample(rng)
    voice = VoiceIdentity.sample(rng, face.feminine)
    try:
        emotion = DFEW.classes[DFEW.label(clip.emotion)]
    except ValueError:
        emotion = 'neutral'
    return draw_clip(face, voice, emotion, clip.seed, size, FPS)


def _is_made(form: str, out: Path, clip: _Clip) -> bool:
    if form == 'cremad':
        return all(path.is_file() for path in _cremad_files(out, clip))
    is_zipped = (out / _video_zip(clip.person)).is_file() and (out / _AUDIO_ZIP).is_file()
    return is_zipped or all(path.is_file() for path in _ravdess_files(out, clip))


def _cremad_files(out: Path, clip: _Clip) -> tuple[Path, Path]:
    return out / f'VideoFlash/{clip.name}.flv', out / f'AudioWAV/{clip.name}.wav'


def _ravdess_files(out: Path, clip: _Clip) -> tuple[Path, Path, Path]:
    """The three files of a performance, before they are zipped."""
    folder = out / 'unzipped' / f'Actor_{clip.person:02d}'
    return folder / f'01-{clip.name}.mp4', folder / f'02-{clip.name}.mp4', folder / f'03-{clip.name}.wav'


def _write_cremad(out: Path, clip: _Clip) -> None:
    video, audio = _cremad_files(out, clip)
    frames, waveform = _draw(clip, 320)
    with atomic_write(audio) as part:
        soundfile.write(part, waveform, SAMPLE_RATE_HZ, format='WAV')
    with atomic_write(video) as part:
        encode_clip(part, frames, waveform, FPS, _FLV)


def _write_votes(path: Path, clips: list[_Clip]) -> None:
    """Write ten votes for each clip and modality in the owners' form; the acted emotion has most of them by chance."""
    codes = dict(A='anger', D='disgust', F='fear', H='happy', N='neutral', S='sad')
    rng = np.random.default_rng(0)
    rows = []
    for modality, ratio in ((1, .4), (2, .57), (3, .63)):  # as CREMA-D's raters
        for number, clip in enumerate(clips, 1):
            odds = [ratio if name == clip.emotion else (1 - ratio) / 5 for name in codes.values()]
            rows.append((f'{modality}{number:05d}', *rng.multinomial(10, odds), clip.name))
    write_csv(path, ('', *codes, 'fileName'), rows)


def _write_ravdess(out: Path, clip: _Clip) -> None:
    *videos, audio = _ravdess_files(out, clip)
    frames, waveform = _draw(clip, 480)
    for video, form in zip(videos, (_MP4, _SILENT_MP4), strict=True):
        with atomic_write(video) as part:
            encode_clip(part, frames, waveform, FPS, form)
    with atomic_write(audio) as part:
        soundfile.write(part, soxr.resample(waveform, SAMPLE_RATE_HZ, 48000), 48000, format='WAV')


def _video_zip(person: int) -> str:
    return f'Video_Speech_Actor_{person:02d}.zip'


def _zip_ravdess(out: Path) -> None:
    """Pack what was written, as the owners do: the videos of each actor, and the audio of all."""
    folder = out / 'unzipped'
    if not folder.is_dir():
        return
    files = sorted(folder.rglob('*-*.*'))
    zips: dict[str, list[Path]] = {_AUDIO_ZIP: [file for file in files if file.suffix == '.wav']}
    for file in files:
        if file.suffix == '.mp4':
            zips.setdefault(_video_zip(int(file.parent.name[-2:])), []).append(file)
    for name in [name for name in zips if not (out / name).is_file()]:
        with atomic_write(out / name) as part, zipfile.ZipFile(part, 'w') as archive:
            for member in zips[name]:
                archive.write(member, member.relative_to(folder))
    shutil.rmtree(folder)
