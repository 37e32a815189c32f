"""Files that were cut without coding them again, written into a pipe, or that hold more than is read."""
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.stream import FileStream
from claip_emo_mm.media.video import VideoFile

X264 = {'x264-params': 'log-level=none:scenecut=0:b-adapt=0:bframes=3:keyint=12', 'preset': 'veryfast'}
Numbers = Callable[[np.ndarray], int]
Write = Callable[..., Path]


@pytest.fixture
def numbers(read_number: Numbers) -> Callable[[Path], list[int]]:
    """The numbers that a file shows: in training, read all at once, one by one, and in inference, which must agree."""
    def read(path: Path, *, lacks_s: float = 0.) -> list[int]:
        video, source = VideoFile(str(path)), FileStream(str(path))
        everything = np.arange(video.num_frames)
        played = [read_number(image) for image in video.decode(everything)]
        assert [read_number(video.decode(everything[number:number + 1])[0]) for number in everything] == played
        assert [read_number(image()) for _, image in source.frames()] == played
        assert source.duration_s is None or source.duration_s == pytest.approx(len(played) / 25, abs=.15 + lacks_s)
        assert video.duration_s == pytest.approx(len(played) / 25, abs=.05 + lacks_s)
        assert not [warning for warning in source.warnings if 'cut' in warning and 'cannot be told' not in warning]
        return played
    return read


def copy_packets(source: Path, target: object, *, from_s: float = 0., to_s: float = 99., origin_s: float = 0.,
                 any_packet: bool = False, format: str | None = None) -> None:  # noqa: A002, as av.open calls it
    """What ``ffmpeg -ss ... -c copy`` does: packets from the key frame before a time on, which is to be the origin."""
    with av.open(str(source)) as given, av.open(target, 'w', format=format) as taken:
        streams = {stream.index: taken.add_stream_from_template(stream) for stream in given.streams}
        if from_s and not any_packet:
            given.seek(int(from_s * 1e6))
        for packet in given.demux():
            if not packet.size:
                continue
            time_s = packet.dts * packet.time_base
            if time_s >= to_s or any_packet and time_s < from_s:
                continue
            shift = round(origin_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = streams[packet.stream_index]
            taken.mux(packet)


@pytest.mark.parametrize('suffix', ['mp4', 'mov'])
def test_frames_that_an_edit_list_hides(tmp_path: Path, write_numbers: Write, numbers: Callable, suffix: str) -> None:
    complete = write_numbers(tmp_path / 'complete.mp4', 'libx264', X264, num_frames=60, audio_from_s=0.)
    cut = tmp_path / f'cut.{suffix}'
    copy_packets(complete, str(cut), from_s=.7, origin_s=.7)  # between the key frames 12 and 24
    with av.open(str(cut)) as container:
        hidden = [packet.is_discard for packet in container.demux(video=0) if packet.size]
    assert sum(hidden) > 3 and len(hidden) == 48
    assert numbers(cut) == list(range(18, 60))  # 0.7 s are 17.5 frames


@pytest.mark.parametrize(('encoder', 'options', 'first', 'second'), [
    ('libx264', X264, 'mp4', 'mkv'), ('libx264', X264, 'mp4', 'mp4'),
    ('libx264', X264, 'mp4', 'flv'), ('libx264', X264, 'mp4', 'ts'), ('mpeg4', {'g': '12'}, 'avi', 'avi'),
    ('libvpx', {'g': '12', 'keyint_min': '12', 'deadline': 'realtime', 'cpu-used': '8'}, 'webm', 'webm')])
def test_a_segment_keeps_its_times(tmp_path: Path, write_numbers: Write, read_number: Numbers, encoder: str,
                                   options: dict[str, str], first: str, second: str) -> None:
    complete = write_numbers(tmp_path / f'complete.{first}', encoder, options, num_frames=72)
    part = tmp_path / f'part.{second}'
    copy_packets(complete, str(part), from_s=1., to_s=1.82)  # begins at 0.96 s, and may state 1.9 s
    video = VideoFile(str(part))
    shown = [read_number(image) for image in video.every_frame()]
    assert shown == list(range(24, 24 + len(shown))) and 20 <= len(shown) <= 26
    assert [read_number(image()) for _, image in FileStream(str(part)).frames()] == shown


@pytest.mark.parametrize(('encoder', 'options', 'suffix'), [('libx264', X264, 'ts'),
                                                           ('mpeg2video', {'bf': '2', 'g': '12'}, 'ts')])
def test_a_stream_that_begins_between_key_frames(tmp_path: Path, write_numbers: Write, numbers: Callable, encoder: str,
                                                 options: dict[str, str], suffix: str) -> None:
    complete = write_numbers(tmp_path / f'complete.{suffix}', encoder, options, num_frames=60)
    data = complete.read_bytes()
    (tmp_path / f'late.{suffix}').write_bytes(data[len(data) // 188 // 3 * 188:])  # a third of its packets are gone
    shown = numbers(tmp_path / f'late.{suffix}', lacks_s=.5)  # what cannot be decoded has its time, too
    assert shown == list(range(60 - len(shown), 60)) and 24 <= len(shown) <= 48


@pytest.mark.parametrize(('suffix', 'muxer'), [('flv', 'flv'), ('mkv', 'matroska'), ('avi', 'avi'), ('wmv', 'asf'),
                                              ('nut', 'nut'), ('ts', 'mpegts')])
def test_written_into_a_pipe(tmp_path: Path, write_numbers: Write, numbers: Callable, suffix: str, muxer: str) -> None:
    encoder = ('mpeg4', {}) if suffix == 'avi' else ('libx264', X264)
    complete = write_numbers(tmp_path / 'complete.mp4', *encoder, audio_from_s=0.)
    with open(tmp_path / f'piped.{suffix}', 'wb') as file:
        class Pipe:
            """Lengths cannot be filled in afterwards."""
            write = staticmethod(file.write)
        copy_packets(complete, Pipe(), format=muxer)
    assert numbers(tmp_path / f'piped.{suffix}') == list(range(36))


@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_audio_that_begins_late(tmp_path: Path, write_numbers: Write, read_number: Numbers, suffix: str) -> None:
    path = write_numbers(tmp_path / f'late.{suffix}', 'libx264', X264, audio_from_s=3.)
    video = VideoFile(str(path))  # not taken for one that is cut off
    assert [read_number(image) for image in video.every_frame()] == list(range(36))
    assert video.duration_s == pytest.approx(36 / 25, abs=.05)
    samples, sample_rate_hz = video.audio()
    assert sample_rate_hz == 16000 and len(samples) / 16000 == pytest.approx(36 / 25, abs=.15)


@pytest.mark.parametrize(('suffix', 'codec', 'text'), [('mkv', 'subrip', b'ho'), ('mp4', 'mov_text', b'\0\2ho')])
def test_subtitles_that_are_longer(tmp_path: Path, write_numbers: Write, numbers: Callable, suffix: str, codec: str,
                                   text: bytes) -> None:
    complete = write_numbers(tmp_path / 'complete.mp4', 'libx264', X264, audio_from_s=0.)
    path = tmp_path / f'long.{suffix}'
    with av.open(str(complete)) as given, av.open(str(path), 'w') as taken:
        streams = {stream.index: taken.add_stream_from_template(stream) for stream in given.streams}
        subtitles = taken.add_mux_stream(codec)
        for packet in given.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                taken.mux(packet)
        packet = av.Packet(text)
        packet.stream, packet.time_base = subtitles, Fraction(1, 1000)
        packet.pts = packet.dts = 8000
        packet.duration = 12000
        taken.mux(packet)
    assert numbers(path) == list(range(36))


@pytest.mark.parametrize('is_cover', [True, False])
def test_a_second_video(tmp_path: Path, write_numbers: Write, numbers: Callable, is_cover: bool) -> None:
    """A cover is larger, and a second video without the mark of the default one longer than what is read."""
    complete = write_numbers(tmp_path / 'complete.mp4', 'libx264', X264, audio_from_s=0.)
    path = tmp_path / 'two.mp4'
    with av.open(str(complete)) as given, av.open(str(path), 'w') as taken:
        streams = {stream.index: taken.add_stream_from_template(stream) for stream in given.streams}
        other = taken.add_stream('mjpeg', rate=25)
        other.width, other.height, other.pix_fmt = 320, 240, 'yuvj420p'
        other.disposition = Disposition.attached_pic if is_cover else Disposition.visual_impaired
        for _ in range(1 if is_cover else 100):
            taken.mux(other.encode(av.VideoFrame.from_ndarray(np.full((240, 320, 3), 77, np.uint8), format='rgb24')))
        taken.mux(other.encode())
        for packet in given.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                taken.mux(packet)
    assert numbers(path) == list(range(36))


def test_an_audio_file_with_a_cover_has_no_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / 'song.m4a'), 'w', format='mp4') as container:
        cover, audio = container.add_stream('mjpeg'), container.add_stream('aac', rate=16000, layout='mono')
        cover.width, cover.height, cover.pix_fmt = 32, 32, 'yuvj420p'
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format='rgb24')))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format='s16', layout='mono')
        frame.sample_rate, frame.pts = 16000, 0
        container.mux([*cover.encode(), *audio.encode(frame), *audio.encode()])
    with pytest.raises(InputError, match=r'song\.m4a: no frames in it, only audio'):
        VideoFile(str(tmp_path / 'song.m4a'))
    assert not FileStream(str(tmp_path / 'song.m4a')).has_frames


@pytest.mark.parametrize('turned', [90, 180, -90])
def test_a_phone_held_upright(tmp_path: Path, write_numbers: Write, turned: int) -> None:
    upright = VideoFile(str(write_numbers(tmp_path / 'upright.mp4', 'libx264', X264)))
    path = str(write_numbers(tmp_path / 'turned.mp4', 'libx264', X264, turned=turned))
    expected = np.rot90(upright.decode(np.arange(36)), turned // 90, axes=(1, 2))
    assert np.array_equal(VideoFile(path).decode(np.arange(36)), expected)
    assert np.array_equal([image() for _, image in FileStream(path).frames()], expected)


def test_packed_frames_of_old_avi_files(tmp_path: Path, write_numbers: Write, numbers: Callable) -> None:
    """DivX put a frame and the one that is shown before it into one packet, and a packet of nothing behind."""
    plain = write_numbers(tmp_path / 'plain.avi', 'mpeg4', {'bf': '1', 'g': '250'})
    with av.open(str(plain)) as given, av.open(str(tmp_path / 'packed.avi'), 'w') as taken:
        stream = taken.add_stream_from_template(given.streams.video[0])
        head, *rest = [bytes(packet) for packet in given.demux() if packet.size]
        place = head.find(b'\0\0\1\xb6')
        packed = [head[:place] + b'\0\0\1\xb2DivX503b1393p' + head[place:]]
        for later, earlier in zip(rest[::2], rest[1::2], strict=False):
            packed += [later + earlier, b'\0\0\1\xb6\x50\x4f']
        packed += rest[-1:] if len(rest) % 2 else []
        for number, data in enumerate(packed):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), not number
            packet.pts = packet.dts = number
            taken.mux(packet)
    assert numbers(tmp_path / 'packed.avi') == list(range(36))


@pytest.mark.parametrize(('suffix', 'origin_s'), [('mkv', 0.), ('mkv', -3.), ('avi', 0.), ('flv', 0.)])
def test_what_is_cut_off_is_still_refused(tmp_path: Path, write_numbers: Write, suffix: str, origin_s: float) -> None:
    encoder = ('mjpeg', None) if suffix == 'avi' else ('libx264', X264)
    complete = write_numbers(tmp_path / 'complete.mp4', *encoder, num_frames=100,
                          pixels='yuvj420p' if suffix == 'avi' else 'yuv420p')
    copy_packets(complete, str(tmp_path / f'a.{suffix}'), origin_s=origin_s)
    assert VideoFile(str(tmp_path / f'a.{suffix}')).num_frames == 100
    data = (tmp_path / f'a.{suffix}').read_bytes()
    (tmp_path / f'b.{suffix}').write_bytes(data[:len(data) // 2])
    with pytest.raises(InputError, match=r'the file is cut off: \d\.\d\d s of video found, [3-7]\.\d\d s expected'):
        VideoFile(str(tmp_path / f'b.{suffix}'))
