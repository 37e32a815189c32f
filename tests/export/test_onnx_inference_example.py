"""docs/examples/onnx_inference.py on an exported file, beside the test pipeline."""
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from claip_emo_mm.engine.checkpoints import TrainedModel
from claip_emo_mm.export import Exported, FrontEnd
from claip_emo_mm.media.video import VideoFile

EXAMPLE = Path(__file__).parents[2] / 'docs' / 'examples' / 'onnx_inference.py'


def test_gives_the_scores_of_the_test_pipeline(trained: TrainedModel, exported: Exported, video: Path, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    packed = FrontEnd(trained.cfg, True, True).read(video)
    with torch.no_grad():
        wanted, = trained.model.test_step(pseudo_collate([packed]))
    clip = VideoFile(str(video))
    audio, rate_hz = clip.audio()
    assert rate_hz == 16000  # that of the model: nothing to resample
    np.savez(tmp_path / 'clip.npz', frames=clip.decode(np.arange(clip.num_frames)), audio=audio)
    monkeypatch.setattr(sys, 'argv', ['onnx_inference.py', str(exported.path), str(tmp_path / 'clip.npz')])
    runpy.run_path(str(EXAMPLE), run_name='__main__')
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [name for _, name in rows] == trained.classes
    np.testing.assert_allclose([float(score) for score, _ in rows], wanted.pred_score, atol=1e-3)
    assert np.ptp(wanted.pred_score.numpy()) > .01


def test_needs_numpy_and_onnxruntime_alone() -> None:
    imports = {line.split()[1] for line in EXAMPLE.read_text().splitlines() if line.startswith(('import', 'from'))}
    assert imports == {'json', 'sys', 'numpy', 'onnxruntime'}
