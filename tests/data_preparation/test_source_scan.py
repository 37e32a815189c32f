"""Finding clips and lists, however they are laid out."""
import os
import re
from pathlib import Path

import pytest

from claip_emo_mm.data_preparation.source_scan import ClipSource, clip_id_of, find_distribution
from claip_emo_mm.errors import InputError


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'')


@pytest.mark.parametrize(('name', 'clip_id'), [('1.mp4', '00001'), ('00001', '00001'), ('16372.AVI', '16372'),
                                               ('012345.wav', '12345')])
def test_numbers_with_and_without_padding(name: str, clip_id: str) -> None:
    assert clip_id_of(Path('somewhere') / name) == clip_id


def test_every_kind_in_every_depth(tmp_path: Path) -> None:
    make(tmp_path, '1.MP4', 'part_1/2.avi', 'part_2/deep/00003.mp4', 'frames/00002/a.jpg', 'frames/4/0.PNG',
         'audio_16k/2.wav', 'audio_16k/3.wav', 'lists/set_1/train.txt', 'train_set_2.csv', 'readme.pdf', '.git/5.mp4',
         'theme.wav')
    found = find_distribution(tmp_path)
    assert found.clips() == {
        '00001': ClipSource('00001', video=tmp_path / '1.MP4'),
        '00002': ClipSource('00002', tmp_path / 'part_1/2.avi', tmp_path / 'frames/00002',
                            tmp_path / 'audio_16k/2.wav'),
        '00003': ClipSource('00003', video=tmp_path / 'part_2/deep/00003.mp4', audio=tmp_path / 'audio_16k/3.wav'),
        '00004': ClipSource('00004', frames=tmp_path / 'frames/4')}
    assert sorted(path.name for path in found.lists) == ['train.txt', 'train_set_2.csv']
    assert found.unused == {'.pdf': (1, tmp_path / 'readme.pdf'), '.wav': (1, tmp_path / 'theme.wav')}


def test_what_is_of_no_use_is_counted(tmp_path: Path) -> None:
    make(tmp_path, '1.mpg', '2.MTS', '3.3gp', '4.gif', 'x.mp4', 'y.mp4', 'a/1.npy', 'a/2.npy', 'a/b/3.npy', 'LICENSE',
         'Thumbs.db', '__MACOSX/._1.mp4', '5.opus')
    found = find_distribution(tmp_path)
    assert list(found.clips()) == ['00001', '00002', '00003', '00004'] and list(found.audio) == ['00005']
    assert found.describe_unused() == (
        '2 videos not named by a number (x.mp4), 3 .npy (1.npy), 1 without a suffix (LICENSE)')


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, '1.mp4', 'locked/2.mp4', 'split/3.mp4')
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name in ('locked', 'root'):
            raise PermissionError(13, 'Permission denied', str(path))
        return scan(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    found = find_distribution(tmp_path)
    assert sorted(found.clips()) == ['00001', '00003']
    assert list(found.unreadable) == [tmp_path / 'locked']
    assert 'cannot be read (Permission denied)' in found.unreadable[tmp_path / 'locked']
    (tmp_path / 'root').mkdir()
    with pytest.raises(InputError, match=r'root: this folder cannot be read \(Permission denied\)'):
        find_distribution(tmp_path / 'root')


def test_a_numbered_folder_without_images_is_entered(tmp_path: Path) -> None:
    make(tmp_path, '1/00007.mp4', '2/notes.txt')
    assert list(find_distribution(tmp_path).clips()) == ['00007']


def test_links_are_followed_once(tmp_path: Path) -> None:
    make(tmp_path, 'disk/1.mp4')
    (tmp_path / 'src').mkdir()
    (tmp_path / 'src/videos').symlink_to(tmp_path / 'disk')
    (tmp_path / 'disk/round').symlink_to(tmp_path / 'src')
    assert list(find_distribution(tmp_path / 'src').clips()) == ['00001']


def test_results_inside_the_source_are_no_source(tmp_path: Path) -> None:
    make(tmp_path, 'videos/1.mp4', 'ready/frames/00001/1.jpg')
    clip, = find_distribution(tmp_path, excluded=[tmp_path / 'ready']).clips().values()
    assert clip == ClipSource('00001', video=tmp_path / 'videos/1.mp4')


@pytest.mark.parametrize(('names', 'option'), [
    (('original/part_1/1.mp4', 'small/1.avi'), 'videos'), (('a/faces/00001/1.jpg', 'a/scenes/1/1.jpg'), 'frames'),
    (('v/1.mp4', 's16/1.wav', 's48/00001.wav'), 'audio')])
def test_a_clip_that_is_there_twice_needs_a_word(tmp_path: Path, names: tuple[str, ...], option: str) -> None:
    make(tmp_path, *names)
    with pytest.raises(InputError, match=f'1 clips have several .*clip 00001 has .* and .*--{option} FOLDER') as caught:
        find_distribution(tmp_path).clips()
    folder = Path(re.search(rf'instance --{option} (\S+)$', str(caught.value))[1])
    assert find_distribution(tmp_path, **{option: folder}).clips()  # the advice is good


@pytest.mark.parametrize(('names', 'message'), [
    ((), 'neither videos nor folders of frames. Expected videos .*Unpack'),
    (('a.zip', 'lists/train_set_1.csv', '1.wav'), 'neither videos nor folders'),
    (('clip_a.mp4', 'clip_b.mp4'), r'videos, but none is named by a number \(clip_a.mp4, clip_b.mp4\)')])
def test_nothing_to_prepare(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    make(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        find_distribution(tmp_path).clips()


@pytest.mark.parametrize('option', ['root', 'videos', 'frames', 'audio'])
def test_a_folder_that_is_not_there(tmp_path: Path, option: str) -> None:
    with pytest.raises(InputError, match='nowhere: there is no such folder'):
        find_distribution(**{'root': tmp_path, option: tmp_path / 'nowhere'})


def test_a_search_is_confined_whatever_the_form_of_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, 'src/original/1.mp4', 'src/small/1.avi', 'src/lists/train_set_1.csv', 'elsewhere/1/1.jpg')
    monkeypatch.chdir(tmp_path)
    for videos in (Path('src/original'), tmp_path / 'src/original'):
        found = find_distribution(Path('src'), videos=videos, frames=Path('elsewhere'))
        clip, = found.clips().values()
        assert clip.video.samefile('src/original/1.mp4') and clip.frames == Path('elsewhere/1')
        assert found.lists == [Path('src/lists/train_set_1.csv')]
