"""Live streams: times, threads, what is dropped, what takes the place of missing audio."""
import sys
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from claip_emo_mm.apis.window_clip import AudioBuffer
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import live_stream
from claip_emo_mm.media.live_sources import open_address, open_camera, open_microphone
from claip_emo_mm.media.live_stream import LiveStream, Waiting

RATE_HZ = 8000


def video_frame(time_s: float | None, brightness: int = 0) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((4, 6, 3), brightness, np.uint8), format='rgb24')
    if time_s is not None:
        frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
    return frame


def audio_frame(time_s: float, value: float, length_s: float = .1) -> av.AudioFrame:
    samples = np.full((1, round(length_s * RATE_HZ)), value, np.float32)
    frame = av.AudioFrame.from_ndarray(samples, format='flt', layout='mono')
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, round(time_s * RATE_HZ), Fraction(1, RATE_HZ)
    return frame


class Source:
    """Sends frames as fast as it can, then fails or ends; `hold` keeps it from ending."""
    is_paced = False

    def __init__(self, frames: Sequence, error: Exception | None = None, hold: threading.Event | None = None,
                 name: str = 'source') -> None:
        self.name, self._frames, self._error, self._hold = name, frames, error, hold
        self.has_frames = any(isinstance(frame, av.VideoFrame) for frame in frames)
        self.has_audio = any(isinstance(frame, av.AudioFrame) for frame in frames)

    def decode(self) -> Iterator:
        yield from self._frames
        if self._hold is not None:
            assert self._hold.wait(20)
        if self._error is not None:
            raise self._error


def read_times(*sources: Source) -> tuple[list[float], list[tuple[float, float]], LiveStream]:
    """Times of all frames; times and first samples of all audio."""
    with LiveStream(sources) as stream:
        for thread in stream._threads:
            thread.join(20)
        frames = [time_s for time_s, frame in stream.frames() if frame().shape == (4, 6, 3)]
        audio = [(time_s, float(samples[0, 0])) for time_s, samples, _ in stream.audio()] if stream.has_audio else []
    return frames, audio, stream


def test_waiting_drops_the_oldest() -> None:
    waiting = Waiting(2)
    for item in 'abcd':
        waiting.put(item)
    assert waiting.dropped == 2 and [waiting.get(0), waiting.get(0), waiting.get(0)] == ['c', 'd', None]
    waiting.put('e')
    waiting.close()
    assert not waiting.is_closed and waiting.get(9) == 'e' and waiting.is_closed and waiting.get(9) is None


def test_times_count_from_the_beginning_of_each_source() -> None:
    frames, audio, stream = read_times(Source([video_frame(1000), audio_frame(1000.01, .5), video_frame(1000.1)]))
    assert frames == pytest.approx([0, .1], abs=.02) and stream.failure == ''
    assert audio == [(pytest.approx(.01, abs=.02), .5)]
    assert stream.now_s >= .1  # what was shown at .1 s is there


def test_audio_from_before_the_first_frame_is_not_moved() -> None:
    with LiveStream([Source([video_frame(5), audio_frame(4.8, .5, .5), audio_frame(5.3, .25)])]) as stream:
        buffer = AudioBuffer(stream)
        assert len(list(stream.frames())) == 1
        buffer.read_until(9)
    assert buffer.end_s == pytest.approx(.4, abs=.03)
    samples, _ = buffer.cut(0, .4)
    assert np.count_nonzero(samples == .5) / RATE_HZ == pytest.approx(.3, abs=.03)


def test_a_fast_camera_is_thinned_out_and_a_slow_reader_loses_the_oldest() -> None:
    frames, _, stream = read_times(Source([video_frame(number / 100) for number in range(100)]))
    assert len(frames) <= 25 and stream.dropped_frames == 0
    frames, _, stream = read_times(Source([video_frame(number / 20) for number in range(100)]))
    assert len(frames) == 48 and stream.dropped_frames == 52
    assert frames[-1] == pytest.approx(99 / 20, abs=.1)


def test_timestamps_that_jump_begin_anew() -> None:
    frames, _, _ = read_times(Source([video_frame(time_s) for time_s in (50, 50.1, 9000, 9000.1, 3, 3.1)]))
    assert frames == pytest.approx([0, .1, .2, .3], abs=.03)  # the first ones after a jump share a tick with the last


def test_a_microphone_goes_before_the_audio_of_a_camera() -> None:
    microphone = Source([audio_frame(5, .25)], name='microphone')
    frames, audio, stream = read_times(microphone, Source([video_frame(7), audio_frame(7, .75)], name='camera'))
    assert len(frames) == 1 and [value for _, value in audio] == [.25] and stream.name == 'microphone camera'


def test_silence_takes_the_place_of_audio_that_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_stream, '_SILENCE_AFTER_S', .01)
    hold = threading.Event()
    with LiveStream([Source([audio_frame(0, .5), *(video_frame(number / 10) for number in range(30))],
                            hold=hold)]) as stream:
        audio = stream.audio()
        assert next(audio)[1][0, 0] == .5
        while stream.now_s < 2.9:
            assert stream._frames.get(9) is not None  # the reader is still at work
        time_s, silence, rate_hz = next(audio)
        assert time_s == pytest.approx(.1, abs=.02) and rate_hz == RATE_HZ
        assert not silence.any() and len(silence) >= 2.7 * RATE_HZ
        assert stream.warnings == ['no audio comes at 0 s: silence in its place']
        hold.set()


def test_why_it_ended_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, stream = read_times(Source([video_frame(0)], error=OSError(5, 'Input/output error')))
    assert stream.failure == 'source: broke off (Input/output error)'
    monkeypatch.setattr(live_stream, 'TIMEOUT_S', .01)
    hold = threading.Event()
    with LiveStream([Source([video_frame(0)], hold=hold)]) as stream:
        assert len(list(stream.frames())) == 1
        assert stream.failure == 'source: no frame has come for 0.01 s'
        hold.set()


def test_what_is_not_there_is_told_in_one_line() -> None:
    for open_source, place, message in (
            (open_camera, '98', '--camera 98: there is no /dev/video98. Connected cameras: .* docker run --device'),
            (open_camera, '/dev/null', r'--camera /dev/null: cannot be opened \(.*\). Another program may use it'),
            (open_address, 'rtsp://ann:secret@127.0.0.1:9/live?key=1',
             r'--stream rtsp://127.0.0.1:9/live: cannot be opened \(Connection refused\). Check the address'),
            (open_address, 'file:///etc/passwd', 'is no address of a stream. Expected rtsp, rtsps, rtmp'),
            (open_address, 'clip.mp4', '--stream clip.mp4: is no address of a stream')):
        with pytest.raises(InputError, match=message) as error:
            open_source(place)
        assert '\n' not in str(error.value) and 'secret' not in str(error.value)


def test_microphone_without_a_sound_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('claip_emo_mm.media.live_sources.find_spec', lambda name: None)
    monkeypatch.setattr('claip_emo_mm.media.live_sources._SOUND_CARDS', '/dev/no_sound')
    with pytest.raises(InputError, match='^--microphone hw:9: there is no sound card of ALSA .* install sounddevice'):
        open_microphone('hw:9')


def test_microphone_by_sounddevice(monkeypatch: pytest.MonkeyPatch) -> None:
    class InputStream:
        """Stands in for sounddevice's, which needs a sound card."""
        samplerate = 16000.

        def __init__(self, device: str | int | None, channels: int, dtype: str) -> None:
            if device == 7:
                raise ValueError('Invalid device 7')
            assert (device, channels, dtype) == (None, 1, 'float32')

        def start(self) -> None:
            """Begin."""

        def read(self, count: int) -> tuple[np.ndarray, bool]:
            return np.full((count, 1), .5, np.float32), False

        def close(self) -> None:
            """End."""

    monkeypatch.setitem(sys.modules, 'sounddevice', SimpleNamespace(InputStream=InputStream))
    monkeypatch.setattr('claip_emo_mm.media.live_sources.find_spec', lambda name: True)
    frames = open_microphone().decode()
    found = [next(frames) for _ in range(3)]
    assert [frame.time for frame in found] == [0, .02, .04] and {frame.sample_rate for frame in found} == {16000}
    assert np.all(found[2].to_ndarray() == .5)
    with pytest.raises(InputError, match=r'--microphone 7: cannot be opened \(Invalid device 7\)'):
        open_microphone('7')
