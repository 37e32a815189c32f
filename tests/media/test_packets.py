"""What is known of a file by its packets alone."""
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.media.packets import FilePackets
from claip_emo_mm.media.video import VideoFile


@pytest.mark.parametrize('suffix', ['mkv', 'mp4', 'flv'])
def test_a_video_stream_without_a_packet(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'clip.{suffix}'
    with av.open(str(path), 'w') as target:
        video = target.add_stream('libx264', rate=Fraction(25))
        audio = target.add_stream('aac', rate=16000, layout='mono')
        video.width, video.height, video.pix_fmt = 64, 48, 'yuv420p'
        target.start_encoding()
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), 's16', 'mono')
        frame.sample_rate, frame.pts = 16000, 0
        for part in (frame, None):
            target.mux(audio.encode(part))
    packets = FilePackets(str(path))
    assert packets.audio.count == 16 + 1 and packets.times is None
    assert packets.video is None or packets.video.count == 0
    with pytest.raises(InputError, match=rf'clip\.{suffix}: no frames in it, only audio'):
        VideoFile(str(path))
