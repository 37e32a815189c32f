"""What is opened, and what is not."""
import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

import claip_emo_mm
from claip_emo_mm.data_checks.clip_probe import ClipJob, probe_clip
from claip_emo_mm.data_preparation.clips import ClipPreparation
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.containers import MEDIA_FORMATS, open_media


def write_clip(path: Path, muxer: str | None = None, codec: str = 'mpeg4', metadata: bytes = b'') -> Path:
    with av.open(str(path), 'w', format=muxer) as container:
        container.metadata['title'] = metadata.decode('latin-1') or 'clip'
        video = container.add_stream(codec, rate=25)
        video.width, video.height = 64, 32
        video.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        for gray in range(25):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((32, 64, 3), 5 * gray, np.uint8), 'rgb24')))
        container.mux(video.encode())
    return path


def write_audio(path: Path, codec: str, rate_hz: int = 16000, layout: str = 'mono') -> Path:
    with av.open(str(path), 'w') as container:
        audio = container.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format='s16', layout='mono')
        frame.sample_rate, frame.pts = rate_hz, 0
        container.mux([*audio.encode(frame), *audio.encode()])
    return path


def refused(path: Path | str) -> bool:
    try:
        open_media(path).close()
    except (InputError, av.error.FFmpegError) as error:
        return '\n' not in str(error)
    return False


def test_lists_of_other_files_are_not_followed(tmp_path: Path, write_lists: Callable[[Path, Path], list[Path]]) -> None:
    paths = write_lists(tmp_path, write_clip(tmp_path / 'private.mp4'))
    assert len(paths) == 19
    assert [path.name for path in paths if not refused(path)] == []


def test_lists_are_one_failure_each_in_preparation_and_check(
        tmp_path: Path, write_lists: Callable[[Path, Path], list[Path]]) -> None:
    preparation = ClipPreparation(tmp_path / 'out', crop_frames=False, crop_videos=False)
    preparation.open_folder()
    for path in write_lists(tmp_path, write_clip(tmp_path / 'private.mp4')):
        prepared = preparation(ClipSource('00001', video=path))
        found = probe_clip(ClipJob(str(path), ''))
        for message in (prepared.failure.reason, found.frame_error):
            assert message.startswith(f'{path}: ') and '\n' not in message and 'private' not in message
    assert [path for path in (tmp_path / 'out').rglob('*') if path.is_file()] == []


def test_names_are_no_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = write_clip(tmp_path / 'video.mp4')
    for name in (f'concat:{video}|{video}', f'file:{video}', f'subfile,,start,0,end,0,,:{video}', f'async:{video}',
                 'http://localhost:1/video.mp4', 'data:text/plain,x', f'crypto:{video}'):
        with pytest.raises(InputError, match='there is no such file'):
            open_media(name)
    monkeypatch.chdir(tmp_path)
    for name in ('http:video.mp4', 'concat:video.mp4', 'pipe:0', '-', 'a,b;c?d#e%20f.mp4', '名 字.mp4'):
        os.link(video, name)
        with open_media(name) as container:
            assert sum(1 for _ in container.decode(video=0)) == 25
    with open(os.fsencode(tmp_path) + b'/caf\xe9.mp4', 'wb') as file:  # a name of an old disk
        file.write(video.read_bytes())
    with open_media(os.fsdecode(b'caf\xe9.mp4')) as container:
        assert container.streams.video[0].width == 64


def test_a_title_of_an_old_camera(tmp_path: Path) -> None:
    data = write_clip(tmp_path / 'title.avi', metadata=b'Caf? 123').read_bytes()
    assert data.count(b'Caf? 123') == 1
    (tmp_path / 'title.avi').write_bytes(data.replace(b'Caf? 123', b'Caf\xe9 123'))  # Latin-1
    with open_media(tmp_path / 'title.avi') as container:
        assert container.metadata['title'].endswith(' 123')


@pytest.mark.parametrize(('name', 'codec'), [
    ('a.mp4', 'mpeg4'), ('a.m4v', 'mpeg4'), ('a.mov', 'mjpeg'), ('a.mkv', 'mpeg4'), ('a.webm', 'libvpx'),
    ('a.avi', 'mpeg4'), ('a.flv', 'flv'), ('a.wmv', 'wmv2'), ('a.mpg', 'mpeg1video'), ('a.vob', 'mpeg2video'),
    ('a.ts', 'mpeg2video'), ('a.m2ts', 'mpeg2video'), ('a.3gp', 'mpeg4'), ('a.ogv', 'libvpx'), ('a.mxf', 'mpeg2video'),
    ('a.nut', 'mpeg4'), ('a.rm', 'rv10'), ('a.m2v', 'mpeg2video')])
def test_videos_that_are_read(tmp_path: Path, name: str, codec: str) -> None:
    with open_media(write_clip(tmp_path / name, codec=codec)) as container:
        assert container.streams.best('video').width == 64


@pytest.mark.parametrize(('name', 'codec'), [
    ('a.wav', 'pcm_s16le'), ('a.flac', 'flac'), ('a.mp3', 'libmp3lame'), ('a.aac', 'aac'), ('a.m4a', 'aac'),
    ('a.ogg', 'flac'), ('a.opus', 'libopus'), ('a.aiff', 'pcm_s16be'), ('a.caf', 'pcm_s16le'),
    ('a.ac3', 'ac3'), ('a.au', 'pcm_s16be'), ('a.voc', 'pcm_s16le'), ('a.wv', 'wavpack'), ('a.tta', 'tta')])
def test_audio_formats_that_are_read(tmp_path: Path, name: str, codec: str) -> None:
    with open_media(write_audio(tmp_path / name, codec, 48000)) as container:
        assert container.streams.best('audio').rate == 48000


def test_every_format_of_the_list_is_known_to_ffmpeg() -> None:
    assert [name for name in MEDIA_FORMATS if name not in av.formats_available] == []
    assert not {'hls', 'concat', 'dash', 'sdp', 'image2', 'tty', 'lavfi', 'imf', 'rtsp'} & set(MEDIA_FORMATS)


def test_media_are_opened_for_reading_in_one_place_and_live_sources_in_another() -> None:
    package = Path(claip_emo_mm.__file__).parent
    opened = {path.relative_to(package).as_posix() for path in package.rglob('*.py')
              for call in path.read_text().split('av.open(')[1:] if "'w'" not in call.partition('\n')[0]}
    assert opened == {'media/containers.py', 'media/live_sources.py'}


def test_a_file_in_a_folder_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, **how: object) -> os.stat_result:
        raise PermissionError(13, 'Permission denied', str(path))
    monkeypatch.setattr(os, 'stat', refuse)  # root may look everywhere
    with pytest.raises(InputError, match=r'a\.mp4: you may not look into its folder\. Expected a file of video'):
        open_media(tmp_path / 'a.mp4')
