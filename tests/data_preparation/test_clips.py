"""One clip: its audio, its frames, and what fails."""
import os
import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from claip_emo_mm.data_preparation import clips
from claip_emo_mm.data_preparation.clips import ClipPreparation
from claip_emo_mm.data_preparation.source_scan import ClipSource
from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.media.image_folder import FrameFolder
from claip_emo_mm.media.video import VideoFile


class FakeDetector:
    """Finds one face of 30 x 40 pixels at the place of a frame's red mark, and none where there is no mark."""

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        y, x = np.nonzero((frame[..., 0] > 150) & (frame[..., 1] < 100))
        return [FaceBox(x.mean() - 15, y.mean() - 20, 30, 40, .9)] if len(x) else []


def prepare(out: Path, clip: ClipSource, crop: bool = False, make_detector: type = FakeDetector):
    preparation = ClipPreparation(out, crop, crop, make_detector)
    preparation.open_folder()
    return preparation(clip)


def write_marks(folder: Path, places: list[tuple[int, int] | None]) -> Path:
    """Gray frames of 120 x 100, each with a red mark of 10 x 10 around (x, y), or none."""
    folder.mkdir(parents=True)
    for number, place in enumerate(places):
        frame = np.full((100, 120, 3), 128, np.uint8)
        if place:
            x, y = place
            frame[y - 5:y + 5, x - 5:x + 5] = 20, 20, 255  # BGR
        cv2.imwrite(str(folder / f'{number}.png'), frame)
    return folder


def decode_audio(path: Path) -> np.ndarray:
    """The audio of a file at 16 kHz, mono, by FFmpeg's own resampler."""
    resampler = av.AudioResampler(format='s16', layout='mono', rate=16000)
    with av.open(str(path)) as container:
        frames = [*container.decode(audio=0), None]
        chunks = [chunk.to_ndarray()[0] for frame in frames for chunk in resampler.resample(frame)]
    return np.concatenate(chunks).astype(float)


def test_audio_of_a_video(tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    made = prepare(tmp_path, ClipSource('00003', video=toy_clips['sad']))
    assert made.audio == tmp_path / 'audio/00003.wav'
    info = soundfile.info(made.audio)
    assert (info.samplerate, info.channels, info.subtype, info.format) == (16000, 1, 'PCM_16', 'WAV')
    samples, expected = soundfile.read(made.audio, dtype='int16')[0].astype(float), decode_audio(toy_clips['sad'])
    assert len(samples) == len(expected)
    assert np.abs(samples - expected).max() <= 1  # rounding
    assert np.abs(expected).max() > 3000


def test_audio_of_another_rate_and_two_channels(tmp_path: Path, shared: Path) -> None:
    video = shared / 'media' / 'neutral_to_smile.mp4'  # 44.1 kHz, stereo, mp3
    made = prepare(tmp_path, ClipSource('00001', video=video))
    samples, expected = soundfile.read(made.audio, dtype='int16')[0].astype(float), decode_audio(video)
    assert abs(len(samples) - len(expected)) < 100
    size = min(len(samples), len(expected))
    assert np.corrcoef(samples[:size], expected[:size])[0, 1] > .999


def test_a_tone_keeps_its_height_and_strength(tmp_path: Path) -> None:
    path = tmp_path / 'tone.mp4'
    with av.open(str(path), 'w') as container:
        video, audio = container.add_stream('libx264', rate=10), container.add_stream('aac', rate=48000,
                                                                                       layout='stereo')
        video.width, video.height, video.pix_fmt = 64, 64, 'yuv420p'
        for _ in range(20):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format='rgb24')))
        container.mux(video.encode())
        tone = .6 * np.sin(2 * np.pi * 440 * np.arange(96000) / 48000)
        both = np.stack([tone, np.zeros_like(tone)]).astype(np.float32)  # only on the left
        for start in range(0, 96000, 1024):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(both[:, start:start + 1024]), format='fltp',
                                               layout='stereo')
            frame.sample_rate, frame.pts = 48000, start
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    samples, rate = soundfile.read(prepare(tmp_path / 'out', ClipSource('00001', video=path)).audio)
    middle = samples[8000:24000]
    assert len(samples) == pytest.approx(2 * 16000, abs=2048)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 440  # 1 s: bins of 1 Hz
    assert np.sqrt(2 * np.mean(middle ** 2)) == pytest.approx(.3, abs=.02)  # the channels' mean


def test_a_video_of_faces_is_unpacked_as_it_is(tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    made = prepare(tmp_path, ClipSource('00001', video=toy_clips['fear']))
    assert made.frames == tmp_path / 'frames/00001'
    frames, video = FrameFolder(str(made.frames)), VideoFile(str(toy_clips['fear']))
    assert frames.num_frames == video.num_frames > 8
    assert sorted(os.listdir(made.frames))[0] == '00001.jpg'
    indices = np.arange(video.num_frames)
    difference = np.abs(frames.decode(indices).astype(int) - video.decode(indices))
    assert difference.mean() < 3 and difference.max() < 90  # jpg


def test_faces_are_cropped_where_they_are(tmp_path: Path) -> None:
    places = [(50 + index // 2, 48) for index in range(9)]
    made = prepare(tmp_path / 'out', ClipSource('00001', frames=write_marks(tmp_path / '1', places)), crop=True)
    for number in range(1, 10):
        crop = cv2.imread(str(made.frames / f'{number:05d}.jpg'))
        assert crop.shape == (256, 256, 3)
        y, x = np.nonzero((crop[..., 2] > 150) & (crop[..., 1] < 100))
        # The mark is in the middle, and as large as 10 of the square's 1.3 x 40 pixels.
        assert abs(x.mean() - 127.5) < 6 and abs(y.mean() - 127.5) < 3
        assert np.ptp(x) + 1 == pytest.approx(10 / 52 * 256, abs=6)


def test_one_face_is_enough_and_none_is_reported(tmp_path: Path) -> None:
    one = write_marks(tmp_path / '1', [None, None, (60, 50), None])
    assert len(os.listdir(prepare(tmp_path / 'out', ClipSource('00001', frames=one), crop=True).frames)) == 4
    none = prepare(tmp_path / 'out', ClipSource('00002', frames=write_marks(tmp_path / '2', [None] * 3)), crop=True)
    assert (none.frames, none.failure.stage, none.failure.reason) == (None, 'face', 'no face')
    assert none.failure.file == str(tmp_path / '2')
    assert os.listdir(tmp_path / 'out/frames') == ['00001']


def test_a_filmed_face_is_cropped(tmp_path: Path, shared: Path) -> None:
    video = shared / 'media' / 'talking_head_with_sound.mp4'  # two people; the larger is on the right
    preparation = ClipPreparation(tmp_path, False, True)
    preparation.open_folder()
    made = preparation(ClipSource('00001', video=video))
    crops = FrameFolder(str(made.frames))
    detector = clips.default_detector()
    for crop in crops.decode(np.arange(0, crops.num_frames, 20)):
        box = max(detector.find(crop), key=lambda box: box.width * box.height)
        assert abs(box.left + box.width / 2 - 128) < 30 and abs(box.top + box.height / 2 - 128) < 30
        assert 150 < box.height < 250
    assert crops.num_frames == VideoFile(str(video)).num_frames == 105


def test_folders_of_faces_and_audio_files_stay_where_they_are(tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    frames = write_marks(tmp_path / '1', [(60, 50)])
    audio = tmp_path / '1.wav'
    soundfile.write(audio, np.zeros(8000), 8000)
    made = prepare(tmp_path / 'out', ClipSource('00001', toy_clips['sad'], frames, audio))
    assert (made.frames, made.audio, made.failure) == (frames, audio, None)
    assert not list((tmp_path / 'out').rglob('*.*'))


def test_a_frame_folder_takes_the_audio_of_the_video(tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    frames = write_marks(tmp_path / '1', [(60, 50)])
    made = prepare(tmp_path / 'out', ClipSource('00001', toy_clips['sad'], frames))
    assert (made.frames, made.audio) == (frames, tmp_path / 'out/audio/00001.wav')


def test_no_audio_is_no_failure(tmp_path: Path) -> None:
    made = prepare(tmp_path / 'out', ClipSource('00001', frames=write_marks(tmp_path / '1', [(60, 50)])))
    assert made.audio is None and made.failure is None


def broken_video(folder: Path, clip: Path) -> ClipSource:
    data = clip.read_bytes()
    (folder / 'cut.mp4').write_bytes(data[:len(data) // 2])
    return ClipSource('00009', video=folder / 'cut.mp4')


def broken_frame(folder: Path, clip: Path) -> ClipSource:
    frames = write_marks(folder / '9', [(60, 50)] * 3)
    (frames / '1.png').write_bytes(b'no frames')
    return ClipSource('00009', frames=frames)


def broken_audio(folder: Path, clip: Path) -> ClipSource:
    (folder / '9.wav').write_bytes(b'RIFF')
    return ClipSource('00009', clip, audio=folder / '9.wav')


def link_to_nowhere(folder: Path, clip: Path) -> ClipSource:
    frames = write_marks(folder / '9', [(60, 50)] * 3)
    (frames / '2.png').unlink()
    (frames / '2.png').symlink_to('gone.png')
    return ClipSource('00009', frames=frames)


def no_audio(folder: Path, clip: Path) -> ClipSource:
    soundfile.write(folder / '9.wav', np.zeros(0), 16000)
    return ClipSource('00009', clip, audio=folder / '9.wav')


@pytest.mark.parametrize(('make', 'stage', 'name', 'reason'), [
    (broken_video, 'video', 'cut.mp4', 'cut off'), (broken_frame, 'frames', '9', '1.png: an image of 9 bytes'),
    (broken_audio, 'audio', '9.wav', 'the audio file is cut off'), (no_audio, 'audio', '9.wav', 'has 0 samples'),
    (link_to_nowhere, 'frames', '9', '2.png: cannot be read (No such file or directory)')])
def test_what_fails_says_where_and_leaves_nothing(tmp_path: Path, toy_clips: dict[str, Path], make, stage: str,
                                                  name: str, reason: str) -> None:
    failure = prepare(tmp_path / 'out', make(tmp_path, toy_clips['sad']), crop=True).failure
    assert (failure.clip_id, failure.file, failure.stage) == ('00009', str(tmp_path / name), stage)
    assert reason in failure.reason
    assert not list((tmp_path / 'out').rglob('*0*'))


def test_leftovers_go_and_finished_work_stays(tmp_path: Path, toy_clips: dict[str, Path]) -> None:
    preparation = ClipPreparation(tmp_path, False, False, FakeDetector)
    clip = ClipSource('00001', video=toy_clips['sad'])
    preparation.open_folder()
    assert not preparation.is_ready(clip)
    made = preparation(clip)
    assert preparation.is_ready(clip)
    os.utime(made.audio, (1, 1))
    shutil.copytree(made.frames, tmp_path / 'frames/00002.part')
    (tmp_path / 'audio/00002.wav.part').write_bytes(b'half')
    preparation.open_folder()
    assert preparation(clip) == made
    assert made.audio.stat().st_mtime == 1
    assert sorted(path.name for path in tmp_path.glob('*/*')) == ['00001', '00001.wav']


def test_a_full_disk_is_not_the_clips_fault(tmp_path: Path, toy_clips: dict[str, Path],
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, frame: np.ndarray) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(clips, '_write_jpeg', fail)
    with pytest.raises(OSError, match='No space left'):
        prepare(tmp_path, ClipSource('00001', video=toy_clips['sad']))
    assert not list((tmp_path / 'frames').iterdir())
