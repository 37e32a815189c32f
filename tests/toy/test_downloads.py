"""Drawn clips in the form of public corpora."""
import zipfile
from pathlib import Path

import av
import pytest
import soundfile

from claip_emo_mm.datasets.known_corpora import cremad, ravdess
from claip_emo_mm.errors import InputError
from claip_emo_mm.toy import downloads
from claip_emo_mm.toy.downloads import make_download


def test_cremad(tmp_path: Path) -> None:
    make_download('cremad', tmp_path, people=2)
    videos = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob('*.flv'))
    clips = [cremad().find(path, 'videos')[1] for path in videos]
    assert [clip.person for clip in clips] == ['1001'] * 6 + ['1019'] * 6  # of two folds
    assert {clip.label for clip in clips[:6]} == {*cremad().schema.classes}
    with av.open(str(tmp_path / videos[0])) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height, audio.codec_context.name) == (
            'flv', 480, 360, 'mp3float')
    wavs = sorted((tmp_path / 'AudioWAV').iterdir())
    assert [path.stem for path in wavs] == [Path(path).stem for path in videos]
    assert soundfile.info(wavs[0]).samplerate == 16000


def test_ravdess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_download('ravdess', tmp_path, people=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['Audio_Speech_Actors_01-24.zip',
                                                                'Video_Speech_Actor_01.zip']
    with zipfile.ZipFile(tmp_path / 'Video_Speech_Actor_01.zip') as archive:
        names = archive.namelist()
        for name in ('01', '02'):
            archive.extract(f'Actor_01/{name}-01-03-02-01-01-01.mp4', tmp_path)
    found = [ravdess().find(name, 'videos')[1] for name in names]
    assert len(names) == 20 and len({clip.clip_id for clip in found}) == 10
    assert {clip.label for clip in found} == {*ravdess().schema.classes}
    streams = {}
    for path in sorted((tmp_path / 'Actor_01').iterdir()):
        with av.open(str(path)) as container:
            streams[path.name[:2]] = [stream.codec_context.name for stream in container.streams]
            assert (container.streams.video[0].width, container.streams.video[0].height) == (1280, 720)
    assert streams == {'01': ['h264', 'aac'], '02': ['h264']}
    with zipfile.ZipFile(tmp_path / 'Audio_Speech_Actors_01-24.zip') as archive:
        assert len(archive.namelist()) == 10
    monkeypatch.setattr(downloads, 'draw_clip', None)  # nothing is drawn again
    make_download('ravdess', tmp_path, people=1)


def test_a_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, draw, zips = [], downloads._draw, downloads._zip_ravdess

    def killed(clip: downloads._Clip, size: int) -> tuple:
        if len(drawn) == 4:
            raise KeyboardInterrupt
        drawn.append(clip)
        return draw(clip, 96)

    def killed_too(out: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, '_draw', killed)
    with pytest.raises(KeyboardInterrupt):
        make_download('ravdess', tmp_path, people=1)
    monkeypatch.setattr(downloads, '_draw', lambda clip, size: drawn.append(clip) or draw(clip, 96))
    monkeypatch.setattr(downloads, '_zip_ravdess', killed_too)
    with pytest.raises(KeyboardInterrupt):
        make_download('ravdess', tmp_path, people=1)
    assert len(drawn) == len({clip.name for clip in drawn}) == 10
    monkeypatch.setattr(downloads, '_zip_ravdess', zips)
    make_download('ravdess', tmp_path, people=1)
    assert len(drawn) == 10 and not (tmp_path / 'unzipped').exists()
    with zipfile.ZipFile(tmp_path / 'Video_Speech_Actor_01.zip') as archive:
        assert len(archive.namelist()) == 20


def test_another_form(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="form is 'meld'. Expected 'cremad' or 'ravdess'"):
        make_download('meld', tmp_path)
