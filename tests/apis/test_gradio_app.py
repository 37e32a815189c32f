"""tools/demo.py in a real browser, and what its page refuses."""
import os
import re
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
from page_browser import free_port, give_file, message_text, wait
from tool_runs import ROOT, fork_tool

from claip_emo_mm.apis.page_jobs import DemoLimits, JobCancelled, SessionJobs, run_job
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.errors import InputError
from claip_emo_mm.structures import EmotionResult

OPTIONS = dict(face='none', window_s=4., stride_s=2.)


@pytest.fixture(scope='module')
def page(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page of the tool, its address, and the folder that it keeps files in."""
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    folder = tmp_path_factory.mktemp('demo')
    with (folder / 'log').open('w') as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / 'tools' / 'demo.py'), '--checkpoint', str(checkpoint),
             '--port', str(free_port()), '--max-mb', '1'], stdout=log, stderr=subprocess.STDOUT,
            env=os.environ | {'PYTHONPATH': str(ROOT), 'TMPDIR': str(folder)})
        try:
            address = wait(lambda: re.search(r'The page is at (\S+)', (folder / 'log').read_text())
                            or process.poll() is not None, (folder / 'log').read_text, 180)
            assert process.poll() is None, (folder / 'log').read_text()
            yield SimpleNamespace(address=address[1], folder=folder, process=process)
        finally:
            process.kill()
            process.wait()


def test_a_clip_a_broken_file_and_a_recording_in_the_browser(page: SimpleNamespace, browser: Any, toy_set: Path,
                                                             tmp_path: Path) -> None:
    clip = next((toy_set / 'videos').glob('test*.mp4'))
    give_file(browser, page.address, clip)
    found = re.match(rf'{re.escape(clip.name)}: (?:unsure: )?(\w+) \d+ % \[drawn faces\]', message_text(browser))
    assert found and found[1] in DFEW.classes
    wait(lambda: found[1] in browser.find_element('css selector', '#table').text, lambda: 'no table')
    assert wait(lambda: browser.execute_script(
        'const v = document.querySelector("#overlay video"); return v && v.videoWidth'), lambda: 'no overlay') > 0
    names = browser.find_element('css selector', '#download').text
    assert all(kind in names for kind in ('.json', '.csv', '.png', '.overlay'))

    broken = tmp_path / 'broken.mp4'
    broken.write_text('not a video')
    give_file(browser, page.address, broken)
    message = message_text(browser)
    assert 'Error: broken.mp4' in message and str(page.folder) not in message
    assert not list(page.folder.glob('claip_emo_demo_*'))  # a job's folder

    browser.get(page.address)
    wait(lambda: browser.find_elements('css selector', '#example'), lambda: 'no example')[0].click()
    assert message_text(browser).startswith('example_happy.mp4: ')

    for recorded_s in (4, 16, 64):  # a busy machine delivers nothing within the first seconds
        message = _record(browser, page.address, recorded_s)
        if 'the file is empty' not in message:
            break
    assert re.search(r'^\w+\.webm: ', message) and 'no face 0.0-' in message

    page.process.send_signal(signal.SIGTERM)
    assert page.process.wait(60) == 0
    assert not list(page.folder.glob('claip_emo_*'))  # uploads and results


def test_a_taken_port_is_said_before_the_model_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        found = fork_tool('demo.py', '--checkpoint', 'gone.pth', '--port', port, cwd=ROOT)
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


def test_a_job_ends_when_it_is_cancelled_or_its_page_is_left(tmp_path: Path) -> None:
    jobs, video = SessionJobs(), tmp_path / 'long.mp4'
    video.write_bytes(bytes(10))

    class Endless:
        def infer(self, path: Path, progress: Any, **options: Any) -> EmotionResult:
            for number in range(100):
                if number == 3:
                    jobs.cancel('a')
                self.number = number
                progress(1., None)
            raise AssertionError('read to the end')

    infer = Endless()
    jobs.begin('a')
    jobs.begin('b')
    with pytest.raises(JobCancelled):
        run_job(infer, str(video), tmp_path, DemoLimits(), OPTIONS, None, jobs.cancelled('a'))
    assert infer.number == 3
    assert jobs.cancelled('a').is_set() and not jobs.cancelled('b').is_set()
    first = jobs.cancelled('b')
    jobs.begin('b')  # the page starts anew
    assert first.is_set() and not jobs.cancelled('b').is_set()
    jobs.cancel('nobody')


def _record(browser: Any, address: str, recorded_s: int) -> str:
    """Record the browser's own test frame for a while, and return the page's message."""
    def button(place: str, text: str) -> Any:
        found = [each for each in browser.find_elements('css selector', f'{place} button') if text in each.text]
        return found and found[0]

    browser.get(address)
    wait(lambda: button('', 'Record'), lambda: 'no tab').click()
    for text in ('Access Webcam', 'Record', 'Stop'):
        wait(lambda text=text: button('#record', text), lambda text=text: f'no {text}').click()
        time.sleep(recorded_s if text == 'Record' else 1)  # what is recorded comes in pieces
    wait(lambda: browser.find_elements('css selector', '#record video[src*=file]'), lambda: 'no recording')
    browser.find_element('css selector', '#start-record').click()
    return message_text(browser)
