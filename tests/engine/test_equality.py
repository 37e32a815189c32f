"""Two processes with half the batch each train and test as one does."""
from pathlib import Path

import pytest
from equal_training import train_in


@pytest.fixture(scope='module')
def single(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return train_in(tmp_path_factory.mktemp('single'), processes=1)


def test_two_processes_equal_one(single: dict, tmp_path: Path) -> None:
    double = train_in(tmp_path / 'double', processes=2)
    assert len(single['losses']) == 20 and single['losses'][0] - single['losses'][-1] > 0.1
    assert double['losses'] == pytest.approx(single['losses'], abs=1e-4)
    assert double['metrics'] == pytest.approx(single['metrics'], abs=1e-4)  # 13 clips on two processes; percent
    assert double['without_gradient'] == []  # find_unused_parameters is not needed
    assert set(double['norm']) == {f'audio_backbone.tower.bn0.running_{name}' for name in ('mean', 'var')}
    for name, values in double['norm'].items():
        assert values == pytest.approx(single['norm'][name], abs=1e-5)


def test_batch_norm_of_each_process_alone_differs(single: dict, tmp_path: Path) -> None:
    double = train_in(tmp_path / 'alone', processes=2, sync_bn=False)
    assert double['losses'] != pytest.approx(single['losses'], abs=1e-4)  # why sync_bn is in the config
