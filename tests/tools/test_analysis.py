"""tools/analysis: on scores of tests, as a user runs them."""
import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tool_runs import call_tool

from claip_emo_mm.datasets import DFEW
from claip_emo_mm.evaluation import ClipScores, write_clip_scores


def scores_file(path: Path, seed: int, names: str = 'clip') -> Path:
    """Scores of 70 clips that are right about half of the time."""
    rng = np.random.default_rng(seed)
    labels = np.arange(70) % 7
    scores = rng.random((70, 7)) + 2 * np.eye(7)[labels] * (rng.random((70, 1)) < .5)
    scores /= scores.sum(axis=1, keepdims=True)
    write_clip_scores(path, ClipScores(tuple(f'{names}{number}.mp4' for number in range(70)), labels,
                                       scores.astype(np.float32), DFEW.classes))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return scores_file(tmp_path / 'a.csv', 0), scores_file(tmp_path / 'b.csv', 1)


def test_confusion_matrix(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                          capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, 'analysis_tools/confusion_matrix.py', files[0], '--out', tmp_path / 'c/m.png') == 0
    assert '70 clips, WAR ' in capsys.readouterr().out
    assert Image.open(tmp_path / 'c/m.png').size[0] > 300


def test_late_fusion(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                     capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'fused.csv'
    assert call_tool(monkeypatch, 'analysis_tools/late_fusion.py', *files, '--weights', '3', '1', '--out', out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith('fused: 0.75 0.25') and out.is_file()
    others = [scores_file(tmp_path / f'{name}.csv', seed, 'val') for name, seed in (('c', 2), ('d', 3))]
    assert call_tool(monkeypatch, 'analysis_tools/late_fusion.py', *files, '--search', *others) == 0
    assert 'fused: ' in capsys.readouterr().out
    assert call_tool(monkeypatch, 'analysis_tools/late_fusion.py', *files, '--search', *files) == 1
    assert '70 clips are among those whose metrics are reported' in capsys.readouterr().err
    moved = [scores_file(tmp_path / f'{name}.csv', seed, '/elsewhere/clip') for name, seed in (('e', 0), ('f', 1))]
    assert call_tool(monkeypatch, 'analysis_tools/late_fusion.py', *files, '--search', *moved) == 1
    assert '70 clips are among those whose metrics are reported' in capsys.readouterr().err
    assert call_tool(monkeypatch, 'analysis_tools/late_fusion.py', *files, '--search', others[0]) == 1
    assert call_tool(monkeypatch, 'analysis_tools/late_fusion.py', files[0]) == 2


def test_compare(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                 capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'changed.csv'
    assert call_tool(monkeypatch, 'analysis_tools/compare.py', *files, '--out', out) == 0
    text = capsys.readouterr().out
    rows = list(csv.DictReader(out.open()))
    assert 'WAR  ' in text and f'{out}: {len(rows)} clips' in text
    assert all((row['label'] == row[row['right']]) and row['first'] != row['second'] for row in rows)
    assert call_tool(monkeypatch, 'analysis_tools/compare.py', *files, '--n-bootstrap', '0') == 2
