"""Every state of the page on a phone and on a desk: sizes, contrasts, texts for those who do not see."""
import itertools
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from page_browser import DESK, PHONE, TEXTS, contrast, give_file, message_text, serve, set_size, wait

from claip_emo_mm.apis.gradio_app import build_page
from claip_emo_mm.apis.page_jobs import MEGABYTE, DemoLimits
from claip_emo_mm.apis.page_style import message
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult, EmotionRow, PersonTrack

CLASSES = ['happy', 'sad', 'neutral']


class Pretended:
    """An inferencer that knows the answer, or never gets to one."""
    classes, note, takes_labels = CLASSES, 'toy: knows drawn faces alone', False

    def __init__(self) -> None:
        self.started, self.ended = threading.Semaphore(0), threading.Semaphore(0)

    def infer(self, path: Path, progress: Any, **options: Any) -> EmotionResult:
        if path.name.startswith('broken'):
            raise InputError(f'{path}: is not a video.')
        try:
            while path.name.startswith('endless'):
                progress(3., 10.)
                self.started.release()
                threading.Event().wait(.05)
        finally:
            self.ended.release()
        box, scores = (.3, .2, .4, .3), dict(happy=.8, sad=.15, neutral=.05)
        track = PersonTrack(1, [(0., 2.)], [(time_s, box) for time_s in np.arange(0, 2, .1)],
                            np.zeros((64, 64, 3), np.uint8))
        return EmotionResult(str(path), 2., CLASSES, [EmotionRow(0, 2, 1, box, scores)], ['no audio'], [track], [.5],
                             self.note)


@pytest.fixture(scope='module')
def infer() -> Pretended:
    return Pretended()


@pytest.fixture(scope='module')
def address(infer: Pretended, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    example = write_video(tmp_path_factory.mktemp('example') / 'example.mp4')
    page = build_page(infer, DemoLimits(megabytes=1.), example, '# Model card\n\nWhat it must not be used for.')
    with serve(page, browser, max_file_size=MEGABYTE) as address:
        yield address


def write_video(path: Path) -> Path:
    """A portrait video of 2 s, 90 x 160."""
    content = BytesIO()
    with av.open(content, 'w', format='mp4') as target:
        stream = target.add_stream('libx264', rate=5)
        stream.width, stream.height, stream.pix_fmt = 90, 160, 'yuv420p'
        for _ in range(10):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((160, 90, 3), 99, np.uint8), format='rgb24')))
        target.mux(stream.encode(None))
    path.write_bytes(content.getvalue())
    return path


def check_looks(browser: Any, state: str) -> None:
    """Nothing is wider than the screen, no letters are tiny, and all texts stand out from what is behind them."""
    assert browser.execute_script('return document.documentElement.scrollWidth <= innerWidth'), state
    texts = browser.execute_script(TEXTS)
    assert len(texts) > 5
    pale = [(text, round(contrast(color, background), 2)) for text, color, background, _ in texts
            if contrast(color, background) < 4.5]
    assert not pale, (state, pale)
    assert not [(text, size) for text, *_, size in texts if size < 12], state


@pytest.mark.parametrize(('size', 'scheme'), [(PHONE, 'dark'), (DESK, 'light')], ids=['phone', 'desk'])
def test_every_state_of_the_page(address: str, browser: Any, infer: Pretended, tmp_path: Path,
                                 size: tuple[int, int], scheme: str) -> None:
    set_size(browser, size)
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[dict(name='prefers-color-scheme',
                                                                              value=scheme)]))
    browser.get(address)
    wait(lambda: browser.find_elements('css selector', '#example'), lambda: 'no page')
    check_looks(browser, 'empty')
    about = browser.find_element('css selector', '#about').text
    assert 'up to 1 MB and 600 s' in about and infer.note in about
    assert not browser.find_elements('css selector', '#cancel')

    give_file(browser, address, write_video(tmp_path / 'portrait.mp4'))
    said = message_text(browser)
    assert said.startswith('portrait.mp4: happy') and infer.note in said and 'warning: no audio' in said
    wait(lambda: browser.execute_script('return document.querySelector("#overlay video")?.videoWidth'), lambda: 'none')
    check_looks(browser, 'result')
    width, height, name = wait(lambda: browser.execute_script('''const video = document.querySelector('#overlay video');
        const name = video.getAttribute('aria-label');
        return name && [video.clientWidth, video.clientHeight, name]'''), lambda: 'no name')
    assert width <= size[0] and 100 < height <= .7 * size[1] + 1 and 'labels of emotions' in name
    alt, shown, complete = browser.execute_script('''const image = document.querySelector('#timeline img');
        return [image.alt, image.clientWidth, image.complete && image.naturalWidth > 0]''')
    assert 'person 1: happy 80 %, visible 2.0 of 2.0 s' in alt and complete
    assert shown == round(116 * 7.5)  # not shrunk: letters of 8 points have 13 pixels; its frame scrolls

    broken = tmp_path / 'broken.mp4'
    broken.write_text('x')
    give_file(browser, address, broken)
    assert 'Error: broken.mp4: is not a video.' in message_text(browser)
    assert browser.find_element('css selector', '#message [role=alert]').is_displayed()
    assert not browser.find_elements('css selector', '#table')
    check_looks(browser, 'error')


def test_cancelling_reloading_and_files_that_are_too_large(address: str, browser: Any, infer: Pretended,
                                                           tmp_path: Path) -> None:
    set_size(browser, PHONE)
    endless = write_video(tmp_path / 'endless.mp4')
    give_file(browser, address, endless)
    assert infer.started.acquire(timeout=60)
    button = wait(lambda: browser.find_elements('css selector', '#cancel'), lambda: 'no button')[0]
    check_looks(browser, 'running')
    wait(lambda: not browser.find_element('css selector', '#start').is_enabled(), lambda: 'can be started twice')
    wait(lambda: '3/10' in browser.find_element('css selector', '#bar').text, lambda: 'no progress')
    parts = browser.execute_script('''
        return ['.progress-text', '.progress-level-inner', '.progress-bar-wrap', '#cancel'].map(
            name => document.querySelector(name).getBoundingClientRect()).map(box => [box.top, box.bottom])''')
    assert all(one[1] <= other[0] + 1 for one, other in itertools.pairwise(sorted(parts))), parts
    button.click()
    assert message_text(browser).startswith('Cancelled')
    check_looks(browser, 'cancelled')
    wait(lambda: browser.find_element('css selector', '#start').is_enabled(), lambda: 'cannot be started again')

    for leave in (lambda: browser.refresh(), lambda: browser.get('about:blank')):
        while infer.started.acquire(blocking=False) or infer.ended.acquire(blocking=False):
            pass
        give_file(browser, address, endless)
        assert infer.started.acquire(timeout=60)
        leave()
        assert infer.ended.acquire(timeout=60)  # nobody waits for it any more
    browser.get(address)
    wait(lambda: browser.find_elements('css selector', '#example'), lambda: 'no page')[0].click()
    assert message_text(browser).startswith('example.mp4: happy')

    browser.get(address)
    large = tmp_path / 'large.mp4'
    large.write_bytes(bytes(MEGABYTE + 1))
    wait(lambda: browser.find_elements('css selector', '#upload input[type=file]'), lambda: 'no page')[0].send_keys(
        str(large))
    said = wait(lambda: [each.text for each in browser.find_elements('css selector', '.toast-body') if each.text],
                lambda: 'not refused')[0]
    assert ' 1.0 M' in said  # the number that the page states


def test_the_model_card_has_a_page(address: str, browser: Any) -> None:
    browser.get(address)
    link = wait(lambda: browser.find_elements('css selector', '#card-link'), lambda: 'no link')[0]
    browser.get(link.get_attribute('href'))
    wait(lambda: 'What it must not be used for.' in browser.find_element('css selector', 'body').text, lambda: 'none')


def test_names_of_files_are_text() -> None:
    assert '<img' not in message('<img src=x onerror=alert(1)>.mp4', ['<b>'])
    assert contrast('rgb(0, 0, 0)', 'rgb(255, 255, 255)') == pytest.approx(21)
    assert contrast('rgb(119, 119, 119)', 'rgb(255, 255, 255)') == pytest.approx(4.48, abs=.005)
