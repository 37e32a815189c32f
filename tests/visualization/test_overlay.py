"""The copy with boxes, beside the video that it was made of: times, orientation, audio, boxes."""
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from rotation import rotate

from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult, EmotionRow, PersonTrack
from claip_emo_mm.visualization.overlay import write_overlay
from claip_emo_mm.visualization.plots import person_color
from claip_emo_mm.visualization.timeline import plot_timeline

TIMES_S = (0., .04, .3, .32, .9, 1.4, 1.44, 2.)
RATE_HZ = 16000
BOX = (.5, .25, .25, .5)


def make(path: Path, *, codecs: tuple[str, str] = ('libx264', 'aac'), turned: int = 0, late_s: float = 0.,
         audio_from_s: float = 0., pixel_ratio: Fraction = Fraction(1)) -> Path:
    """Write a video of 64 x 96 pixels at varying times, its upper left quarter dark red, with noise until 2 s."""
    noise = np.random.default_rng(0).normal(0, .1, round((2 - audio_from_s) * RATE_HZ)).astype(np.float32)
    with av.open(str(path), 'w') as target:
        video = target.add_stream(codecs[0], rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, 'yuv420p'
        video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.sample_aspect_ratio = pixel_ratio
        if turned:
            rotate(video, turned)
        audio = codecs[1] and target.add_stream(codecs[1], rate=RATE_HZ, layout='mono')
        for time_s in TIMES_S:
            image = np.zeros((64, 96, 3), np.uint8)
            image[:32, :48, 0] = 120
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            frame.pts, frame.time_base = round(1000 * (time_s + late_s)), Fraction(1, 1000)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        if audio:
            frame = av.AudioFrame.from_ndarray((32767 * noise)[None].astype(np.int16), format='s16', layout='mono')
            frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
            frame.pts = round((late_s + audio_from_s) * RATE_HZ)
            target.mux(audio.encode(frame))
            target.mux(audio.encode(None))
    return path


def result(*rows: tuple[int | None, float, float], people: tuple[PersonTrack, ...] = ()) -> EmotionResult:
    return EmotionResult('video', 2., ['happy', 'sad'],
                         [EmotionRow(start, end, person, BOX, dict(happy=.9, sad=.1)) for person, start, end in rows],
                         people=list(people))


def person(number: int, from_s: float, to_s: float, box: tuple = BOX) -> PersonTrack:
    path = [(time_s, box) for time_s in np.arange(from_s, to_s, .1)]
    return PersonTrack(number, [(from_s, to_s)], path, np.zeros((64, 64, 3), np.uint8))


def images(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(path)) as container:
        start_s = (container.start_time or 0) / 1e6
        frames = [(frame.time - start_s, np.rot90(frame.to_ndarray(format='rgb24'), round(frame.rotation / 90)))
                  for frame in container.decode(video=0)]
    return [time_s for time_s, _ in frames], [image for _, image in frames]


def audio_of(path: Path) -> np.ndarray:
    """Samples by their times; 16 kHz."""
    samples = np.zeros(4 * RATE_HZ)
    with av.open(str(path)) as container:
        to_mono = av.AudioResampler(format='fltp', layout='mono', rate=RATE_HZ)
        start_s = (container.start_time or 0) / 1e6
        for frame in container.decode(audio=0):
            for chunk in to_mono.resample(frame):
                place = round((chunk.time - start_s) * RATE_HZ)
                part = chunk.to_ndarray()[0][max(-place, 0):]
                samples[max(place, 0):max(place, 0) + len(part)] = part
    return samples


@pytest.mark.parametrize(('name', 'options'), [
    ('copied.mp4', {}), ('turned.mp4', dict(turned=90)), ('late.ts', dict(late_s=3.)),
    ('late_audio.mp4', dict(audio_from_s=.7)), ('encoded.mkv', dict(codecs=('libx264', 'flac'))),
    ('late_encoded.mkv', dict(codecs=('libx264', 'flac'), audio_from_s=.7)), ('silent.mp4', dict(codecs=('mpeg4', ''))),
    ('no_times.avi', dict(codecs=('mpeg4', 'libmp3lame')))])
def test_times_orientation_and_audio_are_the_originals(tmp_path: Path, name: str, options: dict) -> None:
    video = make(tmp_path / name, **options)
    overlay = tmp_path / 'overlay.mp4'
    write_overlay(str(video), result((None, 0., 2.)), overlay)
    times, (first, *_) = images(overlay)
    given_times, (given, *_) = images(video)
    np.testing.assert_allclose(times, given_times, atol=.001)
    assert first.shape == given.shape == ((96, 64, 3) if 'turned' in options else (64, 96, 3))
    height, width = first.shape[:2]
    rows, columns = np.nonzero(first[..., 0] > 90)
    given_rows, given_columns = np.nonzero(given[..., 0] > 90)
    assert (given_rows.mean() > height / 2) == ('turned' in options)
    assert abs(np.median(columns) - np.median(given_columns)) < width / 8
    if name == 'silent.mp4':
        return
    here, there = audio_of(overlay), audio_of(video)
    lags = np.fft.irfft(np.fft.rfft(here) * np.conj(np.fft.rfft(there)))
    assert min(lags.argmax(), len(lags) - lags.argmax()) <= .002 * RATE_HZ
    assert lags.max() > .9 * (there ** 2).sum()


def test_boxes_follow_the_people_of_the_nearest_window(tmp_path: Path) -> None:
    video = make(tmp_path / 'video.mp4')
    found = result((1, 0., 1.2), (2, .8, 2.), people=(person(1, 0, 2), person(2, 0, 1.2)))
    write_overlay(str(video), found, tmp_path / 'overlay.mp4')
    times, frames = images(tmp_path / 'overlay.mp4')
    drawn = []
    for frame in frames:
        edge = frame[40, 46:51].astype(int)  # the left side of the box
        drawn.append([number for number in (1, 2) if np.abs(edge - person_color(number)).sum(-1).min() < 150])
    assert dict(zip(times, drawn, strict=True)) == {
        0.: [1], .04: [1], .3: [1], .32: [1], .9: [1], 1.4: [], 1.44: [], 2.: []}  # the second one has left at 1.2 s
    with pytest.raises(InputError, match='no image to draw on'):
        make_audio = tmp_path / 'audio.wav'
        with av.open(str(make_audio), 'w') as target:
            stream = target.add_stream('pcm_s16le', rate=8000, layout='mono')
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format='s16', layout='mono')
            frame.sample_rate = 8000
            target.mux(stream.encode(frame))
        write_overlay(str(make_audio), found, tmp_path / 'none.mp4')
    assert {path.name for path in tmp_path.iterdir()} == {'video.mp4', 'overlay.mp4', 'audio.wav'}


@pytest.mark.parametrize(('given', 'turned', 'wanted'), [
    (Fraction(64, 45), 0, Fraction(64, 45)), (Fraction(64, 45), 90, Fraction(45, 64)),
    (Fraction(64, 45), 180, Fraction(64, 45)), (Fraction(1), 0, Fraction(1))])
def test_pixels_that_are_not_square_stay_so(tmp_path: Path, given: Fraction, turned: int, wanted: Fraction) -> None:
    video = make(tmp_path / 'video.mp4', turned=turned, pixel_ratio=given)
    write_overlay(str(video), result((None, 0., 2.)), tmp_path / 'overlay.mp4')
    with av.open(str(tmp_path / 'overlay.mp4')) as overlay:
        stream = overlay.streams.video[0]
        assert (stream.width, stream.height) == ((64, 96) if turned == 90 else (96, 64))
        assert (stream.sample_aspect_ratio or 1) == wanted


@pytest.mark.parametrize('samples', [1, 3])
@pytest.mark.parametrize('suffix', ['mp4', 'mkv'])
def test_audio_of_few_samples(tmp_path: Path, samples: int, suffix: str) -> None:
    codecs = ('libx264', 'aac' if suffix == 'mp4' else 'flac')
    video = make(tmp_path / f'video.{suffix}', codecs=codecs, audio_from_s=2 - samples / RATE_HZ)
    found = result((None, 0., 2.))
    found.envelope = [.2]
    write_overlay(str(video), found, tmp_path / 'overlay.mp4')
    assert len(images(tmp_path / 'overlay.mp4')[0]) == len(TIMES_S)
    assert 'audio' in [text.get_text() for axis in plot_timeline(found).axes for text in axis.get_yticklabels()]


def test_a_note_is_written_on_every_frame(tmp_path: Path) -> None:
    video = make(tmp_path / 'video.mp4')
    plain, noted = result((None, 0., 2.)), result((None, 0., 2.))
    noted.note = 'zero-shot: no training'
    write_overlay(str(video), plain, tmp_path / 'plain.mp4')
    write_overlay(str(video), noted, tmp_path / 'noted.mp4')
    for without, with_note in zip(images(tmp_path / 'plain.mp4')[1], images(tmp_path / 'noted.mp4')[1], strict=True):
        assert with_note[-20:].max() > 150 > 60 > without[-20:].max()  # white letters on what is black


@pytest.mark.parametrize(('given', 'wanted'), [
    ((66, 96), (66, 96)), ((65, 97), (66, 98)), ((1080, 1920), (1080, 1920))])
def test_the_size_is_that_of_the_video_with_odd_sides_made_even(tmp_path: Path, given: tuple[int, int],
                                                                wanted: tuple[int, int]) -> None:
    image = np.zeros((*given, 3), np.uint8)
    image[:, -3:] = 200
    with av.open(str(tmp_path / 'video.mkv'), 'w') as target:
        stream = target.add_stream('ffv1', rate=10)
        stream.height, stream.width, stream.pix_fmt = *given, 'bgr0'
        target.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24').reformat(format='bgr0')))
        target.mux(stream.encode(None))
    write_overlay(str(tmp_path / 'video.mkv'), result((None, 0., 2.)), tmp_path / 'overlay.mp4')
    _, (drawn,) = images(tmp_path / 'overlay.mp4')
    assert drawn.shape == (*wanted, 3) and drawn[-1, -1].min() > 150  # the last column is repeated
