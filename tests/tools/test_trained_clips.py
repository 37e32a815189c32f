"""tools/test.py on clips that the checkpoint was trained on."""
import json
from pathlib import Path

import pytest
import torch
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.engine.checkpoints import META_KEY
from claip_emo_mm.evaluation.predictions import read_scores

ANN_FILE = 'test_dataloader.dataset.ann_file={}'


def test_files_of_two_metrics(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / 'two.py'
    config.write_text(f"""
_base_ = {str(trained_toy.config)!r}
test_dataloader = dict(dataset=dict(_delete_=True, type='NamedConcatDataset', splits=dict(
    test={{{{_base_.test_dataloader.dataset}}}}, val={{{{_base_.val_dataloader.dataset}}}})))
test_evaluator = [dict(type='EmotionMetric', split='val', prefix='held/out'), dict(type='EmotionMetric', split='test')]
""")
    assert call_tool(monkeypatch, 'test.py', config, trained_toy.checkpoint, '--work-dir', tmp_path) == 0
    found = json.loads((tmp_path / 'test_metrics.json').read_text())
    for file, war, clips in (('test_scores.csv', found['metrics']['WAR'], found['clips']),
                             ('test_scores_held_out.csv', found['metrics']['held/out/WAR'], 7)):
        scores = read_scores(tmp_path / file)
        assert len(scores.names) == clips == 7
        assert 100 * (scores.scores.argmax(1) == scores.labels).mean() == pytest.approx(war)
    assert set(found['held/out']) >= {'recall', 'confusion'} and 'val_' in scores.names[0]


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
    found = json.loads((tmp_path / 'test_metrics.json').read_text())
    assert found['clips'] == 14 and found['allow_trained_clips'] and 'options' not in found

    sweep = ('analysis_tools/adapter_scale.py', *arguments[:2], '--scales', '1', '--out', tmp_path / 'sweep',
             *arguments[-2:])
    assert call_tool(monkeypatch, *sweep) == 1
    assert 'test_dataloader of ' in (error := capsys.readouterr().err) and ': 14 of the 14 clips are among' in error
    assert call_tool(monkeypatch, *sweep, '--allow-trained-clips') == 0

    kept = torch.load(trained_toy.checkpoint, weights_only=True)['meta'][META_KEY]['trained_clips']
    assert len(kept['']) == 4 * -(-14 * 8 // 3)  # 8 bytes a clip, in base64
