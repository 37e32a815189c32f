"""Finding one's own videos, and naming all that is not one."""
import hashlib
import os
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.class_folders import find_labeled_videos
from claip_emo_mm.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'')


def test_a_subfolder_is_a_class(tmp_path: Path) -> None:
    touch(tmp_path, 'joy/b.MP4', 'joy/deep/a.mov', 'anger/a.mp4', 'anger/notes.txt', 'anger/.hidden.mp4', '.git/x.mp4',
          'list.csv', 'joy /c.mp4', '__MACOSX/joy/._b.mp4', 'joy/Thumbs.db', 'joy/.DS_Store')
    found = find_labeled_videos(tmp_path)
    assert [(video.clip_id, video.label) for video in found.videos] == [
        ('anger_a.mp4', 'anger'), ('joy_b.MP4', 'joy'), ('joy_deep_a.mov', 'joy'),
        ('joy _c.mp4', 'joy')]
    assert found.videos[2].path == tmp_path / 'joy' / 'deep' / 'a.mov'
    assert found.classes == ['anger', 'joy']
    assert found.unused == [tmp_path / 'list.csv', tmp_path / 'anger/notes.txt']
    assert not found.failures and not found.empty


@pytest.mark.parametrize('suffix', ['.mpg', '.MTS', '.m2ts', '.3gp', '.gif', '.ts', '.vob'])
def test_a_camera_s_files_are_videos(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f'joy/1{suffix}', 'anger/1.mp4')
    assert [video.path.name for video in find_labeled_videos(tmp_path).videos] == ['1.mp4', f'1{suffix}']


def test_a_class_without_videos_is_named(tmp_path: Path) -> None:
    touch(tmp_path, 'a/1.mp4', 'b/1.mp4', 'fear/1.xyz', 'fear/2.xyz', 'fear/deep/readme', 'fear/x.wav')
    (tmp_path / 'joy').mkdir()
    found = find_labeled_videos(tmp_path)
    assert found.classes == ['a', 'b'] and found.empty == ['fear', 'joy']
    assert [(failure.clip_id, failure.stage) for failure in found.failures] == [('fear', 'folder'), ('joy', 'folder')]
    assert '4 other files (1.xyz, 2.xyz, x.wav and 1 more) and no video' in found.failures[0].reason
    assert 'joy: no file and no video in this subfolder' in found.failures[1].reason
    assert len(found.unused) == 4


@pytest.mark.parametrize(('names', 'message'), [
    (['a/1.mp4'], r'in 1 subfolders \(a\). Expected at least two'),
    (['a/1.txt', 'b/1.txt'], r'in 0 subfolders \(none\).*a: 1 other files \(1.txt\) and no video'),
    (['a/1.mp4', 'b/1.mp4', 'c.mp4'], r'1 videos lie beside the subfolders \(c.mp4\)')])
def test_other_folders_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        find_labeled_videos(tmp_path)


def test_two_videos_of_one_name(tmp_path: Path) -> None:
    touch(tmp_path, 'a/b/1.mp4', 'a/b_1.mp4', 'b/1.mp4')
    found = find_labeled_videos(tmp_path)
    assert [video.path for video in found.videos] == [tmp_path / 'a/b_1.mp4', tmp_path / 'b/1.mp4']
    assert [failure.file for failure in found.failures] == [str(tmp_path / 'a/b/1.mp4')]
    assert 'would both be called a_b_1.mp4' in found.failures[0].reason


def test_names_that_no_list_can_hold(tmp_path: Path) -> None:
    touch(tmp_path, 'joy/a.mp4', os.fsdecode(b'joy/caf\xe9.mp4'), 'anger/1.mp4', os.fsdecode(b'f\xeate/1.mp4'))
    found = find_labeled_videos(tmp_path)
    assert [video.path.name for video in found.videos] == ['1.mp4', 'a.mp4']
    folder, file = sorted(found.failures, key=lambda failure: failure.stage)
    assert (folder.stage, folder.file) == ('folder', f'{tmp_path}/f\\xeate')
    assert (file.stage, file.clip_id) == ('source', 'caf\\xe9.mp4') and 'is not in UTF-8' in file.reason
    assert found.empty == ['f\\xeate']


def test_a_long_name_is_cut_and_stays_its_own(tmp_path: Path) -> None:
    long = '笑' * 81 + 'b.mp4'  # 248 bytes: with _ and the class too long for a file
    touch(tmp_path, f'joy/{long}', 'anger/1.mp4', f'anger/{"x" * 235}.mp4')
    found = find_labeled_videos(tmp_path)
    assert len(found.videos) == 3 and not found.failures
    *_, other, cut = sorted(found.videos, key=lambda video: video.label)
    assert other.clip_id == f'anger_{"x" * 235}.mp4'  # 245 bytes: .wav.part still fits
    name = f'joy_{long}'
    mark = hashlib.sha256(name.encode()).hexdigest()[:12]
    assert cut.clip_id == f'joy_{"笑" * 76}-{mark}'  # 4 + 228 + 13 = 245 bytes
    assert cut.path.name == long


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, 'joy/1.mp4', 'joy/locked/2.mp4', 'anger/1.mp4', 'fear/1.mp4')
    scan = os.scandir

    def refuse(path: str) -> object:
        if os.path.basename(path) in ('locked', 'fear'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scan(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    found = find_labeled_videos(tmp_path)
    assert [video.clip_id for video in found.videos] == ['anger_1.mp4', 'joy_1.mp4']
    assert [(failure.file, failure.stage) for failure in found.failures] == [
        (str(tmp_path / 'fear'), 'folder'), (str(tmp_path / 'joy/locked'), 'folder')]
    assert all('cannot be read (Permission denied)' in failure.reason for failure in found.failures)
    assert found.empty == ['fear']


def test_a_folder_is_read_once(tmp_path: Path) -> None:
    touch(tmp_path, 'joy/1.mp4', 'sad/1.mp4')
    (tmp_path / 'joy/round').symlink_to(tmp_path)
    (tmp_path / 'joy/again').symlink_to(tmp_path / 'joy')
    (tmp_path / 'joy/other').symlink_to(tmp_path / 'sad')
    found = find_labeled_videos(tmp_path)
    assert [(video.path, video.label) for video in found.videos] == [
        (tmp_path / 'joy/1.mp4', 'joy'), (tmp_path / 'sad/1.mp4', 'sad')]
    assert [failure.file for failure in found.failures] == [
        str(tmp_path / 'joy' / name) for name in ('again', 'other', 'round')]
