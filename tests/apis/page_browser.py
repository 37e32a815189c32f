"""A browser for the tests of the page, and what they measure in it."""
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from claip_emo_mm.apis.page_style import STYLE, page_theme

PHONE, DESK = (390, 844), (1280, 900)

# For every element with text of its own that can be seen: text, color and background (of the element behind it that has
# one), size of the letters in pixels.
TEXTS = '''
const seen = [];
for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || !element.checkVisibility({opacityProperty: true, visibilityProperty: true}) || !box.width
        || element.closest('button:disabled, svg, [aria-hidden=true], .sr-only')) continue;
    let behind = element, background;
    do {
        background = getComputedStyle(behind).backgroundColor;
        behind = behind.parentElement;
    } while (behind && /rgba\\(.*, 0\\)|transparent/.test(background));
    seen.push([element.textContent.trim().slice(0, 60), getComputedStyle(element).color,
               /, 0\\)/.test(background) ? 'rgb(255, 255, 255)' : background,
               parseFloat(getComputedStyle(element).fontSize)]);
}
return seen;'''


def open_browser() -> Any:
    """Headless Chromium; skips the test where it is missing."""
    driver, program = shutil.which('chromedriver'), shutil.which('chromium')
    if not (driver and program):
        pytest.skip('chromium and chromedriver are not installed')
    webdriver = pytest.importorskip('selenium.webdriver', reason='the browser is driven by selenium')
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--no-proxy-server',
                     '--window-size=1300,1600', '--use-fake-device-for-media-stream',
                     '--use-fake-ui-for-media-stream',
                     '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'):  # waits for nothing outside
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def free_port() -> int:
    """A port that nobody uses, nor has used: a browser would show the next page to what it knows from there."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


@contextmanager
def serve(page: Any, browser: Any, **options: Any) -> Iterator[str]:
    """Serve a page of gradio: its address. The browser leaves it before it goes; else it would ask for it for ever."""
    _, address, _ = page.launch(server_name='127.0.0.1', server_port=free_port(), prevent_thread_lock=True, quiet=True,
                                share=False, ssr_mode=False, footer_links=[], theme=page_theme(), css=STYLE, **options)
    try:
        yield address
    finally:
        browser.get('about:blank')
        page.close(verbose=False)


def set_size(browser: Any, size: tuple[int, int]) -> None:
    """Give the page the size of a screen in pixels; narrow ones are phones."""
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(
        width=size[0], height=size[1], deviceScaleFactor=1, mobile=size[0] < 500))


def give_file(browser: Any, address: str, path: Path) -> None:
    """Open the page, give it a file, and start."""
    browser.get(address)
    field = wait(lambda: browser.find_elements('css selector', '#upload input[type=file]'), lambda: 'no page')[0]
    field.send_keys(str(path))
    wait(lambda: path.stem[:8] in browser.find_element('css selector', '#upload').text, lambda: 'not uploaded')
    browser.find_element('css selector', '#start').click()


def message_text(browser: Any) -> str:
    """What the page says, once it is more than that it works on it."""
    def found() -> str:
        text = browser.execute_script('return document.querySelector("#message .said")?.innerText || ""')
        return '' if text.startswith(('Choose', 'Working', 'Cancelling')) else text
    return wait(found, lambda: browser.find_element('css selector', 'body').text, 120)


def contrast(color: str, background: str) -> float:
    """Contrast of two colors as CSS writes them (WCAG 2.2, contrast ratio)."""
    first, second = sorted(map(_luminance, (color, background)), reverse=True)
    return (first + .05) / (second + .05)


def _luminance(color: str) -> float:
    numbers = [float(number) / 255 for number in color[color.index('(') + 1:color.index(')')].split(',')[:3]]
    red, green, blue = (number / 12.92 if number <= .04045 else ((number + .055) / 1.055) ** 2.4 for number in numbers)
    return .2126 * red + .7152 * green + .0722 * blue


def wait(found: Callable[[], Any], otherwise: Callable[[], Any], timeout_s: float = 60) -> Any:
    """Wait until something is found."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(.1)
    raise AssertionError(f'waited {timeout_s} s: {otherwise()}')
