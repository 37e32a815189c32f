"""Distributions as the owners of DFEW and MAFW hand them out, made of a few toy clips."""
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.toy.clips import write_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import VoiceIdentity

EMOTIONS = ('happy', 'sad', 'neutral', 'angry', 'surprise', 'disgust', 'fear')  # DFEW's numbers 1 to 7
MadeSource = Callable[..., Path]


@pytest.fixture(scope='session')
def toy_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One short video of a drawn face with audio for each emotion."""
    folder = tmp_path_factory.mktemp('clips')
    rng = np.random.default_rng(5)
    face, voice = FaceIdentity.sample(rng), VoiceIdentity.sample(rng, female=True)
    for seed, emotion in enumerate(EMOTIONS):
        write_clip(folder / f'{emotion}.mp4', face, voice, emotion, seed, size=96, fps=8)
    return {emotion: folder / f'{emotion}.mp4' for emotion in EMOTIONS}


def write_dfew_lists(folder: Path, folds: Sequence[int] = (1, 2, 3, 4, 5)) -> None:
    """Clip i of 1 to 7 shows emotion i, clip 8 shows fear too; fold n tests clips n and 7 (fold 5 also 6).

    Named as by the owners. So every list holds the number 7, from which it is clear that the numbers count from 1.
    """
    for fold in folds:
        tested = {fold, 7} if fold < 5 else {5, 6, 7}
        for split in ('train', 'test'):
            path = folder / 'EmoLabel_DataSplit' / f'{split}(single_labeled)' / f'set_{fold}.csv'
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [f'{number:05d},{min(number, 7)}\n' for number in range(1, 9)
                    if (number in tested) is (split == 'test')]
            path.write_text('video_name,label\n' + ''.join(rows), encoding='utf-8')


@pytest.fixture
def dfew_videos(tmp_path: Path, toy_clips: dict[str, Path]) -> Path:
    """Videos 1.mp4 to 8.mp4 in numbered splits, and the official lists."""
    source = tmp_path / 'DFEW'
    for number, clip in enumerate([*toy_clips.values(), toy_clips['fear']], 1):
        path = source / 'Clip' / 'original' / f'part_{1 + number // 4}' / f'{number}.mp4'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip.read_bytes())
    write_dfew_lists(source)
    return source


@pytest.fixture
def mafw_frames(tmp_path: Path, toy_clips: dict[str, Path]) -> Path:
    """Frame folders 00001 to 00007 of png files, wav files 1.wav to 7.wav but not 3.wav, and lists of both kinds."""
    source = tmp_path / 'MAFW'
    labels = ('happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust', 'fear')
    for number, clip in enumerate(toy_clips.values(), 1):
        folder = source / 'data' / 'frames' / f'{number:05d}'
        folder.mkdir(parents=True)
        video = VideoFile(str(clip))
        for index, frame in enumerate(video.decode(np.arange(6))):
            cv2.imwrite(str(folder / f'{index:05d}.png'), cv2.resize(frame, (224, 224))[:, :, ::-1])
        if number != 3:
            path = source / 'data' / 'audio_16k' / f'{number}.wav'
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, video.audio()[0], 16000, subtype='PCM_16')
    for kind in ('single', 'compound'):
        for fold in range(1, 6):
            for split in ('train', 'test'):
                path = source / 'Train & Test Set' / kind / 'no_caption' / f'set_{fold}' / f'{split}.txt'
                path.parent.mkdir(parents=True, exist_ok=True)
                rows = [f'{number:05d}.mp4 {labels[number - 1]}' for number in range(1, 7)
                        if (number == fold) is (split == 'test')]
                if kind == 'compound':
                    rows.append('00007.mp4 anger_disgust')
                path.write_text('\r\n'.join(rows) + '\r\n', encoding='utf-8')
    return source
