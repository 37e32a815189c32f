"""Fixtures that several test modules use."""
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

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
