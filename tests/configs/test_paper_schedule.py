"""The paper's schedule in MMEngine's runner: learning rates, parameter groups, the last epoch, the best checkpoint."""
import math
from pathlib import Path

import pytest
import torch
from dummy_components import dummy_config
from mmaction.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from sampled_components import sampled_config
from torch import nn

CONFIGS = Path(__file__).parents[2] / 'configs'
BATCH, ACCUMULATED, ITERATIONS = 2, 2, 3  # 5 clips are 3 iterations of up to 2


class RateRecorder(Hook):
    """Keeps the learning rate of every iteration, and reports a WAR of its own choice."""

    def __init__(self, wars: list[float]) -> None:
        self.rates: list[float] = []
        self.wars = wars

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        rates = {group['lr'] for group in runner.optim_wrapper.param_groups}
        assert len(rates) == 1
        self.rates += rates

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        metrics['WAR'] = self.wars[min(runner.epoch, len(self.wars)) - 1]


def paper_config(work_dir: Path) -> Config:
    """The dummy config with the paper's schedule, without half precision and without logs."""
    schedule = Config.fromfile(CONFIGS / '_base_/schedules/paper.py')
    cfg = Config({**dummy_config(work_dir), **schedule.to_dict(), 'custom_hooks': [],
                  'default_hooks': dict(logger=None, checkpoint=None)})
    cfg.optim_wrapper = dict(schedule.optim_wrapper, type='OptimWrapper')
    for key in ('dtype', 'loss_scale'):
        del cfg.optim_wrapper[key]
    cfg.experiment_name = f'paper_{work_dir.name}'
    cfg.train_dataloader.batch_size = BATCH
    cfg.log_level = 'ERROR'
    return cfg


def reference_rate(iteration: int, iterations: int, clips_a_step: int) -> float:
    """Linear from 0 over 5 epochs, then a cosine over the other 95."""
    highest, lowest = 1e-5 * clips_a_step / 8, 1e-6 * clips_a_step / 256
    warm_up, whole = 5 * iterations, 100 * iterations
    if iteration < warm_up:
        return highest * iteration / (warm_up - 1)
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * (iteration - warm_up) / (whole - warm_up))) / 2


def test_learning_rate_over_the_whole_schedule(tmp_path: Path) -> None:
    cfg = paper_config(tmp_path)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    recorder = RateRecorder([])
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.train()
    assert len(recorder.rates) == 100 * ITERATIONS
    looked_at = [0, 1, 2, 7, 13, 14, 15, 16, 17, 30, 60, 90, 120, 157, 200, 240, 270, 290, 298, 299]
    assert len(looked_at) == 20
    for iteration in looked_at:
        expected = reference_rate(iteration, ITERATIONS, BATCH * ACCUMULATED)
        assert recorder.rates[iteration] == pytest.approx(expected, rel=1e-5, abs=1e-11), iteration
    assert max(recorder.rates) == pytest.approx(5e-6)  # 1e-5 for 8 clips, 4 here


@pytest.mark.parametrize(('name', 'expected'), [('claip_emo_vitl14_dfew.py', 4e-5), ('claip_emo_vitl14_mafw.py', 2e-5)])
def test_rates_of_the_reference(name: str, expected: float) -> None:
    cfg = Config.fromfile(CONFIGS / name)
    clips_a_step = 2 * cfg.train_dataloader.batch_size * cfg.optim_wrapper.accumulative_counts  # on 2 GPUs
    assert cfg.optim_wrapper.optimizer.lr * clips_a_step / cfg.auto_scale_lr.base_batch_size == pytest.approx(expected)
    assert cfg.auto_scale_lr.enable


class Splits(nn.Module):
    """Parameters of every kind that the models have, and a frozen split."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear, self.conv = nn.LayerNorm(4), nn.Linear(4, 3), nn.Conv2d(1, 2, 3)
        self.cls_token, self.gamma = nn.Parameter(torch.zeros(1, 1, 4)), nn.Parameter(torch.zeros(4))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)


def test_two_groups_of_parameters() -> None:
    cfg = Config.fromfile(CONFIGS / '_base_/schedules/paper.py').optim_wrapper
    paramwise = cfg.pop('paramwise_cfg')
    cfg = dict(type='OptimWrapper', optimizer=cfg.optimizer, accumulative_counts=4)
    model = Splits()
    with DefaultScope.overwrite_default_scope('mmaction'):
        wrapper = OPTIM_WRAPPER_CONSTRUCTORS.get('ScaledLROptimWrapperConstructor')(cfg, paramwise)(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = {group['weight_decay']: {names[id(p)] for p in group['params']} for group in wrapper.param_groups}
    assert groups == {.05: {'linear.weight', 'conv.weight', 'cls_token'},
                      0: {'norm.weight', 'norm.bias', 'linear.bias', 'conv.bias', 'gamma'}}
    assert len(wrapper.param_groups) == 2
    assert [group['lr'] for group in wrapper.param_groups] == [4e-5, 4e-5]
    assert cfg['optimizer'].lr == 1e-5  # the config is left alone


def test_the_tiny_models_groups() -> None:
    schedule = Config.fromfile(CONFIGS / '_base_/schedules/paper.py').optim_wrapper
    model_cfg = Config.fromfile(CONFIGS / 'claip_emo_tiny_toy_random.py').model
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(model_cfg)
        wrapper = OPTIM_WRAPPER_CONSTRUCTORS.get('ScaledLROptimWrapperConstructor')(
            dict(optimizer=schedule.optimizer), schedule.paramwise_cfg)(model)
    decay = {id(p): group['weight_decay'] for group in wrapper.param_groups for p in group['params']}
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert {name: decay[id(p)] for name, p in trained.items()} == {
        name: 0 if name.endswith('.bias') or p.ndim < 2 else .05 for name, p in trained.items()}
    assert decay[id(model.visual_neck.cls_token)] == decay[id(model.visual_neck.pos_embedding)] == .05
    assert len(decay) == len(trained)


def test_stops_after_20_epochs_without_a_better_accuracy(tmp_path: Path) -> None:
    cfg = paper_config(tmp_path)
    wars = [50., 60., 60., *[59.9] * 10, 60.1, *[60.1, 20.] * 20]  # the best one in epoch 14
    hooks = Config.fromfile(CONFIGS / '_base_/runtime_paper.py').default_hooks
    cfg.default_hooks = dict(logger=None, checkpoint=hooks.checkpoint, early_stop=hooks.early_stop)
    recorder = RateRecorder(wars)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder, priority='HIGHEST')
    runner.train()
    assert runner.epoch == 14 + 20
    assert (tmp_path / 'best_WAR_epoch_14.pth').is_file()
    assert sorted(path.name for path in tmp_path.glob('epoch_*.pth')) == ['epoch_33.pth', 'epoch_34.pth']


def test_the_tiny_model_learns_from_mixed_clips(tmp_path: Path) -> None:
    cfg = sampled_config(tmp_path, encoders=None)
    schedule = paper_config(tmp_path)
    for key in ('optim_wrapper', 'auto_scale_lr', 'param_scheduler', 'randomness', 'log_level', 'experiment_name'):
        cfg[key] = schedule[key]
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=6)  # the first step is one with a rate of nearly 0
    cfg.optim_wrapper.optimizer.lr = 1e-2
    cfg.model.data_preprocessor.blending = dict(num_classes=7)
    cfg.model.audio_backbone.drop_path_rate = 0.  # a block that is dropped would get no gradient
    runner = Runner.from_cfg(cfg)
    before = {name: parameter.clone() for name, parameter in runner.model.named_parameters()}
    runner.train()
    changed = {name for name, p in runner.model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {name for name, p in runner.model.named_parameters() if p.requires_grad}
    logged = runner.message_hub.log_scalars
    assert 'train/top1_acc' in logged and 0 < logged['train/loss'].current() < 5
