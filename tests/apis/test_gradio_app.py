"""tools/demo.py in a real browser, and what its page refuses."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claip_emo_mm.apis.gradio_app import DemoLimits, run_job
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult

ROOT = Path(__file__).parents[2]
OPTIONS = dict(face='none', window_s=4., stride_s=2.)


@pytest.fixture(scope='module')
def page(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page of the tool, its address, and the folder that it keeps files in."""
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    folder = tmp_path_factory.mktemp('demo')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    with (folder / 'log').open('w') as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / 'tools' / 'demo.py'), '--checkpoint', str(checkpoint), '--port', str(port),
             '--max-mb', '1'], stdout=log, stderr=subprocess.STDOUT,
            env=os.environ | {'PYTHONPATH': str(ROOT), 'TMPDIR': str(folder)})
        try:
            address = _wait(lambda: re.search(r'The page is at (\S+)', (folder / 'log').read_text())
                            or process.poll() is not None, (folder / 'log').read_text, 180)
            assert process.poll() is None, (folder / 'log').read_text()
            yield SimpleNamespace(address=address[1], folder=folder, process=process)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope='module')
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    driver, program = shutil.which('chromedriver'), shutil.which('chromium')
    if not (driver and program):
        pytest.skip('chromium and chromedriver are not installed')
    webdriver = pytest.importorskip('selenium.webdriver', reason='the browser is driven by selenium')
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--no-proxy-server',
                     '--window-size=1300,1600', '--use-fake-device-for-media-stream',
                     '--use-fake-ui-for-media-stream'):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield driver
    driver.quit()


def test_a_clip_a_broken_file_and_a_recording_in_the_browser(page: SimpleNamespace, browser: Any, toy_set: Path,
                                                 tmp_path: Path) -> None:
    clip = next((toy_set / 'videos').glob('test*.mp4'))
    message = _judge(browser, page.address, clip)
    found = re.match(rf'{re.escape(clip.name)}: (\w+) \(\d+ %\)', message)
    assert found and found[1] in DFEW.classes
    _wait(lambda: found[1] in browser.find_element('css selector', '#table').text, lambda: 'no table')
    assert _wait(lambda: browser.execute_script(
        'const v = document.querySelector("#overlay video"); return v && v.videoWidth'), lambda: 'no overlay') > 0
    assert _wait(lambda: browser.execute_script(
        'const i = document.querySelector("#timeline img"); return i && i.naturalWidth'), lambda: 'no timeline') > 0
    names = browser.find_element('css selector', '#download').text
    assert all(kind in names for kind in ('.json', '.csv', '.png', '.overlay'))

    broken = tmp_path / 'broken.mp4'
    broken.write_text('not a video')
    message = _judge(browser, page.address, broken)
    assert message.startswith('error: broken.mp4') and str(page.folder) not in message
    assert not list(page.folder.glob('claip_emo_demo_*'))  # a job's folder

    message = _record(browser, page.address)
    assert re.search(r'^\w+\.webm: \w+ \(\d+ %\)', message) and 'no face 0.0-' in message

    page.process.send_signal(signal.SIGTERM)
    assert page.process.wait(60) == 0
    assert not list(page.folder.glob('claip_emo_*'))  # uploads and results


def test_a_taken_port_is_said_before_the_model_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = subprocess.run([sys.executable, str(ROOT / 'tools' / 'demo.py'), '--checkpoint', 'gone.pth',
                                '--port', port], env=os.environ | {'PYTHONPATH': str(ROOT)}, capture_output=True,
                               text=True, timeout=120)
    assert found.returncode == 1 and 'Traceback' not in found.stderr
    assert found.stderr.splitlines()[-1].startswith(f'error: 127.0.0.1:{port}: cannot listen there (Address already in')


def test_refuses_what_is_over_a_limit(tmp_path: Path) -> None:
    class Endless:
        """Reads 4 s at a time from something that does not say how long it is."""

        def infer(self, path: Path, progress: Any, **options: Any) -> EmotionResult:
            assert options == OPTIONS
            for time_s in range(4, 10000, 4):
                progress(float(time_s), None)
                self.read_s = time_s
            raise AssertionError('read to the end')

    video = tmp_path / 'long.mp4'
    video.write_bytes(bytes(2000))
    infer = Endless()
    with pytest.raises(InputError, match=r'long.mp4 is longer than 10 s'):
        run_job(infer, str(video), tmp_path, DemoLimits(seconds=10.), OPTIONS)
    assert infer.read_s == 8
    with pytest.raises(InputError, match=r'long.mp4 has 0.0 MB. This page takes up to 0.001 MB'):
        run_job(infer, str(video), tmp_path, DemoLimits(megabytes=.001), OPTIONS)
    with pytest.raises(InputError, match='no file chosen'):
        run_job(infer, None, tmp_path, DemoLimits(), OPTIONS)
    assert list(tmp_path.iterdir()) == [video]


def _record(browser: Any, address: str) -> str:
    """Record the browser's own test frame for a while, and return the page's message."""
    def button(place: str, text: str) -> Any:
        found = [each for each in browser.find_elements('css selector', f'{place} button') if text in each.text]
        return found and found[0]

    browser.get(address)
    _wait(lambda: button('', 'Record'), lambda: 'no tab').click()
    for text in ('Access Webcam', 'Record', 'Stop'):
        _wait(lambda text=text: button('#record', text), lambda text=text: f'no {text}').click()
        time.sleep(4 if text == 'Record' else 1)  # what is recorded comes in pieces
    _wait(lambda: browser.find_elements('css selector', '#record video[src*=file]'), lambda: 'no recording')
    browser.find_element('css selector', '#start-record').click()
    return _message(browser)


def _message(browser: Any) -> str:
    return _wait(lambda: browser.execute_script('return document.querySelector("#message textarea").value'),
                 lambda: browser.find_element('css selector', 'body').text, 120)


def _judge(browser: Any, address: str, path: Path) -> str:
    """Open the page, give it a file, and return its message."""
    browser.get(address)
    field = _wait(lambda: browser.find_elements('css selector', '#upload input[type=file]'), lambda: 'no page')[0]
    field.send_keys(str(path))
    _wait(lambda: path.stem in browser.find_element('css selector', '#upload').text, lambda: 'not uploaded')
    browser.find_element('css selector', '#start').click()
    return _message(browser)


def _wait(found: Any, otherwise: Any, timeout_s: float = 60) -> Any:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(.2)
    raise AssertionError(f'waited {timeout_s} s: {otherwise()}')
