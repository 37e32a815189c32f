"""Clips by the content of their files."""
import hashlib
import os
from pathlib import Path

import pytest

from claip_emo_mm.datasets.feature_cache import ContentHashes
from claip_emo_mm.errors import InputError


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10 ** 9))


def test_names_do_not_count(tmp_path: Path) -> None:
    for name, text in (('a.mp4', 'one'), ('b.mp4', 'one'), ('c.mp4', 'two')):
        (tmp_path / name).write_text(text)
    hashes = ContentHashes(tmp_path / 'cache')
    first, same, other = (hashes.clip(dict(filename=str(tmp_path / name))) for name in ('a.mp4', 'b.mp4', 'c.mp4'))
    assert first == same != other and len(first) == 16
    assert hashes.of(tmp_path / 'a.mp4') == hashlib.sha256(b'one').hexdigest()
    assert hashes.clip(dict(audio_path=str(tmp_path / 'a.mp4'))) != first  # its frames are not asked for
    assert hashes.edited == []


def test_frame_folders(tmp_path: Path) -> None:
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f'{number}.jpg').write_text(f'{number}')
    (tmp_path / 'audio.wav').write_text('audio')
    hashes = ContentHashes(tmp_path / 'cache')
    infos = [dict(frame_dir=str(tmp_path / name), audio_path=str(tmp_path / 'audio.wav')) for name in ('a', 'b')]
    assert hashes.clip(infos[0]) == hashes.clip(infos[1]) != hashes.clip(dict(infos[0], audio_path=''))
    (tmp_path / 'b' / '1.jpg').write_text('another')
    again = ContentHashes(tmp_path / 'cache')
    assert again.clip(infos[0]) == hashes.clip(infos[0]) != again.clip(infos[1])
    assert again.edited == [str(tmp_path / 'b')]


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'a.mp4'
    path.write_text('one')
    before = ContentHashes(tmp_path / 'cache').clip(dict(filename=str(path)))
    with monkeypatch.context() as patch:
        patch.setattr('claip_emo_mm.datasets.feature_cache.content._content', None)
        assert ContentHashes(tmp_path / 'cache').clip(dict(filename=str(path))) == before
    touch(path)  # another time, the same content
    hashes = ContentHashes(tmp_path / 'cache')
    assert hashes.clip(dict(filename=str(path))) == before and not hashes.edited


def test_readers_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    path = tmp_path / 'a.mp4'
    path.write_text('one')
    info = dict(filename=str(path))
    with pytest.raises(InputError, match=r'a\.mp4: is new since the features were extracted.*extract_features\.py'):
        ContentHashes(tmp_path / 'cache', read_only=True).clip(info)
    before = ContentHashes(tmp_path / 'cache').clip(info)
    assert ContentHashes(tmp_path / 'cache', read_only=True).clip(info) == before
    path.write_text('two')
    with pytest.raises(InputError, match=r'a\.mp4: was edited since'):
        ContentHashes(tmp_path / 'cache', read_only=True).clip(info)
    path.unlink()
    with pytest.raises(InputError, match=r'a\.mp4'):
        ContentHashes(tmp_path / 'cache').clip(info)
