"""FSDP: two processes share the model's parameters, and train, save, resume and test as if each had the whole of it."""
import json
from pathlib import Path

import pytest
import torch
from interrupted_components import load
from sampled_components import write_encoders
from sharded_components import run_pair, sharded_config, write_first_weights
from tool_runs import free_port

from claip_emo_mm.engine.config import build_runner


def output(folder: Path) -> str:
    return ''.join(path.read_text() for path in sorted(folder.glob('output*.txt')))


@pytest.fixture(scope='module')
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of encoders and of the weights with which all trainings begin."""
    folder = write_encoders(tmp_path_factory.mktemp('sharding'))
    write_first_weights(folder)
    return folder


@pytest.fixture(scope='module')
def folders(encoders: Path) -> tuple[Path, Path, Path]:
    """Encoders, the work folder of two epochs by FSDP with a break in between, and that of two plain ones in one go."""
    base = encoders
    for epochs in (1, 2):
        assert run_pair(base / 'sharded', encoders, False, epochs, free_port()) == [0, 0], output(base / 'sharded')
    assert run_pair(base / 'plain', encoders, True, 2, free_port()) == [0, 0], output(base / 'plain')
    return encoders, base / 'sharded', base / 'plain'


def test_sharded_equals_plain(folders: tuple[Path, Path, Path]) -> None:
    _, *trained = folders
    sharded, plain = (json.loads((folder / 'result0.json').read_text()) for folder in trained)
    assert len(plain['losses']) == 4 and plain['losses'][0] != plain['losses'][-1]
    assert sharded['losses'] == pytest.approx(plain['losses'], abs=1e-4)
    states = [load(folder / 'epoch_2.pth')['state_dict'] for folder in trained]
    assert states[0].keys() == states[1].keys()
    # AdamW's first steps are as long for a gradient of rounding errors as for any other: a few numbers differ by them.
    equal = torch.cat([torch.isclose(states[0][key], value, atol=1e-5).flatten() for key, value in states[1].items()])
    assert equal.float().mean() > .99


def test_each_process_holds_a_share(folders: tuple[Path, Path, Path]) -> None:
    held = [[json.loads((folder / f'result{rank}.json').read_text())['held'] for rank in range(2)]
            for folder in folders[1:]]
    assert held[1][0] == held[1][1] == sum(held[0])
    assert max(held[0]) < .6 * held[1][0]


def test_checkpoint_holds_what_was_trained_and_resumes_where_it_was_written(folders: tuple[Path, Path, Path]) -> None:
    _, folder, _ = folders
    for number in (1, 2):
        checkpoint = load(folder / f'epoch_{number}.pth')
        assert (checkpoint['meta']['epoch'], checkpoint['meta']['iter']) == (number, 2 * number)
        assert not any(key.endswith('base_layer.weight') for key in checkpoint['state_dict'])
        assert checkpoint['meta']['claip_emo_mm']['backbones']['visual_backbone']['sha256']
    assert 'Trainable parameters: 160,839 of' in output(folder)


def test_tested_whole_by_one_process(folders: tuple[Path, Path, Path]) -> None:
    encoders, folder, plain = folders
    metrics = []
    for name, work_dir in (('sharded', folder), ('plain', plain)):
        cfg = sharded_config(work_dir / 'test', encoders)
        cfg.load_from, cfg.experiment_name = str(work_dir / 'epoch_2.pth'), f'{work_dir.parent.name}_{name}'
        runner = build_runner(cfg)
        assert type(runner).__name__ == 'Runner'
        metrics.append(runner.test())
    assert metrics[0] == pytest.approx(metrics[1], abs=.01)


def test_gradients_over_the_end_of_an_epoch(encoders: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    assert run_pair(whole, encoders, False, 2, free_port(), 2) == [0, 0], output(whole)
    assert run_pair(broken, encoders, False, 2, free_port(), 2, 2) == [143, 143], (
        output(broken))  # ended after the first epoch
    checkpoint = load(broken / 'epoch_1.pth')
    gradients = checkpoint['gradients']
    assert any(name.startswith('visual_backbone') and gradient.any() for name, gradient in gradients.items())
    assert all(gradient.shape == checkpoint['state_dict'][name].shape for name, gradient in gradients.items())
    assert run_pair(broken, encoders, False, 2, free_port(), 2) == [0, 0], output(broken)
    plain = tmp_path / 'plain'
    assert run_pair(plain, encoders, True, 2, free_port(), 2) == [0, 0], output(plain)
    reference, *states = (load(folder / 'epoch_2.pth')['state_dict'] for folder in (plain, whole, broken))
    for state in states:
        assert state.keys() == reference.keys()
        for key, value in reference.items():
            torch.testing.assert_close(state[key], value, atol=2e-5, rtol=1e-4)
