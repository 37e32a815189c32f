"""Logs for MMAction2's analyze_logs."""
import json
from pathlib import Path

import pytest

from claip_emo_mm.compat.mmaction_tools import epoch_lines, readable_logs
from claip_emo_mm.errors import InputError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two epochs of 25 iterations, logged every 10; a validation after each."""
    rows = []
    for epoch, iterations in ((1, (10, 20)), (2, (35, 45))):
        rows += [dict(loss=float(i), epoch=epoch, iter=i, step=i) for i in iterations] + [dict(WAR=50., step=epoch)]
    path = tmp_path / 'scalars.json'
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def test_the_tool_comes_to_the_iterations_of_the_log(log: Path) -> None:
    rows = [json.loads(line) for line in epoch_lines(log)]
    assert [row['mode'] for row in rows] == ['train'] * 4
    plotted = []
    for epoch in (1, 2):  # as plot_curve places them
        iterations = [row['iter'] for row in rows if row['epoch'] == epoch]
        plotted += [iteration + (epoch - 1) * iterations[-1] for iteration in iterations]
    assert plotted == [10, 20, 35, 45] == [row['loss'] for row in rows]


def test_copies_bear_the_names_of_the_logs(log: Path) -> None:
    with readable_logs(['plot_curve', str(log), '--keys', 'loss', 'lr', '--out', 'a.png']) as arguments:
        copy = Path(arguments[1])
        assert copy != log and copy.read_text().splitlines() == epoch_lines(log)
        assert arguments[2:] == ['--keys', 'loss', 'lr', '--out', 'a.png', '--legend', f'{log} loss', f'{log} lr']
    assert not copy.exists()
    with readable_logs(['plot_curve', str(log), '--legend', 'mine']) as arguments:
        assert arguments[2:] == ['--legend', 'mine']
    with readable_logs(['--help']) as arguments:
        assert arguments == ['--help']


@pytest.mark.parametrize('text', ['no json', '[1]\n2', '{"epoch": 1}'])
def test_no_log(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(InputError, match='a.json: cannot be read as the log of a training'):
        epoch_lines(path)
    with pytest.raises(InputError, match='gone.json: cannot be read as the log of a training .*No such file'):
        epoch_lines(tmp_path / 'gone.json')
