"""Trainings on the device through MMEngine's runner: mixed precision, compilation, resuming, DDP and FSDP."""
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from interrupted_components import load
from mmengine.config import Config
from mmengine.runner import Runner
from sampled_components import sampled_config, write_encoders
from sharded_components import sharded_config
from tool_runs import free_port

from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.engine.resume import set_resume

_names = itertools.count()


@pytest.fixture(autouse=True)
def trains_on(device: torch.device, monkeypatch: pytest.MonkeyPatch) -> None:
    """MMEngine trains on a GPU where there is one, and refuses mixed precision elsewhere."""
    if device.type == 'cpu':
        if torch.cuda.is_available():
            pytest.skip('CUDA_VISIBLE_DEVICES= hides the GPU, which MMEngine would take')
        monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', lambda: True)


def small_config(folder: Path, **changes: object) -> Config:
    """The toy model, smaller, without randomness, on 4 clips of noise: 4 iterations of 2 epochs."""
    cfg = sampled_config(folder, encoders=None)
    cfg.model.visual_backbone.arch.layers, cfg.model.audio_backbone.arch.depths = 1, [1, 1, 1]
    for backbone in (cfg.model.visual_backbone, cfg.model.audio_backbone):
        backbone.lora.dropout = 0.
    cfg.model.audio_backbone.update(drop_path_rate=0., spec_augment=False)
    cfg.vis_backends = cfg.visualizer.vis_backends = cfg.param_scheduler = []
    cfg.experiment_name = f'gpu_{next(_names)}'
    cfg.merge_from_dict(changes)
    return cfg


def train(cfg: Config) -> Runner:
    runner = build_runner(cfg)
    runner.train()
    return runner


def losses(runner: Runner) -> list[float]:
    return runner.message_hub.get_scalar('train/loss')._log_history.tolist()


@pytest.fixture(scope='module')
def plain(device: torch.device, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A training in float32 whose gradients are accumulated over 2 iterations."""
    return train(small_config(tmp_path_factory.mktemp('plain'), **{'optim_wrapper.accumulative_counts': 2}))


def test_trained_on_the_device(device: torch.device, plain: Runner) -> None:
    assert {parameter.device for parameter in plain.model.parameters()} == {device}
    assert len(set(losses(plain))) == 4


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_mixed_precision_with_accumulated_gradients(device: torch.device, plain: Runner, tmp_path: Path,
                                                    dtype: str) -> None:
    if device.type == 'cpu' and dtype == 'float16':
        pytest.skip("MMEngine's autocast takes float16 on GPUs alone")
    scale = 2. ** 10
    runner = train(small_config(tmp_path, **{'optim_wrapper': dict(
        type='AmpOptimWrapper', dtype=dtype, loss_scale=dict(init_scale=scale), accumulative_counts=2)}))
    assert losses(runner) == pytest.approx(losses(plain), abs=.1)
    assert {parameter.dtype for parameter in runner.model.parameters()} == {torch.float32}
    steps = {int(state['step']) for state in runner.optim_wrapper.optimizer.state.values()}
    assert steps == {2}  # 4 iterations, none of which was skipped for an overflow
    if device.type == 'cuda':
        assert runner.optim_wrapper.loss_scaler.get_scale() == scale


def test_compiled_training_has_the_same_losses(device: torch.device, plain: Runner, tmp_path: Path) -> None:
    backend = 'inductor' if device.type == 'cuda' else 'eager'  # compiling for a CPU takes minutes
    runner = train(small_config(tmp_path, compile=dict(backend=backend), **{'optim_wrapper.accumulative_counts': 2}))
    assert losses(runner) == pytest.approx(losses(plain), abs=1e-3)


def test_resumed_training_goes_on_as_without_a_break(device: torch.device, tmp_path: Path) -> None:
    dropout = {f'model.{name}_backbone.lora.dropout': .3 for name in ('visual', 'audio')}
    whole = losses(train(small_config(tmp_path / 'whole', **dropout)))
    first = losses(train(small_config(tmp_path / 'broken', **dropout, **{'train_cfg.max_epochs': 1})))
    cfg = small_config(tmp_path / 'broken', **dropout)
    set_resume(cfg, 'auto')
    assert losses(train(cfg)) == pytest.approx(whole, abs=1e-3)
    assert first == pytest.approx(whole[:2], abs=1e-3)


@pytest.fixture
def one_process(device: torch.device, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The environment of a launcher with one process; its backend."""
    for name, value in dict(RANK=0, LOCAL_RANK=device.index or 0, WORLD_SIZE=1, MASTER_ADDR='127.0.0.1',
                            MASTER_PORT=free_port()).items():
        monkeypatch.setenv(name, str(value))
    yield 'nccl' if device.type == 'cuda' else 'gloo'
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def test_ddp_of_one_process(device: torch.device, plain: Runner, one_process: str, tmp_path: Path) -> None:
    runner = train(small_config(tmp_path, launcher='pytorch', **{'optim_wrapper.accumulative_counts': 2}))
    assert torch.distributed.get_backend() == one_process
    assert type(runner.model).__name__ == 'MMDistributedDataParallel'
    assert losses(runner) == pytest.approx(losses(plain), abs=1e-3)


def test_fsdp_of_one_process(device: torch.device, one_process: str, tmp_path: Path) -> None:
    encoders = write_encoders(tmp_path)
    cfg = sharded_config(tmp_path / 'work', encoders)
    cfg.launcher, cfg.experiment_name = 'pytorch', f'gpu_{next(_names)}'
    runner = train(cfg)
    assert torch.distributed.get_backend() == one_process
    assert type(runner.model).__name__ == 'MMFullyShardedDataParallel'
    assert {parameter.device for parameter in runner.model.parameters()} == {device}
    assert len(losses(runner)) == 8 and all(torch.isfinite(torch.tensor(losses(runner))))
    saved = load(tmp_path / 'work' / 'epoch_2.pth')['state_dict']
    assert any('.lora_' in key for key in saved) and all(value.isfinite().all() for value in saved.values())
