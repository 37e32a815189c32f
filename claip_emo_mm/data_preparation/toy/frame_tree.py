"""The toy set in the form of DFEW: folders of frames, sound files and lists, and the same clips as videos."""
import shutil
from pathlib import Path

import cv2
import numpy as np
import soundfile
from tqdm import tqdm

from claip_emo_mm.atomic_text import write_csv
from claip_emo_mm.data_preparation.toy.toy_settings import SPLITS
from claip_emo_mm.datasets.annotation_list import read_annotation_list
from claip_emo_mm.datasets.readers import VideoFile

SIDE = 256  # pixels, as the frames of DFEW
RATE_HZ = 16000
_QUALITY = 95
_GRAIN = 4.  # standard deviation of the brightness: drawn pictures alone would be decoded faster than photographs


def make_frame_tree(toy: Path, out: Path) -> dict[str, Path]:
    """Unpack a toy set.

    Args:
        toy: folder of a toy set.
        out: new folder for `frames/00001/00001.jpg` (256 x 256), `audio/00001.wav` (mono, 16 kHz, 16 bit),
            `videos/00001.mp4`, and a list `<part>.csv` (frames, audio, label) and `<part>_videos.csv` (video, label)
            of each part.
    Returns: the list of each part.
    """
    for folder in ('audio', 'videos', 'frames'):
        (out / folder).mkdir(parents=True)
    listed = {part: read_annotation_list(toy / f'{part}.csv') for part in SPLITS}
    lists, number = {}, 0
    with tqdm(total=sum(map(len, listed.values())), unit='clip', desc='frames', mininterval=.5) as bar:
        for part, clips in listed.items():
            rows = []
            for clip in clips:
                number += 1
                name = f'{number:05d}'
                _unpack(toy / clip.video, out, name, np.random.default_rng(number))
                rows.append((name, clip.label))
                bar.update()
            lists[part] = out / f'{part}.csv'
            write_csv(lists[part], ('frames', 'audio', 'label'),
                      [(f'frames/{name}', f'audio/{name}.wav', label) for name, label in rows])
            write_csv(out / f'{part}_videos.csv', ('video', 'label'),
                      [(f'videos/{name}.mp4', label) for name, label in rows])
    return lists


def _unpack(video: Path, out: Path, name: str, draw: np.random.Generator) -> None:
    clip = VideoFile(str(video))
    folder = out / 'frames' / name
    folder.mkdir()
    for index, frame in enumerate(clip.decode(np.arange(clip.num_frames)), 1):
        frame = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        grained = frame + _GRAIN * draw.standard_normal(frame.shape, np.float32)
        image = cv2.cvtColor(np.clip(grained, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        (folder / f'{index:05d}.jpg').write_bytes(jpeg.tobytes())  # imwrite says nothing of a full disk
    samples, rate_hz = clip.sound()
    if rate_hz != RATE_HZ:
        raise ValueError(f'{video}: sound of {rate_hz} Hz, {RATE_HZ} expected of a toy clip.')
    soundfile.write(out / 'audio' / f'{name}.wav', samples, RATE_HZ, subtype='PCM_16')
    shutil.copyfile(video, out / 'videos' / f'{name}.mp4')

