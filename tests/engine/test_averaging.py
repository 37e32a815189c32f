"""Trainings with MMEngine's EMAHook: what their checkpoints hold, resuming, and which weights are tested."""
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from dummy_components import SignalAt, dummy_config, write_dummy_config
from interrupted_components import equal
from mmengine.config import Config
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner
from tool_runs import call_tool
from torch import Tensor
from torch.nn.functional import linear

from claip_emo_mm.engine.checkpoints import publish
from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.errors import InputError

HOOKS = dummy_config(Path())['custom_hooks']
EMA = dict(type='EMAHook', momentum=.3)
OPTIONS: dict[str, Any] = dict(custom_hooks=[*HOOKS, EMA], model__source=3, train_cfg__max_epochs=3, model__dropout=.5,
                               optim_wrapper=dict(accumulative_counts=2, optimizer=dict(type='AdamW', lr=.1)))


class WeightsOfSteps(Hook):
    """Notes the head's weights after every iteration."""

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self.weights: list[Tensor] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None,
                         outputs: object = None) -> None:
        self.weights.append(runner.model.cls_head.weight.detach().clone())


def load(runner: Runner, name: str = 'epoch_3.pth') -> dict[str, Any]:
    return torch.load(Path(runner.work_dir, name), weights_only=False)


def averaged(runner: Runner) -> torch.nn.Module:
    return next(hook for hook in runner.hooks if isinstance(hook, EMAHook)).ema_model


@pytest.mark.parametrize('hooks', [[*HOOKS, EMA], [EMA, *HOOKS], [*HOOKS, dict(EMA, type='mmengine.EMAHook')]])
def test_checkpoint_holds_what_was_trained_averaged_and_raw(make_runner: Callable[..., Runner],
                                                            hooks: list[dict]) -> None:
    runner = make_runner(**{**OPTIONS, 'custom_hooks': hooks})
    noted = WeightsOfSteps()
    runner.register_hook(noted)
    runner.train()
    checkpoint = load(runner)
    assert set(checkpoint['state_dict']) == {'cls_head.weight', 'cls_head.bias'}
    assert set(checkpoint['ema_state_dict']) == {'steps', 'module.cls_head.weight', 'module.cls_head.bias'}
    mean, *others = noted.weights
    for weights in others:
        mean = .7 * mean + .3 * weights
    torch.testing.assert_close(checkpoint['state_dict']['cls_head.weight'], mean)
    assert torch.equal(checkpoint['ema_state_dict']['module.cls_head.weight'], noted.weights[-1])
    assert len(noted.weights) == 9 and not torch.allclose(mean, noted.weights[-1])


def test_interrupted_comes_to_the_same(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    whole = make_runner(**OPTIONS)
    whole.train()
    broken = make_runner(**OPTIONS, work_dir=str(tmp_path / 'broken'))
    broken.register_hook(SignalAt(3))
    with pytest.raises(SystemExit):
        broken.train()
    assert not (tmp_path / 'broken' / 'epoch_2.pth').exists()
    resumed = make_runner(**OPTIONS, work_dir=broken.work_dir, resume=True,
                          load_from=str(next((tmp_path / 'broken').glob('iter_?.pth'))))
    resumed.train()
    for name in ('epoch_3.pth', 'epoch_3.resume.pth'):
        ours, theirs = load(resumed, name), load(whole, name)
        for key in ('state_dict', 'ema_state_dict', 'optimizer'):
            assert equal(ours.get(key), theirs.get(key)), key


def test_a_frozen_backbone_is_there_once(make_runner: Callable[..., Runner]) -> None:
    options = {**OPTIONS, 'model__source': None}  # from nowhere, so the checkpoint keeps it
    first = make_runner(**options, randomness__seed=1)
    first.train()
    assert averaged(first).module.backbone.weight is first.model.backbone.weight
    assert averaged(first).module.cls_head.weight is not first.model.cls_head.weight
    checkpoint = load(first)
    assert 'backbone.weight' in checkpoint['state_dict']
    assert 'module.backbone.weight' not in checkpoint['ema_state_dict']
    torch.manual_seed(77)  # another random backbone, until the checkpoint is loaded
    second = make_runner(**{**options, 'train_cfg__max_epochs': 4}, resume=True,
                         load_from=f'{first.work_dir}/epoch_3.pth')
    assert not torch.equal(second.model.backbone.weight, first.model.backbone.weight)
    second.train()
    assert torch.equal(averaged(second).module.backbone.weight, first.model.backbone.weight)


@pytest.mark.parametrize('strict_load', [True, False])
def test_strict_and_quiet(make_runner: Callable[..., Runner], caplog: pytest.LogCaptureFixture,
                          capfd: pytest.CaptureFixture, strict_load: bool) -> None:
    first = make_runner(**OPTIONS)
    first.train()
    second = make_runner(**{**OPTIONS, 'custom_hooks': [*HOOKS, dict(EMA, strict_load=strict_load)]},
                         load_from=f'{first.work_dir}/epoch_3.pth')
    second.test()
    assert equal(dict(averaged(second).module.state_dict()), dict(second.model.state_dict()))
    out, err = capfd.readouterr()
    assert 'do not match exactly' not in out + err + caplog.text


def test_not_resumed_without_it(make_runner: Callable[..., Runner]) -> None:
    first = make_runner(**OPTIONS)
    first.train()
    path = f'{first.work_dir}/epoch_3.pth'
    with pytest.raises(InputError, match=r'epoch_3\.pth: was trained with EMAHook: its weights are averaged ones'):
        make_runner(**{**OPTIONS, 'custom_hooks': HOOKS}, load_from=path, resume=True).train()
    make_runner(**{**OPTIONS, 'custom_hooks': HOOKS}, load_from=path).train()  # from the averaged ones, anew


def test_resumed_from_a_training_without_it(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    first = make_runner(**{**OPTIONS, 'custom_hooks': HOOKS})
    first.train()
    noted = WeightsOfSteps()
    second = make_runner(**{**OPTIONS, 'train_cfg__max_epochs': 4}, load_from=f'{first.work_dir}/epoch_3.pth',
                         resume=True)
    second.register_hook(noted)
    second.train()
    first, second_, third = noted.weights
    torch.testing.assert_close(load(second, 'epoch_4.pth')['state_dict']['cls_head.weight'],
                               .7 * (.7 * first + .3 * second_) + .3 * third)


def test_either_can_be_tested(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    text = f"custom_hooks.append({EMA!r})\nmodel.update(source=3)\ntrain_cfg.update(max_epochs=3)"
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work', text)
    assert call_tool(monkeypatch, 'train.py', config) == 0
    path = tmp_path / 'work' / 'epoch_3.pth'
    checkpoint = torch.load(path, weights_only=False)
    # Weights by which the two kinds differ in what they get right of the labels 0, 1, 2, 0, 1
    for weights, bias in ((checkpoint['state_dict'], [1., 0, 0]), (checkpoint['ema_state_dict'], [0, 0, 1.])):
        prefix = '' if 'cls_head.bias' in weights else 'module.'
        weights[f'{prefix}cls_head.weight'].zero_()
        weights[f'{prefix}cls_head.bias'].copy_(torch.tensor(bias))
    torch.save(checkpoint, path)
    for flags, expected in ((['--work-dir', 'a'], 40.), (['--work-dir', 'r', '--raw-weights'], 20.)):
        monkeypatch.chdir(tmp_path)
        assert call_tool(monkeypatch, 'test.py', config, path, *flags) == 0
        found = json.loads((tmp_path / flags[1] / 'test_metrics.json').read_text())
        assert found['metrics']['WAR'] == expected and found.get('weights') == ('raw' if flags[2:] else None)
    publish(path, tmp_path / 'shared.safetensors')
    assert call_tool(monkeypatch, 'test.py', config, tmp_path / 'shared.safetensors', '--raw-weights') == 1
    assert 'shared.safetensors: holds one kind of weights alone' in capsys.readouterr().err
    assert call_tool(monkeypatch, 'test.py', config, tmp_path / 'shared.safetensors', '--work-dir', 's') == 0
    assert json.loads((tmp_path / 's' / 'test_metrics.json').read_text())['metrics']['WAR'] == 40.


def test_not_of_shared_out_models(tmp_path: Path) -> None:
    cfg = Config(dict(dummy_config(tmp_path), launcher='pytorch', runner_type='FlexibleRunner',
                      strategy=dict(type='FSDPStrategy')))
    cfg.custom_hooks = [*HOOKS, dict(EMA, type='mmengine.EMAHook')]
    with pytest.raises(InputError, match='EMAHook cannot average a model that FSDP shards'):
        build_runner(cfg)


def test_the_head_by_hand() -> None:
    """The expected metrics above: with these biases every clip is class 0, or class 2."""
    labels = [0, 1, 2, 0, 1]
    for bias, expected in (([1., 0, 0], 40.), ([0, 0, 1.], 20.)):
        logits = linear(torch.ones(5, 4), torch.zeros(3, 4), torch.tensor(bias))
        assert 100 * sum(map(int.__eq__, logits.argmax(1).tolist(), labels)) / 5 == expected
