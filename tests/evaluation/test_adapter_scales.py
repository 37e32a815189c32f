"""The sweep over the scale of the adapters: shared emotions, resuming, table."""
import json
from pathlib import Path

import numpy as np
import pytest
from peft.tuners.lora import LoraLayer
from torch import nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation import ClipScores
from claip_emo_mm.evaluation.adapter_scales import shared_metrics, sweep_adapter_scale, sweep_table
from claip_emo_mm.models.layers.lora import LoRAConfig, add_adapters
from claip_emo_mm.visualization.plots import plot_adapter_scale

OF = dict(checkpoint='a', configs='b', split='test')


def test_only_shared_emotions_count() -> None:
    classes = ('happy', 'sad', 'surprise', 'angry')  # of the model
    scores = np.array([[.1, .2, .6, .1],  # surprise, which the data set does not have: sad
                       [.5, .1, .1, .3], [.1, .2, .0, .7], [.2, .7, .0, .1]], np.float32)
    clips = ClipScores(('a', 'b', 'c', 'd'), np.array([3, 0, 1, 2]), scores, ('anger', 'calm', 'happiness', 'sadness'))
    # a is sad and so is taken; b is angry, taken for happy; c is calm, which does not count; d is happy, taken for sad
    assert shared_metrics(clips, classes) == dict(WAR=pytest.approx(100 / 3), UAR=pytest.approx(100 / 3), clips=3)
    with pytest.raises(InputError, match='have 1 emotion in common'):  # nothing else could be chosen
        shared_metrics(ClipScores(('a',), np.array([0]), scores[:1], ('anger', 'calm')), classes)
    with pytest.raises(InputError, match='have no emotion in common'):
        shared_metrics(ClipScores(('a',), np.array([0]), scores[:1], ('calm',)), classes)


@pytest.fixture
def model() -> nn.Module:
    model = nn.Sequential()
    model.fc = nn.Linear(2, 2)
    add_adapters(model, LoRAConfig(['fc'], rank=2, alpha=4), [])
    return model


def test_a_sweep_resumes(model: nn.Module, tmp_path: Path) -> None:
    calls: list[float] = []

    def measure() -> dict[str, float]:
        layer = next(layer for layer in model.modules() if isinstance(layer, LoraLayer))
        calls.append(layer.scaling['default'] / 2)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return dict(WAR=100 * calls[-1], UAR=50 * calls[-1], clips=4)

    path = tmp_path / 'adapter_scale.json'
    with pytest.raises(KeyboardInterrupt):
        sweep_adapter_scale(model, dict(own=measure), [0., 1., .5], path, OF)
    sweep = sweep_adapter_scale(model, dict(own=measure), [0., 1., .5], path, OF)
    assert calls == [0, 1, .5, .5] and list(sweep) == [0, .5, 1]
    assert sweep[.5] == dict(own=dict(WAR=50, UAR=25, clips=4))
    assert json.loads(path.read_text())['scales']['0.5']['own']['WAR'] == 50
    assert path.with_suffix('.csv').read_text().splitlines()[2] == '0.5,own,50.00,25.00,4'
    assert sweep_table(sweep).splitlines()[2].split() == ['0.5', '50.00', '25.00']
    axes = plot_adapter_scale(sweep).axes
    assert axes[0].get_lines()[0].get_xydata().tolist() == [[0, 0], [.5, 50], [1, 100]]
    with pytest.raises(InputError, match='holds metrics of another checkpoint or config'):
        sweep_adapter_scale(model, dict(own=measure), [0.], path, dict(OF, split='val'))
