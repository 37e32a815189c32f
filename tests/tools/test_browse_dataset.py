"""tools/browse_dataset.py as a user runs it."""
from pathlib import Path

import pytest
from tool_runs import ROOT, call_tool

from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = ROOT / 'configs' / 'claip_emo_tiny_toy.py'


def test_sheets_of_the_toy_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                               capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    make_toy_set('data/toy', clips=(1, 1, 7), workers=1)
    assert call_tool(monkeypatch, 'browse_dataset.py', CONFIG, '--out', 'sheets', '--split', 'test', '--clips',
                     '2') == 0
    assert capsys.readouterr().out.endswith('2 sheets in sheets\n')
    assert sorted(path.name for path in Path('sheets').iterdir()) == [
        '00000_happy_test_000_happy.png', '00006_fear_test_000_fear.png']
    assert call_tool(monkeypatch, 'browse_dataset.py', CONFIG, '--out', 'sheets', '--split', 'test', '--clips',
                     '1') == 1
    assert 'is there already' in capsys.readouterr().err


def test_wrong_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call_tool(monkeypatch, 'browse_dataset.py', CONFIG) == 2
    assert call_tool(monkeypatch, 'browse_dataset.py', CONFIG, '--out', 'sheets', '--clips', '0') == 2


@pytest.mark.parametrize(('tool', 'more'), [('browse_dataset.py', ['--out', 'sheets']), ('check_data.py', [])])
def test_options_without_a_value(tool: str, more: list[str], monkeypatch: pytest.MonkeyPatch,
                                 capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, tool, CONFIG, *more, '--cfg-options', 'seed') == 2
    assert "expected KEY=VALUE pairs such as a.b=1, got ['seed']" in capsys.readouterr().err
