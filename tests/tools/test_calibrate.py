"""The temperature of a checkpoint: from its training, and by tools/analysis_tools/calibrate.py."""
import re
import shutil
from pathlib import Path

import pytest
import torch
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.engine.checkpoints import META_KEY, publish
from claip_emo_mm.evaluation.calibration import scale_scores

TOOL = 'analysis_tools/calibrate.py'


def calibration(checkpoint: Path) -> dict:
    return torch.load(checkpoint, weights_only=False)['meta'][META_KEY]['calibration']


def test_a_training_calibrates_its_last_epoch(trained_toy: TrainedToy) -> None:
    found = calibration(trained_toy.checkpoint)
    assert found['clips'] == 7 and .04 < found['temperature'] < 21
    lines = [path.read_text() for path in trained_toy.scalars.parents[1].glob('*.log')]
    assert f'Temperature {found["temperature"]:.3f}: calibration error of 7 validation clips' in ''.join(lines)


def test_inference_applies_it(trained_toy: TrainedToy, tmp_path: Path) -> None:
    plain = Path(shutil.copy(trained_toy.checkpoint, tmp_path / 'plain.pth'))
    loaded = torch.load(plain, weights_only=False)
    loaded['meta'][META_KEY]['calibration'] = {}
    torch.save(loaded, plain)
    video = next((trained_toy.data / 'videos').glob('test*.mp4'))
    found, without = (EmotionInferencer(path).infer(video, face='none') for path in (trained_toy.checkpoint, plain))
    temperature = calibration(trained_toy.checkpoint)['temperature']
    assert (found.model.temperature, without.model.temperature) == (temperature, None)
    assert EmotionInferencer(trained_toy.checkpoint, cfg_options={'model.adapter_scale': .5}).facts.temperature is None
    values = scale_scores(torch.tensor(list(without.scores.values())).numpy(), temperature)
    assert list(found.scores.values()) == pytest.approx(values.tolist(), abs=1e-5)
    assert found.model.data == 'drawn faces' and found.note.startswith('drawn faces: ')


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_the_tool_writes_it_into_a_checkpoint(trained_toy: TrainedToy, tmp_path: Path, suffix: str,
                                              monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / f'own{suffix}'
    if suffix == '.pth':
        shutil.copy(trained_toy.checkpoint, path)
    else:
        publish(trained_toy.checkpoint, path)
    before = EmotionInferencer(path)
    arguments = (trained_toy.config, path, '--cfg-options', 'val_dataloader.dataset.ann_file=test.csv')
    kept = path.read_bytes()
    assert call_tool(monkeypatch, TOOL, *arguments, '--dry-run') == 0 and path.read_bytes() == kept
    assert call_tool(monkeypatch, TOOL, *arguments) == 0
    after = EmotionInferencer(path)
    found = re.search(r'Temperature (\S+): calibration error of 7 validation clips', capsys.readouterr().out)
    assert f'{after.facts.temperature:.3f}' == found[1] != f'{before.facts.temperature:.3f}'
    assert all(torch.equal(value, after.model.state_dict()[name]) for name, value in before.model.state_dict().items())


def test_mistakes_are_one_line(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture) -> None:
    own = shutil.copy(trained_toy.checkpoint, tmp_path / 'own.pth')
    trained = ('--cfg-options', 'val_dataloader.dataset.ann_file=train.csv')
    assert call_tool(monkeypatch, TOOL, trained_toy.config, own, *trained) == 1
    assert 'take a split that was held out' in capsys.readouterr().err
    assert call_tool(monkeypatch, TOOL, trained_toy.config, tmp_path / 'gone.pth') == 1
    assert 'gone.pth' in capsys.readouterr().err.splitlines()[-1]
