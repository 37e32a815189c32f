"""The toy set as a whole: its lists and splits, and that an interrupted run goes on."""
import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claip_emo_mm.datasets.labels import DFEW
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy import dataset
from claip_emo_mm.toy.dataset import ToyClip, ToySettings, make_clip, make_toy_set
from claip_emo_mm.toy.identities import SPLITS, FaceIdentity, identity_stream
from claip_emo_mm.toy.voice import VoiceIdentity

SEED, CLIPS, COUNT = 3, (7, 1, 1), 21  # 1 person in each split


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy set that is made without a break, in one process."""
    out = tmp_path_factory.mktemp('toy') / 'set'
    make_toy_set(out, SEED, CLIPS, workers=1)
    return out


def rows_of(out: Path, split: str) -> list[dict[str, str]]:
    with (out / f'{split}.csv').open(encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of every file, by its path in the folder."""
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob('*')) if path.is_file()}


def test_lists_name_every_clip_once(folder: Path) -> None:
    videos = []
    for split in ('train', 'val', 'test'):
        rows = rows_of(folder, split)
        assert list(rows[0]) == ['video', 'label', 'identity']
        assert [row['label'] for row in rows] == list(DFEW.classes)
        videos += [row['video'] for row in rows]
    assert len(set(videos)) == COUNT
    assert set(digests(folder)) == {*videos, 'train.csv', 'val.csv', 'test.csv', 'toy.json'}


def test_no_identity_and_no_clip_is_in_two_splits(folder: Path) -> None:
    identities = [{row['identity'] for row in rows_of(folder, split)} for split in ('train', 'val', 'test')]
    assert len(set.union(*identities)) == sum(map(len, identities))
    clips = [digest for name, digest in digests(folder).items() if name.endswith('.mp4')]
    assert len(set(clips)) == COUNT


def test_faces_and_voices_of_all_splits_differ() -> None:
    drawn = [identity_stream(0, split, index) for split in SPLITS for index in range(60)]
    faces = [FaceIdentity.sample(stream) for stream in drawn]
    assert len(set(faces)) == len({VoiceIdentity.sample(stream) for stream in drawn}) == 4 * 60


def test_a_clip_does_not_depend_on_the_others(folder: Path, tmp_path: Path) -> None:
    clip = ToyClip('test', 0, 'fear')
    (tmp_path / clip.video).parent.mkdir()
    make_clip(tmp_path, ToySettings(SEED, (50, 5, 30)), clip)
    assert (tmp_path / clip.video).read_bytes() == (folder / clip.video).read_bytes()


@pytest.mark.parametrize(('clips', 'people'), [((7, 14, 21), (1, 2, 3)), ((1, 8, 15), (1, 2, 3)),
                                               ((336, 42, 210), (48, 6, 30))])
def test_clips_are_rounded_up_to_whole_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              clips: tuple[int, int, int], people: tuple[int, int, int]) -> None:
    monkeypatch.setattr(dataset, 'make_clip', lambda out, settings, clip: None)
    make_toy_set(tmp_path, clips=clips, workers=1)
    assert tuple(len({row['identity'] for row in rows_of(tmp_path, split)}) for split in SPLITS[:3]) == people
    assert tuple(len(rows_of(tmp_path, split)) for split in SPLITS[:3]) == tuple(7 * number for number in people)


def test_only_what_is_missing_is_made(folder: Path, tmp_path: Path) -> None:
    for name in ('toy.json', 'train.csv', 'videos/train_000_happy.mp4', 'videos/test_000_fear.mp4'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    kept = tmp_path / 'videos/test_000_fear.mp4'
    os.utime(kept, (1, 1))
    (tmp_path / 'videos/train_000_sad.mp4.part').write_bytes(b'half')
    make_toy_set(tmp_path, SEED, CLIPS, workers=1)
    assert kept.stat().st_mtime == 1
    assert digests(tmp_path) == digests(folder)


def test_goes_on_after_it_was_killed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / 'set'
    script = f'from claip_emo_mm.toy.dataset import make_toy_set; make_toy_set({str(out)!r}, {SEED}, {CLIPS})'
    process = subprocess.Popen([sys.executable, '-c', script], stderr=subprocess.DEVNULL)
    while len(list(out.glob('videos/*.mp4'))) < 3 and process.poll() is None:
        time.sleep(.01)
    process.kill()
    process.wait()
    there = list(out.glob('videos/*.mp4'))
    assert 3 <= len(there) < COUNT
    os.utime(there[0], (1, 1))
    make_toy_set(out, SEED, CLIPS, workers=1)
    assert there[0].stat().st_mtime == 1
    assert digests(out) == digests(folder)  # no file too many


def test_a_stopped_run_says_that_it_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              caplog: pytest.LogCaptureFixture, ctrl_c_interrupts: None) -> None:
    monkeypatch.setattr(dataset, 'make_clip', lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        make_toy_set(tmp_path, SEED, CLIPS, workers=1)
    assert caplog.messages == [f'{tmp_path}: stopped; the same command goes on with what is missing']


def test_other_settings_are_refused_and_replaced_on_demand(folder: Path, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    settings = json.loads((folder / 'toy.json').read_text(encoding='utf-8')) | {'seed': SEED + 1}
    (tmp_path / 'toy.json').write_text(json.dumps(settings), encoding='utf-8')
    (tmp_path / 'videos').mkdir()
    (tmp_path / 'videos' / 'train_000_sad.mp4').write_bytes(b'other')
    (tmp_path / 'notes.txt').write_text('mine', encoding='utf-8')
    with pytest.raises(InputError, match='toy.json: .*seed is 4, wanted 3.*--out.*--overwrite'):
        make_toy_set(tmp_path, SEED, CLIPS, workers=1)
    made = []
    monkeypatch.setattr(dataset, 'make_clip', lambda out, settings, clip: made.append(clip))
    make_toy_set(tmp_path, SEED, CLIPS, workers=1, overwrite=True)
    assert len(made) == COUNT
    assert set(digests(tmp_path)) == {'notes.txt', 'toy.json', 'train.csv', 'val.csv', 'test.csv'}
    assert (tmp_path / 'toy.json').read_bytes() == (folder / 'toy.json').read_bytes()


def test_a_broken_settings_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'toy.json').write_text('{"seed": ', encoding='utf-8')
    with pytest.raises(InputError, match='other settings: seed is None, wanted 0'):
        make_toy_set(tmp_path)


@pytest.mark.parametrize('overwrite', [False, True])
def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / 'thesis.txt').write_text('mine', encoding='utf-8')
    with pytest.raises(InputError, match='no toy set .toy.json is missing.*--out'):
        make_toy_set(tmp_path, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.txt']


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / 'toy').write_text('mine', encoding='utf-8')
    with pytest.raises(InputError, match='--out'):
        make_toy_set(tmp_path / 'toy' / 'deeper')


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'seed': -1}, '--seed -1: must be 0 or more'),
    ({'clips': (7, 0, 7)}, '--clips 7 0 7: must be three numbers from 1'),
    ({'workers': 0}, '--workers 0: must be 1 or more')])
def test_numbers_out_of_range(tmp_path: Path, arguments: dict[str, int | tuple[int, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_toy_set(tmp_path / 'set', **arguments)
    assert not (tmp_path / 'set').exists()
