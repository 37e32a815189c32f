"""Every frame of every kind of file is the one that a player shows at that place."""
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from claip_emo_mm.data_preparation.clips import ClipPreparation
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.media.containers import decode_packets, open_media
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import FrameReader, VideoFile


def x264(parameters: str) -> dict[str, str]:
    return {'x264-params': f'log-level=none:scenecut=0:b-adapt=0:{parameters}', 'preset': 'veryfast'}


def x265(parameters: str) -> dict[str, str]:
    return {'x265-params': f'log-level=none:pools=none:scenecut=0:b-adapt=0:{parameters}', 'preset': 'ultrafast'}


class Kind(NamedTuple):
    encoder: str
    suffixes: str
    options: dict[str, str] = {}  # noqa: RUF012
    written: dict[str, object] = {}  # noqa: RUF012


VPX = {'deadline': 'realtime', 'cpu-used': '8'}
VPX_AHEAD = {'deadline': 'good', 'cpu-used': '8', 'auto-alt-ref': '1', 'lag-in-frames': '16'}
KINDS = {
    'h264': Kind('libx264', 'mp4 mov mkv avi flv ts m2ts 3gp nut wmv mxf h264', x264('bframes=3:keyint=12')),
    'h264_pyramid': Kind('libx264', 'mp4 mkv avi ts', x264('bframes=7:keyint=250:b-pyramid=normal:ref=4')),
    'h264_open': Kind('libx264', 'mp4 mkv avi ts flv', x264('bframes=3:keyint=10:open-gop=1')),
    'h264_intra': Kind('libx264', 'mp4 mkv avi ts', x264('keyint=1')),
    'h264_long': Kind('libx264', 'mp4 mkv avi ts', x264('bframes=0:keyint=250')),
    'h264_refresh': Kind('libx264', 'mp4 mkv avi ts', x264('bframes=0:keyint=12:intra-refresh=1')),
    'h264_fields': Kind('libx264', 'mp4 mkv avi ts', x264('bframes=2:keyint=12:tff=1'), dict(size=(96, 96))),
    'h264_irregular': Kind('libx264', 'mp4 mov mkv flv ts', x264('bframes=3:keyint=12'), dict(irregular=True)),
    'hevc': Kind('libx265', 'mp4 mov mkv ts', x265('bframes=3:keyint=12:open-gop=0')),
    'hevc_open': Kind('libx265', 'mp4 mkv ts', x265('bframes=4:keyint=10:open-gop=1')),
    'mpeg1': Kind('mpeg1video', 'mpg m1v mp4 mkv avi ts', {'bf': '2', 'g': '12'}),
    'mpeg2': Kind('mpeg2video', 'mpg vob m2v mp4 mov mkv avi ts m2ts mxf', {'bf': '2', 'g': '12'}),
    'mpeg2_closed': Kind('mpeg2video', 'mpg mkv ts', {'bf': '2', 'g': '12', 'flags': '+cgop',
                                                      'sc_threshold': '1000000000'}),
    'mpeg2_fields': Kind('mpeg2video', 'mpg ts', {'bf': '2', 'g': '12', 'flags': '+ildct+ilme'}),
    'mpeg4': Kind('mpeg4', 'mp4 mov mkv avi 3gp nut ts mpg', {'bf': '2', 'g': '12'}),
    'mpeg4_long': Kind('mpeg4', 'mp4 avi', {'bf': '0', 'g': '250'}),
    'mpeg4_irregular': Kind('mpeg4', 'mp4 mkv', {'bf': '2', 'g': '12'}, dict(irregular=True)),
    'xvid': Kind('mpeg4', 'avi', {'bf': '1', 'g': '250'}, dict(tag='XVID')),
    'msmpeg4v3': Kind('msmpeg4', 'avi wmv mkv'), 'msmpeg4v2': Kind('msmpeg4v2', 'avi'),
    'wmv1': Kind('wmv1', 'wmv avi'), 'wmv2': Kind('wmv2', 'wmv asf avi'), 'flv1': Kind('flv', 'flv avi'),
    'h263': Kind('h263', '3gp avi', {}, dict(size=(96, 128))), 'rv20': Kind('rv20', 'rm'),
    'vp8': Kind('libvpx', 'webm mkv ogv avi', VPX), 'vp8_ahead': Kind('libvpx', 'webm mkv', VPX_AHEAD),
    'vp8_irregular': Kind('libvpx', 'webm', VPX, dict(irregular=True)),
    'vp9': Kind('libvpx-vp9', 'webm mkv mp4', VPX), 'vp9_ahead': Kind('libvpx-vp9', 'webm mp4', VPX_AHEAD),
    'av1': Kind('libsvtav1', 'webm mkv mp4', {'preset': '12', 'svtav1-params': 'lp=1'}),
    'mjpeg': Kind('mjpeg', 'avi mov mkv mp4', {}, dict(pixels='yuvj420p')), 'ffv1': Kind('ffv1', 'mkv avi nut'),
    'prores': Kind('prores', 'mov mkv mxf', {}, dict(pixels='yuv422p10le')),
    'dnxhd': Kind('dnxhd', 'mov mxf', {'profile': 'dnxhr_lb'}, dict(pixels='yuv422p', size=(128, 256))),
    'dv': Kind('dvvideo', 'avi mov dv mxf', {}, dict(size=(576, 720), num_frames=8)),
    'huffyuv': Kind('huffyuv', 'avi', {}, dict(pixels='yuv422p')), 'utvideo': Kind('utvideo', 'avi'),
    'gif': Kind('gif', 'gif', {}, dict(pixels='rgb8')), 'svq1': Kind('svq1', 'mov', {}, dict(pixels='yuv410p')),
    'rawvideo': Kind('rawvideo', 'avi mkv nut'), 'qtrle': Kind('qtrle', 'mov', {}, dict(pixels='rgb24')),
    'png': Kind('png', 'mov avi', {}, dict(pixels='rgb24')), 'jpeg2000': Kind('jpeg2000', 'mov mxf'),
    'cinepak': Kind('cinepak', 'avi mov', {}, dict(pixels='rgb24', num_frames=12)), 'snow': Kind('snow', 'avi'),
}


def play(path: Path) -> list[np.ndarray]:
    """What a plain sequential decode shows."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format='rgb24') for frame in container.decode(container.streams.best('video'))]


@pytest.mark.parametrize('name', KINDS)
def test_every_frame_at_random_and_in_order(tmp_path: Path, write_numbers: Callable[..., Path],
                                            read_number: Callable[[np.ndarray], int], name: str) -> None:
    kind = KINDS[name]
    wrong = {}
    for suffix in kind.suffixes.split():
        path = write_numbers(tmp_path / f'{name}.{suffix}', kind.encoder, kind.options, **kind.written)
        video, shown = VideoFile(str(path)), play(path)
        drawn = list(range(kind.written.get('num_frames', 36)))
        assert [read_number(image) for image in shown] == drawn  # the judge itself
        assert video.num_frames == len(drawn), path.name
        rng = random.Random(name)
        asked = [[number] for number in rng.sample(drawn, len(drawn))] + [drawn, drawn[::4], drawn[1::7]] + [
            sorted(rng.sample(drawn, rng.randint(2, 7))) for _ in range(4)]
        read = [(number, image) for numbers in asked for number, image in zip(
            numbers, video.decode(np.array(numbers)), strict=True)]
        read += zip(drawn, video.every_frame(), strict=True)
        wrong[suffix] = [number for number, image in read
                         if read_number(image) != number or not np.array_equal(image, shown[number])]
    assert not any(wrong.values()), wrong


@pytest.mark.parametrize(('encoder', 'parameters'), [('libx264', x264('bframes=3:keyint=12:b-pyramid=none')),
                                                     ('libx265', x265('bframes=3:keyint=12:b-pyramid=0'))])
def test_frames_that_no_other_refers_to_are_left_out(tmp_path: Path, write_numbers: Callable[..., Path], encoder: str,
                                                     parameters: dict[str, str]) -> None:
    path = write_numbers(tmp_path / 'clip.mp4', encoder, parameters)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    wanted = {frame.pts for frame in frames[1::5]}
    with open_media(path) as container:
        decoded = list(decode_packets(container.demux(video=0), wanted))
    expected = [frame for frame in frames if frame.pts in wanted or frame.pict_type != PictureType.B]
    assert [frame.pts for frame in decoded] == [frame.pts for frame in expected] and len(expected) < len(frames)
    assert all(np.array_equal(one.to_ndarray(), other.to_ndarray()) for one, other in zip(
        decoded, expected, strict=True))


def test_fields_are_not_left_out(tmp_path: Path, write_numbers: Callable[..., Path],
                                 read_number: Callable[[np.ndarray], int], monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS['h264_fields']
    path = write_numbers(tmp_path / 'clip.mp4', kind.encoder, kind.options, **kind.written)
    runs = []
    seek = FrameReader._seek
    monkeypatch.setattr(FrameReader, '_seek', lambda self, numbers, skips: runs.append(skips) or seek(
        self, numbers, skips))
    monkeypatch.setattr(FrameReader, '_shown_at', None)  # what reads a video whose frames have other times
    video = VideoFile(str(path))
    assert [read_number(image) for image in video.decode(np.array([3, 5, 20]))] == [3, 5, 20]
    assert runs == [True, False]


@pytest.mark.parametrize('name', ['h264', 'h264_open', 'hevc_open', 'mpeg4_irregular'])
def test_packets_that_were_not_kept_are_read_again(tmp_path: Path, write_numbers: Callable[..., Path], name: str,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS[name]
    path = write_numbers(tmp_path / 'clip.mp4', kind.encoder, kind.options, **kind.written)
    kept = VideoFile(str(path))
    monkeypatch.setattr('claip_emo_mm.media.packets._KEPT_BYTES', 1000)
    again = VideoFile(str(path))
    for numbers in ([1, 5, 30], [0], [35], [2, 3, 20]):
        np.testing.assert_array_equal(again.decode(np.array(numbers)), kept.decode(np.array(numbers)))


class WholeFrame:
    """Takes every frame for a face that fills it."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        height, width = frame.shape[:2]
        return [FaceBox(width / 4, height / 4, width / 2, height / 2, .9)]


@pytest.mark.parametrize('crops', [False, True])
def test_prepared_frames_are_all_of_them_in_order(tmp_path: Path, write_numbers: Callable[..., Path],
                                                  read_number: Callable[[np.ndarray], int], crops: bool) -> None:
    """An avi file with frames between frames, as those of AFEW, eNTERFACE and MER."""
    video = write_numbers(tmp_path / 'clip.avi', 'mpeg4', {'bf': '2', 'g': '12'}, size=(96, 96), tag='XVID')
    preparation = ClipPreparation(tmp_path / 'out', crops, crops, WholeFrame)
    preparation.open_folder()
    prepared = FrameFolder(str(preparation(ClipSource('00001', video=video)).frames))
    assert prepared.num_frames == 36
    if crops:  # the fields in the middle of the frame are left
        middles = np.stack([image.mean(axis=2) for image in VideoFile(str(video)).every_frame()])[:, 40:56, 40:56]
        found = np.stack([image[image.shape[0] // 2 - 8:][:16, image.shape[1] // 2 - 8:][:, :16].mean(axis=2)
                          for image in prepared.every_frame()])
        assert np.array_equal(found.mean(axis=(1, 2)) > 128, middles.mean(axis=(1, 2)) > 128)
    else:
        assert [read_number(image) for image in prepared.every_frame()] == list(range(36))


def test_the_grid_is_there() -> None:
    assert [kind.encoder for kind in KINDS.values() if kind.encoder not in av.codecs_available] == []
    assert sum(len(kind.suffixes.split()) for kind in KINDS.values()) >= 130
