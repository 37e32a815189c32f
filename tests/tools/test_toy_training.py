"""The toy model through tools/train.py: as its config says, on a small set."""
import json
from pathlib import Path

import pytest
from tool_runs import ROOT, call_tool

from claip_emo_mm.evaluation import robustness
from claip_emo_mm.toy.dataset import make_toy_set

CONFIG = ROOT / 'configs' / 'claip_emo_tiny_toy.py'


@pytest.fixture(scope='module')
def toy_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('toy')
    make_toy_set(folder, clips=(14, 7, 7), workers=1)
    return folder


def train(monkeypatch: pytest.MonkeyPatch, work_dir: Path, toy_set: Path, *args: str) -> list[float]:
    """Train two iterations and return their losses."""
    options = [f'{split}_dataloader.dataset.data_root={toy_set}' for split in ('train', 'val', 'test')]
    assert call_tool(monkeypatch, 'train.py', CONFIG, '--work-dir', work_dir, '--no-validate', *args, '--cfg-options',
                     *options, 'train_cfg.max_epochs=1', 'train_dataloader.batch_size=7',
                     'default_hooks.logger.interval=1', 'param_scheduler=[]') == 0
    lines = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    return [json.loads(line)['loss'] for line in lines]


def test_the_same_seed_gives_the_same_losses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toy_set: Path) -> None:
    first, again, other = (train(monkeypatch, tmp_path / name, toy_set, '--seed', seed)
                           for name, seed in (('first', '0'), ('again', '0'), ('other', '1')))
    assert len(first) == 2
    assert first == again
    assert first != other


def test_robustness_of_a_trained_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toy_set: Path,
                                       capsys: pytest.CaptureFixture) -> None:
    train(monkeypatch, tmp_path / 'trained', toy_set)
    one_of_a_kind = tuple({condition.kind: condition for condition in robustness.CONDITIONS}.values())
    monkeypatch.setattr(robustness, 'CONDITIONS', one_of_a_kind)
    capsys.readouterr()
    arguments = ['--robustness', '--work-dir', tmp_path / 'out', '--cfg-options', 'test_dataloader.num_workers=0',
                 f'test_dataloader.dataset.data_root={toy_set}']
    assert call_tool(monkeypatch, 'test.py', CONFIG, tmp_path / 'trained' / 'epoch_1.pth', *arguments) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ['condition', 'WAR', '%', 'lost', 'UAR', '%', 'lost']
    assert [line[:20].split(',')[0].strip() for line in lines[:-1]] == [
        'clean', 'noise on the audio', 'blur', 'occlusion', 'lost frames', 'no audio', 'no frames']
    assert lines[-1] == f'Written: {tmp_path / "out" / "robustness"}.json, .csv, .png'
    kept = json.loads((tmp_path / 'out' / 'robustness.json').read_text())['conditions']
    assert list(kept) == [condition.name for condition in one_of_a_kind]
    assert (tmp_path / 'out' / 'robustness.png').stat().st_size > 0
    assert (tmp_path / 'out' / 'robustness' / 'no_audio' / 'confusion' / 'test.png').is_file()


def test_data_that_is_not_there_is_named_with_the_command_that_makes_it(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert call_tool(monkeypatch, 'train.py', CONFIG) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith('error: data/toy/train.csv') and 'tools/prepare_data.py' in message


@pytest.mark.parametrize('name', ['train.py', 'test.py'])
def test_a_published_set_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                           capsys: pytest.CaptureFixture, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'epoch_1.pth').touch()
    arguments = [ROOT / 'configs/claip_emo_vitl14_dfew.py', *(['epoch_1.pth'] if name == 'test.py' else [])]
    assert call_tool(monkeypatch, name, *arguments) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith('error: data/dfew/lists/fold1_')
    assert 'python tools/prepare_data.py dfew DOWNLOAD --out data/dfew; python tools/check_data.py CONFIG' in message
