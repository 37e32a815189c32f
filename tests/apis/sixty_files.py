"""Sixty files as people have them: odd names, many containers, cut, mislabelled, lying, empty, or nothing at all."""
import io
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

RATE_HZ = 48000
JUDGED, NAMED, EITHER = 'judged', 'named', 'either'  # what must become of a file; the last is the decoders' to say


@dataclass(frozen=True)
class OddFile:
    """A file, what must become of it, and how it is made."""
    name: str
    outcome: str
    make: Callable[[Path], None]


def media(container: str, codec: str = 'mpeg4', audio: str = 'aac', seconds: float = .6) -> bytes:
    """A gray video that becomes brighter, and a tone, in any container; '' for no codec."""
    buffer, count = io.BytesIO(), round(25 * seconds)
    with av.open(buffer, 'w', format=container) as target:
        if codec:
            video = target.add_stream(codec, rate=Fraction(25))
            video.width, video.height = (352, 288) if codec == 'h263' else (64, 48)
            video.pix_fmt = {'gif': 'rgb8', 'mjpeg': 'yuvj420p'}.get(codec, 'yuv420p')
        if audio:
            audio_output = target.add_stream(audio, rate=RATE_HZ, layout='mono', bit_rate=64000)
        for number in range(count if codec else 0):
            gray = np.full((video.height, video.width, 3), 200 * number // count, np.uint8)
            target.mux(video.encode(av.VideoFrame.from_ndarray(gray, 'rgb24')))
        if codec:
            target.mux(video.encode(None))
        if audio:
            tone = (9000 * np.sin(np.arange(round(seconds * RATE_HZ)) / 20)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(tone[None], 's16', 'mono')
            frame.sample_rate, frame.pts = RATE_HZ, 0
            target.mux(audio_output.encode(frame))
            target.mux(audio_output.encode(None))
    return buffer.getvalue()


def wav(samples: int = 8000, rate_hz: int = 16000, stated: int | None = None) -> bytes:
    """A wav file of a tone whose header may state another length, in bytes."""
    data = (9000 * np.sin(np.arange(samples) / 9)).astype('<i2').tobytes()
    stated = len(data) if stated is None else stated
    head = struct.pack('<4sI4s4sIHHIIHH4sI', b'RIFF', (36 + stated) & 0xFFFFFFFF, b'WAVE', b'fmt ', 16, 1, 1, rate_hz,
                       (2 * rate_hz) & 0xFFFFFFFF, 2, 16, b'data', stated)
    return head + data


def image(suffix: str) -> bytes:
    """A gray frame."""
    return cv2.imencode(suffix, np.full((48, 64, 3), 99, np.uint8))[1].tobytes()


def lying_mp4(duration: int) -> bytes:
    """An mp4 file whose header states another length, in 1/1000 s."""
    data = bytearray(media('mp4'))
    place = data.index(b'mvhd') + 20
    data[place:place + 4] = duration.to_bytes(4, 'big')
    return bytes(data)


def lying_avi(width: int, height: int) -> bytes:
    """An avi file whose header states another size."""
    data = bytearray(media('avi', audio='mp2'))
    place = data.index(b'strf') + 12
    data[place:place + 8] = struct.pack('<ii', width, height)
    return bytes(data)


def content(data: bytes | Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data if isinstance(data, bytes) else data()) and None


def _names() -> list[OddFile]:
    good = content(media('mp4'))
    names = ['plain.mp4', '名 字 笑.mp4', 'UPPER.MP4', f'{"x" * 245}.mp4', f'{"笑" * 81}.mp4',
             os.fsdecode(b'caf\xe9.mp4'), 'two\nlines.mp4', '-o.mp4', 'it\'s "odd".mp4', '%05d.mp4', 'a:b.mp4', 'clip.',
             'clip', '.hidden.mp4', ' .mp4',
             'tab\there.mp4', '\x1b[31m.mp4', '[a]*?.mp4', 'back\\slash.mp4', 'concat:a|b.mp4']
    return [OddFile(name, JUDGED, good) for name in names]


def _containers() -> list[OddFile]:
    made = {'c.avi': ('avi', 'mpeg4', 'mp2'), 'c.MTS': ('mpegts', 'mpeg2video', 'mp2'), 'c.gif': ('gif', 'gif', ''),
            'c.mpg': ('mpeg', 'mpeg1video', 'mp2'), 'c.vob': ('vob', 'mpeg2video', 'ac3'),
            'c.3gp': ('3gp', 'mpeg4', 'aac'), 'c.mkv': ('matroska', 'libx264', 'flac'),
            'c.webm': ('webm', 'libvpx', 'libopus'), 'c.flv': ('flv', 'flv1', 'aac'),
            'c.wmv': ('asf', 'wmv2', 'wmav2'), 'c.mov': ('mov', 'mjpeg', 'pcm_s16le'),
            'c.ogv': ('ogg', 'libvpx', 'libopus'),
            's.mp3': ('mp3', '', 'libmp3lame'), 's.m4a': ('ipod', '', 'aac'), 's.opus': ('opus', '', 'libopus'),
            's.flac': ('flac', '', 'flac'), 'wrong.wav': ('mp4', 'mpeg4', 'aac')}
    files = [OddFile(name, JUDGED, content(media(*how))) for name, how in made.items()]
    return [*files, OddFile('s.wav', JUDGED, content(wav())), OddFile('wrong.mp4', JUDGED, content(wav(8000)))]


def _broken() -> list[OddFile]:
    bad = {'empty.mp4': b'', 'no_samples.wav': wav(0), 'text.mp4': b'this is no video\n' * 50,
           'page.webm': b'<html><body>404</body></html>', 'image.mp4': image('.png'), 'image.mkv': image('.jpg'),
           'zip.mp4': b'PK\x03\x04' + bytes(500), 'zeros.avi': bytes(5000), 'noise.mp4': bytes(range(256)) * 40,
           'list.mp4': b'#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n', 'head.wav': wav(0)[:20]}
    files = [OddFile(name, NAMED, content(data)) for name, data in bad.items()]
    for name, how, ratio, outcome in (('half.mp4', ('mp4',), .5, NAMED), ('half.mkv', ('matroska',), .5, EITHER),
                                      ('half.avi', ('avi', 'mpeg4', 'mp2'), .6, EITHER)):
        data = media(*how)
        files.append(OddFile(name, outcome, content(data[:int(ratio * len(data))])))
    files += [OddFile('lie_long.mp4', EITHER, content(lying_mp4(2 ** 31 - 1))),
              OddFile('lie_short.mp4', JUDGED, content(lying_mp4(100))),
              OddFile('lie.wav', EITHER, content(wav(stated=0x7FFFFFF0))),
              OddFile('lie.avi', EITHER, content(lying_avi(65500, 65500)))]
    return [*files, OddFile('pipe.mp4', NAMED, lambda path: os.mkfifo(path)),
            OddFile('loop.mp4', NAMED, lambda path: path.symlink_to(path.name)),
            OddFile('gone.mp4', NAMED, lambda path: None)]


def odd_files() -> list[OddFile]:
    """All of them."""
    return [*_names(), *_containers(), *_broken()]
