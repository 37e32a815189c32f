"""Progress without a terminal: lines, by a clock made here."""
from types import SimpleNamespace

import pytest

from claip_emo_mm.apis.progress import clock_time, progress_bar


def test_a_line_every_half_minute(capsys: pytest.CaptureFixture) -> None:
    now = SimpleNamespace(s=100.)
    with progress_bar('1/1 talk.mp4', clock=lambda: now.s) as show:
        for passed_s, done_s, whole_s in ((10, 50, 7200), (31, 150, 7200), (40, 200, 7200), (80, 400, 7200),
                                          (111, 500, None)):
            now.s = 100. + passed_s
            show(done_s, whole_s)
    assert capsys.readouterr().err.splitlines() == [
        '1/1 talk.mp4: 2:30 of 2:00:00 (2 %) done, 24:17 left',  # 31 s for 150 of 7200 s
        '1/1 talk.mp4: 6:40 of 2:00:00 (6 %) done, 22:40 left', '1/1 talk.mp4: 8:20 done']


def test_nothing_where_it_is_not_shown(capsys: pytest.CaptureFixture) -> None:
    with progress_bar('talk.mp4', is_shown=False) as show:
        show(1., 2.)
    assert capsys.readouterr().err == ''


def test_times() -> None:
    assert [clock_time(seconds) for seconds in (0, 59.4, 59.6, 3599, 3600, 7384)] == [
        '0:00', '0:59', '1:00', '59:59', '1:00:00', '2:03:04']
