"""tools/infer.py as a user runs it."""
import os
import subprocess
import sys
from pathlib import Path

from claip_emo_mm.datasets import DFEW

ROOT = Path(__file__).parents[2]


def run_infer(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(ROOT / 'tools' / 'infer.py'), *map(str, args)], text=True,
                          capture_output=True, timeout=300, env=os.environ | {'PYTHONPATH': str(ROOT)})


def test_prints_the_seven_scores_and_goes_on_after_a_bad_file(checkpoint: Path, toy_set: Path, tmp_path: Path) -> None:
    bad = tmp_path / 'bad clip.mp4'
    bad.write_bytes(b'')
    video = next((toy_set / 'videos').glob('test*.mp4'))
    result = run_infer(bad, video, '--checkpoint', checkpoint)
    assert result.returncode == 1
    assert f'error: {bad}' in result.stderr and 'Traceback' not in result.stderr
    first, *rows = result.stdout.splitlines()
    assert first == str(video)
    scores = {name: float(score) for name, score, _ in map(str.split, rows)}
    assert set(scores) == set(DFEW.classes)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert abs(sum(scores.values()) - 100) < .4  # seven roundings


def test_missing_checkpoint_and_arguments(toy_set: Path) -> None:
    missing = run_infer('a.mp4', '--checkpoint', 'gone.pth')
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].startswith('error: gone.pth')
    assert run_infer('a.mp4').returncode == 2
