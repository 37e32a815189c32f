"""Live inference: the windows of files, the newest first, in real time."""
import csv
import itertools
import re
import threading
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from live_server import serve_live
from local_server import serve
from tool_runs import call_tool

from claip_emo_mm.apis import EmotionInferencer, live_session
from claip_emo_mm.apis.live import LiveStatistics, LiveUpdate, recognize_live
from claip_emo_mm.apis.window_clip import AudioBuffer
from claip_emo_mm.apis.windows import PersonView, SlidingWindows, Window
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.identities import PersonTracker
from claip_emo_mm.media.containers import open_media
from claip_emo_mm.media.live_sources import open_address
from claip_emo_mm.media.live_stream import LiveStream
from claip_emo_mm.media.stream import ArrayStream, FileStream
from claip_emo_mm.structures import EmotionRow


class FileSource:
    """Sends a file as fast as it is decoded."""
    is_paced, has_frames, has_audio = False, True, True

    def __init__(self, path: Path) -> None:
        self.name = str(path)

    def decode(self) -> Iterator:
        with open_media(self.name) as container:
            yield from container.decode()


def test_windows_are_those_of_the_file(media: Path) -> None:
    found = []
    with LiveStream([FileSource(media / 'clip.mp4')]) as stream:
        for thread in stream._threads:
            thread.join(20)
        for source in (stream, FileStream(str(media / 'clip.mp4'))):
            found.append(list(SlidingWindows(source, 1., .5, 'none', is_endless=source is stream)))
    live, file = found
    assert len(live) == len(file) == 3
    for here, there in zip(live, file, strict=True):
        assert (here.start_s, here.end_s) == (there.start_s, there.end_s)
        np.testing.assert_allclose(here.samples[:15000], there.samples[:15000], atol=1e-6)
        # The first frame may arrive a moment before the first sample, from which times count.
        np.testing.assert_allclose([frame.mean() for frame in here.people[0].frames],
                                   [frame.mean() for frame in there.people[0].frames], atol=4.1)


class SlowModel:
    """Scores its first window only when all others are there."""

    def __init__(self, count: int) -> None:
        self.count, self.all_cut, self.scored = count, threading.Event(), []

    def cut_windows(self, stream: LiveStream, *_: object, **__: object) -> tuple[Iterator[Window], list[str]]:
        return self.windows(), ['no audio']

    def windows(self) -> Iterator[Window]:
        for number in range(self.count):
            yield Window(number, number + 1, [PersonView(None, None, [])], None, 0)
        self.all_cut.set()

    def make_scorer(self) -> 'SlowModel':
        return self

    def is_usable(self, window: Window, view: PersonView) -> bool:
        return True

    def rows(self, stream: LiveStream, batch: list) -> list[EmotionRow]:
        assert self.all_cut.wait(20)
        start_s = batch[0][0].start_s
        self.scored.append(start_s)
        return [EmotionRow(start_s, start_s + 1, int(start_s) + 5, None, dict(calm=.52, loud=.48))]


class Stream:
    """What recognize_live reads of a stream."""
    now_s, dropped_frames, failure = 7., 2, ''

    def __init__(self) -> None:
        self.warnings = ['odd', 'odd']


def test_a_slow_model_scores_the_newest_window() -> None:
    model = SlowModel(9)
    updates = list(recognize_live(model, Stream()))
    assert len(updates) == len(model.scored) < 4 and model.scored[-1] == 8
    assert updates[-1].dropped_windows == 9 - len(updates) and updates[-1].dropped_frames == 2
    assert updates[0].warnings[0] == 'no audio' and updates[0].warnings[-1] == 'odd' and updates[-1].latency_s == 0
    said = ' '.join(warning for update in updates for warning in update.warnings)
    assert sum(map(int, re.findall(r'(\d) windows', said))) == updates[-1].dropped_windows and '2 frames' in said
    assert [row.person for update in updates for row in update.rows] == [*range(1, len(updates) + 1)]
    assert updates[0].rows[0].unsure  # .04 apart


def test_what_ends_it_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, 'failure', 'camera: broke off')
    with pytest.raises(InputError, match='^camera: broke off.$'):
        list(recognize_live(SlowModel(1), Stream()))
    model = SlowModel(1)
    model.windows = lambda: (Window(0, 1 / number, [], None, 0) for number in (1, 0))
    model.rows = lambda stream, batch: []
    with pytest.raises(ZeroDivisionError):
        for _ in recognize_live(model, Stream()):
            pass


def test_statistics() -> None:
    statistics = LiveStatistics()
    assert statistics.describe() == 'no window was complete'
    for latency_s in np.arange(1, 102) / 1000:
        statistics.add(LiveUpdate([], latency_s, 3, 4))
    assert statistics.describe() == ('101 windows in 0 s; latency 51 ms (median), 96 ms (95th percentile); dropped: '
                                     '3 windows, 4 frames')
    for _ in range(4000):
        statistics.add(LiveUpdate([], .1, 3, 4))
    assert len(statistics.latencies_s) == 3600 and statistics.windows == 4101


def test_nothing_grows_with_the_length() -> None:
    tracker, crop = PersonTracker(), np.zeros((9, 9, 3), np.uint8)
    for tick in range(400 * 12):
        tracker.add(tick // 1200, tick / 12, 1 / 12, crop, 1., (0., 0., 1., 1.))
        tracker.number(tick // 1200)
        tracker.forget(tick / 12, history=False)
    assert len(tracker) == 1 and len(tracker._tracks) == 1 and len(tracker.path(1)) <= 61 * 12
    stream = ArrayStream(None, None, np.ones(100 * 100, np.float32), 100)
    windows = SlidingWindows(stream, 2., 1., 'none', is_endless=True)
    assert sum(1 for _ in windows) == 99
    assert windows.audio.envelope == [] and len(windows.audio._kept) < 5
    whole = AudioBuffer(stream)
    whole.read_until(100)
    assert len(whole.envelope) == 1000


def test_live_stream_in_real_time(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                  tmp_path: Path) -> None:
    with serve_live(seconds=2.5) as address:
        assert call_tool(monkeypatch, 'infer.py', '--stream', address, '--checkpoint', checkpoint, '--face', 'none',
                         '--window-s', '1', '--stride-s', '.5', '--out', tmp_path) == 0
    *lines, last = capsys.readouterr().out.strip().split('\n')
    assert re.fullmatch(r'0\.0-1\.0 s  (unsure: )?\w+ \d+ %  \[\d+ ms\]', lines[0])
    assert re.fullmatch(r'\d windows in \d s; latency \d+ ms \(median\), \d+ ms \(95th percentile\); dropped: '
                        r'\d windows, \d+ frames', last)
    [table] = tmp_path.glob('live_*.csv')
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == len(lines) and rows[0]['from_s'] == '0.000' and float(rows[-1]['to_s']) > 1
    assert all(float(row['latency_ms']) >= 0 for row in rows)
    assert sum(float(rows[0][name]) for name in EmotionInferencer(checkpoint).classes) == pytest.approx(1, abs=1e-4)


def test_ctrl_c_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[LiveUpdate]:
        yield LiveUpdate([EmotionRow(0, 4, 1, None, dict(calm=.9, loud=.1), ['no audio'])], .25, 0, 3, ['odd'])
        yield LiveUpdate([], .75, 2, 3)
        raise KeyboardInterrupt

    monkeypatch.setattr(live_session, 'recognize_live', interrupted)
    monkeypatch.setattr(live_session, 'open_sources', lambda args: [])
    lines: list[str] = []
    args = Namespace(out=tmp_path / 'new', face='all', window_s=4., stride_s=None, rule=None, duration=None)
    live_session.watch(SimpleNamespace(classes=['calm', 'loud']), args, lines.append)
    assert lines == [
        '0.0-4.0 s  person 1 calm 90 %  [250 ms]  (odd; no audio)',
        'nothing in this window that the model reads',
        '2 windows in 4 s; latency 500 ms (median), 725 ms (95th percentile); dropped: 2 windows, 3 frames']
    [row] = csv.DictReader(next((tmp_path / 'new').glob('live_*.csv')).open())
    assert (row['person'], row['emotion'], row['calm'], row['latency_ms'], row['left']) == (
        '1', 'calm', '0.900000', '250', '')


def test_a_recording_that_cannot_be_read_on_its_server(shared: Path) -> None:
    # Its index is at the end, and the server sends no part of a file alone.
    name = 'talking_head_with_sound.mp4'
    with serve(shared / 'media') as address, LiveStream([open_address(f'{address}/{name}')]) as stream:
        assert list(stream.frames()) == []
    assert stream.failure.endswith('.mp4: nothing came that can be decoded. Download a recording, and name the file')


def test_a_recording_is_read_from_its_beginning(media: Path) -> None:
    with serve(media) as address, LiveStream([open_address(f'{address}/clip.mp4')]) as stream:
        times = [time_s for time_s, _ in itertools.islice(stream.frames(), 8)]
        assert times == pytest.approx(np.arange(8) / 20, abs=.01)
        assert stream.now_s >= 7 / 20  # at the pace at which it plays, and no sooner


@pytest.mark.parametrize('args, code, message', [
    (('--camera', '98'), 1, 'error: --camera 98: there is no /dev/video98'),
    (('--stream', 'clip.mp4'), 1, 'error: --stream clip.mp4: is no address of a stream'),
    (('--camera', '0', 'clip.mp4'), 2, 'INPUT: not with --camera'),
    (('--camera', '0', '--overlay', '--out', 'out'), 2, '--overlay: not with --camera'),
    (('--camera', '0', '--stream', 'rtsp://a'), 2, '--camera and --stream: give one of them'),
    (('--camera', '0', '--duration', '0'), 2, '--duration: expected more than 0'),
    (('--duration', '3', 'clip.mp4'), 2, '--duration needs --camera'),
    ((), 2, 'give an INPUT, or --camera, --microphone or --stream')])
def test_what_cannot_be_live(args: tuple[str, ...], code: int, message: str, checkpoint: Path,
                             monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, 'infer.py', *args, '--checkpoint', checkpoint) == code
    assert message in capsys.readouterr().err
