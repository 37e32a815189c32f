"""Pointers of git-lfs in place of files are known wherever a file is read, with the command that fetches it."""
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_media import write_pointer

from claip_emo_mm.compat.safe_load import load_from_local
from claip_emo_mm.data_checks.clip_probe import ClipJob, probe_clip
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.audio import read_audio_file
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.file_errors import is_pointer

MESSAGE = r'{}: a git-lfs pointer, three lines of text in place of the file\. .*git lfs install && git lfs pull'


@pytest.mark.parametrize(('name', 'read'), [
    ('a.flv', lambda path: VideoFile(str(path))),
    ('a.mp4', lambda path: VideoFile(str(path))),
    ('a.wav', lambda path: read_audio_file(str(path))),
    ('a.mp3', lambda path: read_audio_file(str(path))),
    ('1.jpg', lambda path: FrameFolder(str(path.parent)).decode(np.array([0]))),
    ('list.csv', read_annotation_list),
    ('clap.pt', lambda path: load_from_local(str(path))),
    ('clip.safetensors', lambda path: load_from_local(str(path)))])
def test_whatever_reads_one_says_so(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    path = write_pointer(tmp_path / name)
    with pytest.raises(InputError, match=MESSAGE.format(name)):
        read(path)


def test_check_data_says_so(tmp_path: Path) -> None:
    video, audio = write_pointer(tmp_path / 'a.flv'), write_pointer(tmp_path / 'a.wav')
    write_pointer(tmp_path / 'frames/1.jpg')
    assert 'git lfs pull' in probe_clip(ClipJob(str(video), '')).frame_error
    probe = probe_clip(ClipJob(str(tmp_path / 'frames'), str(audio)))
    assert 'git lfs pull' in probe.frame_error and 'git lfs pull' in probe.audio_error


def test_a_large_file_is_none() -> None:
    text = b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 2\n'
    assert is_pointer(text) and not is_pointer(text + 1024 * b'x') and not is_pointer(b'RIFF')
