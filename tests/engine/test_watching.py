"""What can be watched of a training: TensorBoard, the log, and what torch.compile and bfloat16 make of the losses."""
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from sampled_components import sampled_config
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from claip_emo_mm.engine.config import build_runner


def train(folder: Path, name: str, **changes: object) -> Runner:
    """Train four iterations of the toy model, without dropout, and return the runner."""
    cfg: Config = sampled_config(folder / name, encoders=None)
    cfg.experiment_name = f'{folder.name}_{name}'
    for backbone in (cfg.model.visual_backbone, cfg.model.audio_backbone):
        backbone.lora.dropout = 0.
    cfg.model.audio_backbone.update(drop_path_rate=0., spec_augment=False)
    cfg.merge_from_dict(changes)
    runner = build_runner(cfg)
    runner.train()
    return runner


def losses(runner: Runner) -> list[float]:
    return runner.message_hub.get_scalar('train/loss')._log_history.tolist()


@pytest.fixture(scope='module')
def plain(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return train(tmp_path_factory.mktemp('watching'), 'plain')


def test_tensorboard_shows_every_scalar(plain: Runner) -> None:
    events, = Path(plain.work_dir).glob('*/vis_data/events.out.tfevents.*')
    board = EventAccumulator(str(events))
    board.Reload()
    assert {'loss', 'loss_cls', 'top1_acc', 'lr', 'time', 'data_time'} <= set(board.Tags()['scalars'])
    shown = [event.value for event in board.Scalars('loss_cls')]
    assert len(shown) == 4 and shown[0] == pytest.approx(losses(plain)[0], abs=1e-6)
    assert [event.step for event in board.Scalars('lr')] == [1, 2, 3, 4]


def test_log_says_how_far_it_is_and_how_long_it_takes(plain: Runner) -> None:
    log = next(Path(plain.work_dir).glob('*/*.log')).read_text()
    lines = re.findall(r'Epoch\(train\) +\[(\d)\]\[(\d)/2\].*?eta: (\d+:\d\d:\d\d).*?loss: ', log)
    assert [(epoch, number) for epoch, number, _ in lines] == [('1', '1'), ('1', '2'), ('2', '1'), ('2', '2')]


def test_compiled_model_has_the_same_losses(tmp_path: Path) -> None:
    arch = {'model.visual_backbone.arch.layers': 1, 'model.audio_backbone.arch.depths': [1, 1, 1]}  # a minute for 10
    plain, compiled = (train(tmp_path, name, compile=compile, **arch)
                       for name, compile in (('eager', False), ('compiled', dict(backend='eager'))))
    assert losses(compiled) == pytest.approx(losses(plain), abs=1e-4)
    assert len(set(losses(plain))) == 4


def test_bfloat16_is_near(plain: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # MMEngine asks for a GPU, torch's autocast does not.
    monkeypatch.setattr('mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available', lambda: True)
    half = train(tmp_path, 'half', optim_wrapper=dict(type='AmpOptimWrapper', dtype='bfloat16'))
    assert losses(half) == pytest.approx(losses(plain), abs=.1)
    assert losses(half) != pytest.approx(losses(plain), abs=1e-6)
    assert all(parameter.dtype == torch.float32 for parameter in half.model.parameters())
