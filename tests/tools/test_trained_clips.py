"""tools/test.py on clips that the checkpoint was trained on."""
import json
from pathlib import Path

import pytest
import torch
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.engine.checkpoints import META_KEY

ANN_FILE = 'test_dataloader.dataset.ann_file={}'


def test_refused_unless_it_is_meant(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture) -> None:
    arguments = [trained_toy.config, trained_toy.checkpoint, '--work-dir', tmp_path, '--cfg-options',
                 ANN_FILE.format('train.csv')]
    assert call_tool(monkeypatch, 'test.py', *arguments) == 1
    error = capsys.readouterr().err
    assert (f'error: {trained_toy.checkpoint}: test_dataloader: 14 of the 14 clips are among those that the checkpoint '
            'was trained on, such as ') in error
    assert 'or say --allow-trained-clips' in error and not (tmp_path / 'test_metrics.json').exists()

    assert call_tool(monkeypatch, 'test.py', *arguments, '--allow-trained-clips') == 0
    logs = [path.read_text() for path in tmp_path.glob('*/*.log')]  # of both runs
    assert sum('14 of the 14 clips are among those' in log for log in logs) == 1
    assert json.loads((tmp_path / 'test_metrics.json').read_text())['clips'] == 14

    kept = torch.load(trained_toy.checkpoint, weights_only=True)['meta'][META_KEY]['trained_clips']
    assert len(kept['']) == 4 * -(-14 * 8 // 3)  # 8 bytes a clip, in base64
