"""tools/analysis_tools/params.py as a user runs it, on the paper's models."""
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = str(ROOT / 'tools' / 'analysis_tools' / 'params.py')
# Measured on the reference implementation with 7 classes: all, trained, share; then what is trained of each part.
PAPER = {
    'claip_emo_vitb32': ('122,640,206', '4,927,879', '4.02', ('1,327,104', '424,832', '3,165,184', '10,759')),
    'claip_emo_vitb16': ('120,983,630', '4,927,879', '4.07', ('1,327,104', '424,832', '3,165,184', '10,759')),
    'claip_emo_vitl14': ('341,632,334', '8,196,231', '2.40', ('3,538,944', '424,832', '4,219,904', '12,551')),
}


def params(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | None:
    """Run the tool in this process, which saves the seconds of another start."""
    monkeypatch.setattr(sys, 'argv', [TOOL, *arguments])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(TOOL, run_name='__main__')
    return exit_.value.code


@pytest.mark.parametrize('name', PAPER)
def test_the_paper_s_tables(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert not params(monkeypatch, str(ROOT / 'configs' / '_base_' / 'models' / f'{name}.py'))
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:]}
    whole, trained, ratio, parts = PAPER[name]
    assert rows.pop('model') == [whole, trained, ratio, '%']
    assert list(rows) == ['visual_backbone', 'audio_backbone', 'visual_neck', 'cls_head']
    assert tuple(row[1] for row in rows.values()) == parts
    assert sum(int(row[0].replace(',', '')) for row in rows.values()) == int(whole.replace(',', ''))


def test_a_missing_config_is_one_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert params(monkeypatch, 'nowhere.py') == 1
    assert capsys.readouterr().err.startswith('error: nowhere.py: there is no such config file')
