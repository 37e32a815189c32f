"""Fixtures that several test modules use."""
import fractions
import gc
import os
import signal
import struct
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

os.environ.setdefault('HF_HUB_OFFLINE', '1')  # before huggingface_hub is imported: no test waits for a network

from clean_forks import leave_configs_untidy  # noqa: E402
from hub_server import Hub, serve_hub  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402
from mmengine.runner import checkpoint  # noqa: E402

from claip_emo_mm.compat.console import quiet_console  # noqa: E402
from claip_emo_mm.media.video import VideoFile  # noqa: E402

leave_configs_untidy()
LOUD = MMLogger.__init__, checkpoint.print_log

gc.disable()  # until all is imported


def pytest_collection_finish() -> None:
    """Collect no garbage among what was imported: MMEngine does it for every data set, which took half a second."""
    gc.enable()
    gc.freeze()


# Files that name other files, as their formats write it.
MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static"
 mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1">
<BaseURL>{video}</BaseURL></Representation></AdaptationSet></Period></MPD>"""
SDP = 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'
LISTS = {
    'list.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{video}\n#EXT-X-ENDLIST\n',
    'beside.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{name}\n#EXT-X-ENDLIST\n',
    'list.ffconcat': "ffconcat version 1.0\nfile '{video}'\n",
    'beside.ffconcat': "ffconcat version 1.0\nfile '{name}'\n",
    'list.mpd': MPD,
    'list.sdp': SDP,
    'list.xspf': '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>'
                 'file://{video}</location></track></trackList></playlist>',
    'list.asx': '<asx version="3.0"><entry><ref href="{video}"/></entry></asx>',
    'list.pls': '[playlist]\nFile1={video}\nNumberOfEntries=1\n',
}


@pytest.fixture(scope='session')
def shared() -> Path:
    """Folder of licensed annotations, media and reference numbers beside the checkout; not shipped with the project."""
    folder = Path(__file__).parents[2] / 'shared'
    if not folder.is_dir():
        pytest.skip(f'{folder} is not there')
    return folder


@pytest.fixture(scope='session')
def laion_clap() -> None:
    """Skips what is compared with laion_clap where it is not installed: it asks for NumPy 1."""
    if find_spec('laion_clap') is None:
        pytest.skip('laion_clap is not installed')


@pytest.fixture(autouse=True)
def loud_console() -> Iterator[None]:
    """Undo what a tool changes in MMEngine, which would move lines of the tests after it into log files."""
    yield
    if quiet_console.cache_info().currsize:
        MMLogger.__init__, checkpoint.print_log = LOUD
        quiet_console.cache_clear()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """An empty hub of models on this machine, which huggingface_hub uses, with an empty cache."""
    with serve_hub(tmp_path / 'hub_cache') as served:
        yield served


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """Let SIGINT interrupt here and in what is started from here, as in a terminal; background jobs ignore it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def write_lists() -> Callable[[Path, Path], list[Path]]:
    """Write files that name a video, each also with the suffix of a video, and one whose name is a form of names."""
    def write(folder: Path, video: Path) -> list[Path]:
        paths = []
        for name, text in LISTS.items():
            for path in (folder / name, folder / f'{name}.mp4'):
                path.write_text(text.format(video=video, name=video.name))
                paths.append(path)
        for number in (1, 2):
            cv2.imwrite(str(folder / f'image_{number:03d}.png'), np.full((32, 32, 3), 9, np.uint8))
        paths.append(folder / 'image_%03d.png')
        paths[-1].write_bytes((folder / 'image_001.png').read_bytes())
        return paths
    return write


@pytest.fixture(scope='session')
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good and bad files, and `frames` + `audio.wav`, what `clip.mp4` decodes to."""
    folder = tmp_path_factory.mktemp('media')
    clip = write_video(folder / 'clip.mp4')
    cut(clip, folder / 'half.mp4')
    cut(write_video(folder / 'fast.mp4', faststart=True), folder / 'half_fast.mp4')
    cut(write_video(folder / 'clip.mkv'), folder / 'half.mkv')
    write_video(folder / 'mute.mp4', audio_s=None)
    turn_video(clip, folder / 'turned.mp4')
    (folder / 'empty.mp4').touch()
    (folder / 'text.mp4').write_text('not a video\n' * 100)
    (folder / 'frames').mkdir()
    video = VideoFile(str(clip))
    for index, frame in enumerate(video.decode(np.arange(video.num_frames))):
        cv2.imwrite(str(folder / 'frames' / f'{index + 1}.png'), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    samples, sample_rate_hz = video.audio()
    soundfile.write(folder / 'audio.wav', samples, sample_rate_hz, subtype='FLOAT')
    cut(folder / 'audio.wav', folder / 'half.wav')
    cv2.imwrite(str(folder / 'frame.jpg'), frame)
    (folder / 'frame.mp4').write_bytes((folder / 'frame.jpg').read_bytes())
    (folder / 'audio.mp4').write_bytes((folder / 'audio.wav').read_bytes())
    return folder


def write_video(path: Path, num_frames: int = 40, audio_s: float | None = 2.0, faststart: bool = False) -> Path:
    """40 frames of 64 x 32 at 20 fps, evenly gray, frame i of brightness 20 + 4 i; and a tone of 400 Hz at 16 kHz."""
    with av.open(str(path), 'w', options={'movflags': 'faststart'} if faststart else {}) as container:
        video = container.add_stream('libx264', rate=20)
        video.width, video.height, video.pix_fmt = 64, 32, 'yuv420p'
        video.options = {'crf': '10', 'threads': '1', 'x264-params': 'log-level=none'}
        audio = audio_s and container.add_stream('aac', rate=16000, layout='mono')
        for index in range(num_frames):
            image = np.full((32, 64, 3), 20 + 4 * index, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(video.encode())
        if audio:
            times = np.arange(int(audio_s * 16000)) / 16000
            tone = (0.5 * np.sin(2 * np.pi * 400 * times)).astype(np.float32)
            for start in range(0, len(tone), 1024):
                frame = av.AudioFrame.from_ndarray(tone[None, start:start + 1024], format='fltp', layout='mono')
                frame.sample_rate, frame.pts, frame.time_base = 16000, start, fractions.Fraction(1, 16000)
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path


def turn_video(video: Path, path: Path) -> Path:
    """A copy whose track header asks players to turn the frame by a quarter, as phones write it."""
    data = bytearray(video.read_bytes())
    matrix = data.find(b'tkhd') + 44  # the fields before it, in version 0 of the box
    data[matrix:matrix + 36] = struct.pack('>9i', 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cut(source: Path, path: Path, ratio: float = 0.5) -> Path:
    data = source.read_bytes()
    path.write_bytes(data[:int(ratio * len(data))])
    return path
