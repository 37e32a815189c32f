"""Inference on the device: a video, and the exported audio front end."""
from pathlib import Path

import pytest
import torch

from benchmarks.inference import write_random_checkpoint
from claip_emo_mm.apis.inferencer import EmotionInferencer
from claip_emo_mm.datasets.transforms.filterbanks import LogMel
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.export.front_end import AudioFrontEnd


@pytest.fixture(scope='module')
def checkpoint(device: torch.device, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('inference') / 'random.pth'
    write_random_checkpoint(load_config('claip_emo_tiny_toy.py'), path)
    return path


def test_video_gets_the_cpus_scores(device: torch.device, checkpoint: Path, media: Path) -> None:
    found, expected = (EmotionInferencer(checkpoint, str(place)).infer(str(media / 'clip.mp4'), face='none',
                                                                       window_s=1., stride_s=.5)
                       for place in (device, 'cpu'))
    assert len(found.rows) == len(expected.rows) > 1
    for row, wanted in zip(found.rows, expected.rows, strict=True):
        assert row.scores == pytest.approx(wanted.scores, abs=1e-3)


def test_a_gpu_is_taken_where_there_is_one(device: torch.device, checkpoint: Path) -> None:
    if device.type != 'cuda':
        pytest.skip('there is no GPU to be taken')
    assert next(EmotionInferencer(checkpoint).model.parameters()).device.type == 'cuda'


def test_exported_front_end_is_the_cpus(device: torch.device) -> None:
    front_end = AudioFrontEnd(LogMel(num_frames=64))
    samples = .1 * torch.randn(2, 30000, generator=torch.Generator().manual_seed(0))
    expected = front_end(samples)
    found = front_end.to(device)(samples.to(device))
    assert found.device == device
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-2)
