"""The one list of suffixes: each belongs to a demuxer, and what FFmpeg can write under it can be read."""
import re
from pathlib import Path

import av
import numpy as np
import pytest
from av.format import ContainerFormat

from claip_emo_mm.media.containers import (
    AUDIO_SUFFIXES,
    MEDIA_FORMATS,
    MEDIA_SUFFIXES,
    VIDEO_SUFFIXES,
    is_system_file,
    open_media,
)

# FFmpeg's demuxer -> the suffixes that are its own, written down by hand from its documentation.
VIDEO_DEMUXERS = {
    'mov': '.3g2 .3gp .3gpp .f4v .m4v .mj2 .mov .mp4 .qt', 'avi': '.amv .avi .divx', 'asf': '.asf .wmv', 'dv': '.dv',
    'flv': '.flv', 'gif': '.gif', 'mpegts': '.m2t .m2ts .mts .ts', 'matroska': '.mk3d .mkv .webm',
    'mpeg': '.mpe .mpeg .mpg .vob', 'mxf': '.mxf', 'nut': '.nut', 'ogg': '.ogm .ogv', 'rm': '.rm .rmvb', 'wtv': '.wtv'}
AUDIO_DEMUXERS = {
    'aac': '.aac', 'ac3': '.ac3', 'aiff': '.aif .aifc .aiff', 'amr': '.amr', 'ape': '.ape', 'au': '.au .snd',
    'caf': '.caf', 'eac3': '.eac3', 'flac': '.flac', 'mov': '.m4a .m4b', 'matroska': '.mka .weba', 'mp3': '.mp2 .mp3',
    'mpc': '.mpc', 'ogg': '.oga .ogg .opus .spx', 'rm': '.ra', 'tta': '.tta', 'w64': '.w64', 'wav': '.wav',
    'asf': '.wma', 'wv': '.wv'}
# Suffix -> container (None: FFmpeg knows it by the suffix) and codec to write it with; a row for each way to write.
VIDEO_WRITTEN = {
    '.3g2': (None, 'mpeg4'), '.3gp': (None, 'mpeg4'), '.3gpp': ('3gp', 'mpeg4'), '.asf': (None, 'mpeg4'),
    '.avi': (None, 'mpeg4'), '.divx': ('avi', 'mpeg4'), '.f4v': (None, 'libx264'), '.flv': (None, 'flv1'),
    '.gif': (None, 'gif'), '.m2t': (None, 'mpeg2video'), '.m2ts': (None, 'mpeg2video'), '.m4v': ('ipod', 'mpeg4'),
    '.mj2': ('mov', 'mjpeg'), '.mk3d': ('matroska', 'mpeg4'), '.mkv': (None, 'mpeg4'), '.mov': (None, 'mpeg4'),
    '.mp4': (None, 'mpeg4'), '.mpe': ('mpeg', 'mpeg2video'), '.mpeg': ('mpeg', 'mpeg1video'),
    '.mpg': ('mpeg', 'mpeg2video'), '.mts': (None, 'mpeg2video'), '.mxf': (None, 'mpeg2video'), '.nut': (None, 'mpeg4'),
    '.ogv': ('ogg', 'libvpx'), '.qt': ('mov', 'mpeg4'), '.rm': (None, 'rv10'), '.ts': (None, 'mpeg2video'),
    '.vob': (None, 'mpeg2video'), '.webm': (None, 'libvpx'), '.wmv': (None, 'wmv2'), '.wtv': (None, 'mpeg2video')}
AUDIO_WRITTEN = {
    '.aac': (None, 'aac'), '.ac3': (None, 'ac3'), '.aif': (None, 'pcm_s16be'), '.aifc': (None, 'pcm_s16be'),
    '.aiff': (None, 'pcm_s16be'), '.au': (None, 'pcm_s16be'), '.caf': (None, 'pcm_s16be'), '.eac3': (None, 'eac3'),
    '.flac': (None, 'flac'), '.m4a': (None, 'aac'), '.m4b': ('ipod', 'aac'), '.mka': (None, 'flac'),
    '.mp2': (None, 'mp2'), '.mp3': (None, 'libmp3lame'), '.oga': (None, 'flac'), '.ogg': ('ogg', 'flac'),
    '.opus': (None, 'libopus'), '.snd': ('au', 'pcm_s16be'), '.tta': (None, 'tta'), '.w64': (None, 'pcm_s16le'),
    '.wav': (None, 'pcm_s16le'), '.weba': ('webm', 'libopus'), '.wma': (None, 'wmav2'), '.wv': (None, 'wavpack')}


def test_each_suffix_belongs_to_a_demuxer() -> None:
    for demuxers, suffixes in ((VIDEO_DEMUXERS, VIDEO_SUFFIXES), (AUDIO_DEMUXERS, AUDIO_SUFFIXES)):
        for name in demuxers:
            assert ContainerFormat(name, 'r').is_input and name in MEDIA_FORMATS
        assert sorted(' '.join(demuxers.values()).split()) == sorted(suffixes)
    assert sorted(MEDIA_SUFFIXES) == sorted(set(MEDIA_SUFFIXES)) == sorted(set(VIDEO_SUFFIXES) | set(AUDIO_SUFFIXES))
    assert all(re.fullmatch(r'\.[a-z0-9]+', suffix) for suffix in MEDIA_SUFFIXES)


def test_what_people_have_is_among_them() -> None:
    assert {'.mpg', '.mts', '.m2ts', '.3gp', '.gif', '.vob', '.ts', '.mp4', '.avi', '.webm'} <= set(VIDEO_SUFFIXES)
    assert {'.wav', '.mp3', '.m4a', '.opus', '.wma', '.amr'} <= set(AUDIO_SUFFIXES)
    assert not {'.txt', '.csv', '.jpg', '.png', '.m3u8', '.sdp', '.mod', '.srt', '.json'} & set(MEDIA_SUFFIXES)


@pytest.mark.parametrize('suffix', VIDEO_WRITTEN)
def test_video_is_read(tmp_path: Path, suffix: str) -> None:
    container, codec = VIDEO_WRITTEN[suffix]
    path = tmp_path / f'clip{suffix}'
    with av.open(str(path), 'w', format=container) as target:
        stream = target.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = {'gif': 'rgb8', 'mjpeg': 'yuvj420p'}.get(codec, 'yuv420p')
        for number in range(25):
            image = np.full((48, 64, 3), 10 * number, np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image, 'rgb24')))
        target.mux(stream.encode(None))
    with open_media(path) as source:
        assert sum(1 for _ in source.decode(video=0)) == 25


@pytest.mark.parametrize('suffix', AUDIO_WRITTEN)
def test_audio_is_read(tmp_path: Path, suffix: str) -> None:
    container, codec = AUDIO_WRITTEN[suffix]
    path = tmp_path / f'clip{suffix}'
    with av.open(str(path), 'w', format=container) as target:
        stream = target.add_stream(codec, rate=48000, layout='mono', bit_rate=64000)
        tone = av.AudioFrame.from_ndarray((9000 * np.sin(np.arange(24000) / 30)).astype(np.int16)[None], 's16', 'mono')
        tone.sample_rate, tone.pts = 48000, 0
        target.mux(stream.encode(tone))
        target.mux(stream.encode(None))
    with open_media(path) as source:
        assert sum(frame.samples for frame in source.decode(audio=0)) == pytest.approx(24000, abs=3000)


@pytest.mark.parametrize(('name', 'expected'), [
    ('.DS_Store', True), ('._clip.mp4', True), ('Thumbs.db', True), ('desktop.ini', True), ('__MACOSX', True),
    ('$RECYCLE.BIN', True), ('clip.mp4', False), ('notes.txt', False), ('_clip.mp4', False)])
def test_system_files(name: str, expected: bool) -> None:
    assert is_system_file(name) is expected
