"""The live part of the page: what a browser sends, one visitor at a time."""
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from page_browser import serve, wait

from claip_emo_mm.apis import live_page
from claip_emo_mm.apis.gradio_app import build_page
from claip_emo_mm.apis.live import LiveUpdate
from claip_emo_mm.apis.live_page import BrowserSource, LiveSession, LiveSessions
from claip_emo_mm.apis.page_jobs import DemoLimits
from claip_emo_mm.errors import InputError
from claip_emo_mm.media import live_stream
from claip_emo_mm.media.live_stream import LiveStream
from claip_emo_mm.structures import EmotionRow


class Model:
    """Stands in for an inferencer."""
    classes, note, takes_labels, _reads_frames = ['calm', 'loud'], '', False, True


def watch_frames(infer: Model, stream: LiveStream) -> Iterator[LiveUpdate]:
    """An update for each frame: how bright it is."""
    for time_s, frame in stream.frames():
        scores = dict(calm=round(frame().mean() / 255, 2), loud=0.)
        yield LiveUpdate([EmotionRow(0, time_s, 1, None, scores)], .1, 0, 0)
    raise InputError('the camera is off.')


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time at which a browser sends; frames may stay away for 12 s of it."""
    clock = SimpleNamespace(now_s=100.)
    monkeypatch.setattr(live_page, 'time', SimpleNamespace(monotonic=lambda: clock.now_s))
    for module in (live_page, live_stream):
        monkeypatch.setattr(module, 'TIMEOUT_S', 24.)
    return clock


def test_a_camera_that_starts_late_and_pauses(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    def watch(infer: Model, stream: LiveStream) -> Iterator[LiveUpdate]:
        try:
            yield from watch_frames(infer, stream)
        except InputError:
            yield LiveUpdate([], .1, 9, 9, ['too slow'])
            resumed.append('the rest, without frames')

    def see(brightness: int) -> str:
        return sessions.see('ann', np.full((4, 6, 3), brightness, np.uint8))

    def hear(visitor: str = 'ann') -> str:
        return sessions.hear(visitor, 8000, np.full(4000, 99, np.int16))

    resumed: list[str] = []
    monkeypatch.setattr(live_page, 'recognize_live', watch)
    sessions = LiveSessions(Model())
    for clock.now_s in (100., 114., 140.):
        assert 'Start the camera, too' in hear() and sessions.of('ann', begins=False) is None
    assert 'The first window is not full yet' in see(204)
    first = sessions.of('ann')
    wait(lambda: 'calm 80 %' in hear(), hear)
    assert 'Another visitor is live' in hear('bob')
    for clock.now_s in (144., 148.):
        hear()
    see(102)
    wait(lambda: 'calm 40 %' in hear(), hear)  # a short pause is none
    for clock.now_s in (154., 159., 160.5):
        hear()
    wait(lambda: not first.is_alive, lambda: 'does not end')
    assert 'The camera has sent nothing for 12 s.' in hear() and not first.has_failed and resumed == []
    assert 'The first window is not full yet' in see(51)
    wait(lambda: 'calm 20 %' in hear(), hear)
    assert sessions.of('ann') is not first
    sessions.end('ann')
    wait(lambda: not sessions.of('ann', begins=False).is_alive, lambda: 'does not end')


def test_a_model_of_audio_alone_needs_no_camera(monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace) -> None:
    def watch_audio(infer: Model, stream: LiveStream) -> Iterator[LiveUpdate]:
        for time_s, samples, _ in stream.audio():
            yield LiveUpdate([EmotionRow(time_s, time_s, 1, None, dict(calm=float(samples.max()), loud=0.))], .1, 0, 0)

    monkeypatch.setattr(live_page, 'recognize_live', watch_audio)
    monkeypatch.setattr(Model, '_reads_frames', False)
    sessions = LiveSessions(Model())
    for clock.now_s, value in ((100., .25), (106., .5), (112., .25), (118., .75)):
        assert 'camera' not in sessions.hear('ann', 8000, np.full(4000, value, np.float32))
    session = sessions.of('ann')
    wait(lambda: 'calm 75 %' in session.text, lambda: session.text)
    sessions.end('ann')
    wait(lambda: not session.is_alive, lambda: 'does not end')


def test_frames_and_samples_of_a_browser() -> None:
    source = BrowserSource()
    source.see(np.full((4, 6, 3), 9, np.uint8))
    for value in (16384, 8192):
        source.hear(8000, np.full(4000, value, np.int16))
    source.hear(8000, np.full((800, 2), .5, np.float32))
    source.close()
    frame, *audio = source.decode()
    assert frame.to_ndarray(format='rgb24').mean() == 9
    assert [round(float(chunk.to_ndarray().mean()), 3) for chunk in audio] == [.5, .25, .5]
    assert audio[0].time == pytest.approx(frame.time - .5, abs=.3)
    assert np.diff([chunk.time for chunk in audio]) == pytest.approx([.5, .5])  # without gaps, whenever they came


def test_one_visitor_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_page, 'recognize_live', watch_frames)
    sessions = LiveSessions(Model())
    ann = sessions.of('ann')
    assert sessions.of('ann') is ann and sessions.of('bob') is None
    ann.source.see(np.full((4, 6, 3), 204, np.uint8))
    wait(lambda: 'person 1 calm 80 %  [100 ms]' in ann.text, lambda: ann.text)
    assert 'latency 100 ms (median)' in ann.text
    sessions.end('bob')
    assert ann.is_alive
    sessions.end('ann')
    wait(lambda: not ann.is_alive, lambda: 'does not end')
    assert 'Error' in ann.text and 'the camera is off.' in ann.text
    assert sessions.of('ann') is ann  # the reason stays on the page
    bob = sessions.of('bob')
    assert bob is not None
    sessions.end('bob')
    wait(lambda: not bob.is_alive, lambda: 'does not end')


def test_what_nobody_thought_of_is_said(caplog: pytest.LogCaptureFixture) -> None:
    session = LiveSession(Model())  # which cannot cut windows
    wait(lambda: session.has_failed, lambda: session.text)
    assert 'cannot go on (AttributeError).' in session.text and 'live session failed' in caplog.text


def test_the_camera_of_a_browser_is_seen(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    monkeypatch.setattr(live_page, 'recognize_live', watch_frames)
    with serve(build_page(Model(), DemoLimits()), browser) as address:
        browser.get(f'{address}live')

        def text() -> str:
            return browser.find_element('css selector', 'body').text

        def press(words: str) -> bool:
            return browser.execute_script(f'''
                const button = [...document.querySelectorAll("#live-camera button")].find(
                    each => /{words}/i.test(each.innerText + each.ariaLabel + each.title) && !each.disabled);
                if (button) button.click();
                return Boolean(button);''')

        wait(lambda: press('access'), text)  # gradio asks for the camera first
        wait(lambda: press('record|start'), text)
        wait(lambda: 'person 1 calm' in text(), text)
