"""A data set from what was handed out to ready lists, with everything that may be wrong on the way."""
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from claip_emo_mm.data_preparation import OfficialSet, prepare_official_dataset
from claip_emo_mm.data_preparation import clips as clips_module
from claip_emo_mm.data_preparation.clips import ClipPreparation
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile

ROOT = Path(__file__).parents[2]
EMOTIONS = ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear', 'fear')


class FullDetector:
    """Finds a face that fills the frame, and none in a black one."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        height, width = frame.shape[:2]
        return [FaceBox(0, 0, width, height, .9)] if frame.any() else []


def rows(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding='utf-8', newline='') as file:
        return [tuple(row) for row in csv.reader(file)]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def dfew(source: Path, out: Path, **settings) -> OfficialSet:
    return OfficialSet(DFEW, source, out, make_detector=FullDetector, **settings)


def test_videos(dfew_videos: Path, tmp_path: Path) -> None:
    before, out = tree(dfew_videos), tmp_path / 'data' / 'dfew'
    report = prepare_official_dataset(dfew(dfew_videos, out))
    assert (report.listed, report.with_audio, report.cropped) == (8, 8, 0)
    assert report.without_audio == report.failures == report.unlisted == ()
    assert sorted(path.name for path in out.iterdir()) == ['audio', 'failures.csv', 'frames', 'lists', 'notes.csv',
                                                           'preparation.json']
    assert sorted(path.name for path in (out / 'lists').iterdir()) == sorted(
        f'fold{fold}_{split}.csv' for fold in range(1, 6) for split in ('train', 'test'))
    assert rows(out / 'lists/fold5_test.csv') == [
        ('frames', 'audio', 'label'), ('frames/00005', 'audio/00005.wav', 'surprise'),
        ('frames/00006', 'audio/00006.wav', 'disgust'), ('frames/00007', 'audio/00007.wav', 'fear')]
    for clip in read_annotation_list(out / 'lists/fold1_train.csv'):
        number = int(Path(clip.frames).name)
        assert clip.label == EMOTIONS[number - 1]
        video = next(dfew_videos.rglob(f'{number}.mp4'))
        assert FrameFolder(str(out / clip.frames), str(out / clip.audio)).num_frames == VideoFile(str(video)).num_frames
    assert rows(out / 'failures.csv') == [('clip', 'file', 'stage', 'reason')]
    assert tree(dfew_videos) == before  # what was handed out stays as it is


def test_what_cannot_be_read_or_used_is_named_and_the_rest_goes_on(
        dfew_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dfew_videos / 'locked').mkdir()
    next(dfew_videos.rglob('5.mp4')).rename(dfew_videos / 'locked/5.mp4')
    next(dfew_videos.rglob('6.mp4')).write_bytes(b'text')
    for name in (os.fsdecode(b'caf\xe9.mp4'), 'a.npy', 'b.npy'):
        (dfew_videos / name).touch()
    scan, prepare = os.scandir, ClipPreparation._prepare_frames

    def refuse(path: Path) -> object:
        if Path(path).name == 'locked':
            raise PermissionError(13, 'Permission denied', str(path))
        return scan(path)

    def fail(preparation: ClipPreparation, clip: ClipSource, video: VideoFile) -> Path | None:
        if clip.clip_id == '00007':
            raise MemoryError
        if clip.clip_id == '00008':
            raise OSError(36, 'File name too long')
        return prepare(preparation, clip, video)

    monkeypatch.setattr(os, 'scandir', refuse)
    monkeypatch.setattr(ClipPreparation, '_prepare_frames', fail)
    report = prepare_official_dataset(dfew(dfew_videos, tmp_path / 'out', faces='keep'))
    assert (report.with_audio, report.failed) == (4, ('00005', '00006', '00007', '00008'))
    assert report.folders == (str(dfew_videos / 'locked'),)
    reasons = {failure.clip_id: failure.reason for failure in report.failures}
    assert 'this folder cannot be read (Permission denied)' in reasons['locked']
    assert '7.mp4: cannot be read (no memory for it)' in reasons['00007']
    assert '8.mp4: cannot be read (File name too long)' in reasons['00008']
    assert report.lines()[-1] == r'  not used       1 videos not named by a number (caf\xe9.mp4), 2 .npy (a.npy)'
    assert [row[0] for row in rows(tmp_path / 'out/lists/fold5_train.csv')[1:]] == [
        f'frames/0000{number}' for number in (1, 2, 3, 4)]


@pytest.mark.parametrize(('kind', 'schema', 'label'), [('single', MAFW, 'disgust'),
                                                       ('compound', MAFW_COMPOUND, 'anger_disgust')])
def test_frame_folders_of_faces_with_audio(mafw_frames: Path, tmp_path: Path, kind: str, schema, label: str) -> None:
    out = tmp_path / 'out'
    report = prepare_official_dataset(OfficialSet(schema, mafw_frames, out, kind, make_detector=FullDetector))
    listed = 6 if kind == 'single' else 7
    assert (report.listed, report.with_audio, report.without_audio) == (listed, listed - 1, ('00003',))
    assert report.unlisted == (('00007',) if kind == 'single' else ())
    assert ('00003', 'no audio: listed with an empty audio cell') in rows(out / 'notes.csv')
    train = read_annotation_list(out / f'lists/{kind}/fold1_train.csv')
    listed_clips = {Path(clip.frames).name: clip for clip in train}
    assert listed_clips['00002'].frames == '../MAFW/data/frames/00002'
    assert listed_clips['00002'].audio == '../MAFW/data/audio_16k/2.wav'
    assert listed_clips['00003'].audio == ''
    assert listed_clips[f'{listed:05d}'].label == label
    assert not any((out / 'frames').iterdir()) and not any((out / 'audio').iterdir())


def test_only_the_asked_folds(dfew_videos: Path, tmp_path: Path) -> None:
    report = prepare_official_dataset(dfew(dfew_videos, tmp_path / 'out', folds=(2, 4)))
    assert [path.name for path in report.lists] == ['fold2_train.csv', 'fold2_test.csv', 'fold4_train.csv',
                                                    'fold4_test.csv']


def test_relative_and_absolute_paths_mix(dfew_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = prepare_official_dataset(dfew(Path('DFEW'), tmp_path / 'out', videos=dfew_videos))
    assert report.with_audio == 8
    assert rows(tmp_path / 'out/lists/fold1_test.csv')[1] == ('frames/00001', 'audio/00001.wav', 'happy')


def test_everything_that_fails_is_named(dfew_videos: Path, tmp_path: Path) -> None:
    out, videos = tmp_path / 'out', dfew_videos / 'Clip/original'
    (videos / 'part_1/1.mp4').unlink()
    (videos / 'part_1/2.mp4').write_bytes((videos / 'part_1/2.mp4').read_bytes()[:4000])
    (videos / 'part_1/3.mp4').unlink()
    black = dfew_videos / 'frames/00003'
    black.mkdir(parents=True)
    cv2.imwrite(str(black / '1.jpg'), np.zeros((64, 64, 3), np.uint8))
    shutil.copy(videos / 'part_2/7.mp4', videos / 'part_2/99.mp4')
    report = prepare_official_dataset(dfew(dfew_videos, out, faces='crop'))
    assert (report.listed, report.with_audio, report.cropped) == (8, 5, 5)
    assert (report.failed, report.faceless, report.unlisted) == (('00001', '00002'), ('00003',), ('00099',))
    header, *failures = rows(out / 'failures.csv')
    assert header == ('clip', 'file', 'stage', 'reason')
    assert [row[:3] for row in failures] == [
        ('00001', str(dfew_videos), 'source'), ('00002', str(videos / 'part_1/2.mp4'), 'video'),
        ('00003', str(black), 'face')]
    assert 'neither a video nor a folder' in failures[0][3] and failures[2][3] == 'no face'
    assert rows(out / 'notes.csv')[1:] == [('00099', 'in no list: not prepared')]
    assert [row[0] for row in rows(out / 'lists/fold4_train.csv')[1:]] == ['frames/00005', 'frames/00006',
                                                                           'frames/00008']
    assert '\n'.join(report.lines()).split() == (
        'clips 8 in the lists, 5 ready with audio 5 without audio 0 cropped 5 no face 1 00003 failed 2 00001, 00002 '
        'in no list 1 00099').split()


def test_a_second_run_makes_only_what_is_missing(dfew_videos: Path, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / 'out'
    broken = dfew_videos / 'Clip/original/part_1/2.mp4'
    whole = broken.read_bytes()
    broken.write_bytes(b'')
    assert prepare_official_dataset(dfew(dfew_videos, out)).failed == ('00002',)
    kept = {path: path.stat().st_mtime_ns for path in [*out.glob('frames/*/*'), *out.glob('audio/*')]}
    broken.write_bytes(whole)
    opened = []
    monkeypatch.setattr(clips_module, 'VideoFile', lambda path: opened.append(path) or VideoFile(path))
    report = prepare_official_dataset(dfew(dfew_videos, out))
    assert opened == [str(broken)]
    assert report.with_audio == 8 and not report.failures
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(rows(out / 'failures.csv')) == 1
    assert ('frames/00002', 'audio/00002.wav', 'sad') in rows(out / 'lists/fold1_train.csv')


def test_goes_on_after_it_was_killed(dfew_videos: Path, tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    out, count = tmp_path / 'out', 50
    for number in range(9, count + 1):
        (dfew_videos / f'{number}.mp4').symlink_to(toy_clips['happy'])
    for path in dfew_videos.rglob('train*/set_1.csv'):
        path.write_text(path.read_text(encoding='utf-8') + ''.join(f'{n:05d},1\n' for n in range(9, count + 1)),
                        encoding='utf-8')
    tool = [sys.executable, str(ROOT / 'tools/prepare_data.py'), 'dfew', str(dfew_videos), '--out', str(out),
            '--faces', 'crop', '--folds', '1', '--workers', '2']
    process = subprocess.Popen(tool, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=os.environ | {'PYTHONPATH': str(ROOT)})
    while len(list(out.glob('frames/*[0-9]'))) < 3 and process.poll() is None:
        time.sleep(.005)
    process.kill()
    process.wait()
    time.sleep(.5)  # the workers see that their parent is gone
    there = [path for path in out.glob('frames/*[0-9]')]
    assert 3 <= len(there) < count
    lengths = {number: VideoFile(str(next(dfew_videos.rglob(f'{number}.mp4')))).num_frames
               for number in range(1, count + 1)}
    for folder in there:
        assert len(list(folder.glob('*.jpg'))) == lengths[int(folder.name)]
    assert not (out / 'lists').exists()
    os.utime(there[0], (1, 1))
    report = prepare_official_dataset(replace(dfew(dfew_videos, out, folds=(1,)), faces='crop'))
    assert report.with_audio == report.cropped == count and not report.failures
    assert there[0].stat().st_mtime == 1
    assert not list(out.glob('*/*.part'))


def test_ctrl_c_ends_cleanly(dfew_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             caplog: pytest.LogCaptureFixture, ctrl_c_interrupts: None) -> None:
    out = tmp_path / 'out'
    write = clips_module._write_jpeg

    def interrupted(path: Path, frame: np.ndarray) -> None:
        if path.parent.name.startswith('00004') and path.stem == '00003':
            signal.raise_signal(signal.SIGINT)
        write(path, frame)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(clips_module, '_write_jpeg', interrupted)
        prepare_official_dataset(dfew(dfew_videos, out))
    assert caplog.messages[-1] == f'{out}: stopped; the same command goes on with what is missing'
    assert sorted(path.name for path in (out / 'frames').iterdir()) == ['00001', '00002', '00003']
    assert prepare_official_dataset(dfew(dfew_videos, out)).with_audio == 8


def test_a_disk_that_is_full(dfew_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, frame: np.ndarray) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(clips_module, '_write_jpeg', fail)
    with pytest.raises(InputError, match='cannot be written .No space left on device.*--out'):
        prepare_official_dataset(dfew(dfew_videos, tmp_path / 'out'))


def test_no_clip_is_ready(dfew_videos: Path, tmp_path: Path) -> None:
    for video in dfew_videos.rglob('*.mp4'):
        video.write_bytes(b'')
    report = prepare_official_dataset(dfew(dfew_videos, tmp_path / 'out', faces='keep'))
    assert report.lists == () and len(report.failures) == 8
    assert not (tmp_path / 'out/lists').exists()


def test_lists_of_another_data_set(dfew_videos: Path, tmp_path: Path) -> None:
    for number in range(1, 9):
        video = next(dfew_videos.rglob(f'{number}.mp4'))
        video.rename(video.with_name(f'{number + 100}.mp4'))
    with pytest.raises(InputError, match=r'none of the 8 clips of the lists is there \(00001 for instance\); 8 others'):
        prepare_official_dataset(dfew(dfew_videos, tmp_path / 'out'))


@pytest.mark.parametrize(('out', 'where'), [('.', 'the same as'), ('..', 'around'), ('Clip/..', 'the same as')])
def test_results_never_mix_with_the_source(dfew_videos: Path, out: str, where: str) -> None:
    before = tree(dfew_videos)
    with pytest.raises(InputError, match=f'the folder for the results is {where} the one of the distribution'):
        prepare_official_dataset(dfew(dfew_videos, dfew_videos / out))
    assert tree(dfew_videos) == before


def test_results_below_the_source_are_not_taken_for_it(dfew_videos: Path) -> None:
    out = dfew_videos / 'ready'
    for _ in range(2):
        assert prepare_official_dataset(dfew(dfew_videos, out)).with_audio == 8
    assert rows(out / 'lists/fold1_test.csv')[1] == ('frames/00001', 'audio/00001.wav', 'happy')
