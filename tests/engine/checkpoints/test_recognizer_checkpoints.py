"""Checkpoints of the toy recognizer: what they hold, where they can be loaded, how they go on."""
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from safetensors import safe_open
from sampled_components import sampled_config, write_encoders

from claip_emo_mm.engine.checkpoints import META_KEY, publish
from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.errors import InputError

_names = itertools.count()
STATISTICS = {f'audio_backbone.tower.bn0.{name}' for name in ('running_mean', 'running_var', 'num_batches_tracked')}


def build(cfg: Config) -> Runner:
    cfg.experiment_name = f'sampled_{next(_names)}'
    return build_runner(cfg)


@pytest.fixture(scope='module')
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return write_encoders(tmp_path_factory.mktemp('encoders'))


@pytest.fixture(scope='module')
def trained(encoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    runner = build(sampled_config(tmp_path_factory.mktemp('trained'), encoders))
    runner.train()
    return runner


@pytest.fixture(scope='module')
def checkpoint(trained: Runner) -> Path:
    return Path(trained.work_dir) / 'epoch_2.pth'


@pytest.fixture
def make_config(encoders: Path, tmp_path: Path) -> Callable[..., Config]:
    def make(**options: object) -> Config:
        cfg = sampled_config(tmp_path / 'work', encoders)
        cfg.merge_from_dict({key.replace('__', '.'): value for key, value in options.items()})
        return cfg

    return make


def same_weights(first: torch.nn.Module, second: torch.nn.Module) -> None:
    for key, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[key], value, rtol=0, atol=0, msg=key)


def test_holds_what_was_trained_and_nothing_else(trained: Runner, checkpoint: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    parameters = {name for name, parameter in trained.model.named_parameters() if parameter.requires_grad}
    assert parameters and set(state) == parameters | STATISTICS
    assert checkpoint.stat().st_size < 1.1 * sum(value.numel() * 4 for value in state.values()) + 200_000
    log = next(Path(trained.log_dir).glob('*.log')).read_text()
    assert f'Checkpoints hold {len(state)} of {len(trained.model.state_dict())} keys' in log
    assert 'visual_backbone: frozen weights are omitted, they are those of ' in log


def test_metadata(checkpoint: Path, encoders: Path) -> None:
    metadata = torch.load(checkpoint, weights_only=True)['meta'][META_KEY]
    assert metadata['front_end']['LogMel'] == dict(sample_rate_hz=16000, num_mel_bins=64, window_ms=25, shift_ms=12,
                                                num_frames=256, front_end='kaldi')
    assert metadata['front_end']['SampleFrameViews'] == dict(clip_len=8, frame_interval=4)
    assert metadata['front_end']['AudioVisualDataPreprocessor'] == dict(mean=None, std=None)
    visual = metadata['backbones']['visual_backbone']
    assert visual['arch']['width'] == 128 and visual['pretrained'] == str(encoders / 'visual.safetensors')
    assert visual['lora']['alpha'] == 16 and len(visual['sha256']) == 64


def test_resumes_to_the_same_losses(trained: Runner, checkpoint: Path, make_config: Callable[..., Config]) -> None:
    resumed = build(make_config(load_from=str(checkpoint.with_name('epoch_1.pth')), resume=True))
    resumed.train()
    losses = [torch.tensor(runner.message_hub.get_scalar('train/loss')._log_history) for runner in (trained, resumed)]
    assert len(losses[0]) == 4
    torch.testing.assert_close(losses[1], losses[0], rtol=0, atol=0)
    same_weights(trained.model, resumed.model)


def test_is_loaded_by_the_runner_and_by_mmengine(trained: Runner, checkpoint: Path, tmp_path: Path,
                                                 make_config: Callable[..., Config]) -> None:
    published = tmp_path / 'shared.safetensors'
    size = publish(checkpoint, published).size
    assert size == published.stat().st_size < checkpoint.stat().st_size
    with safe_open(published, 'pt') as file:
        assert json.loads(file.metadata()[META_KEY])['classes'][0] == 'happy'
    for path in (checkpoint, published):
        cfg = make_config(load_from=str(path))
        runner = build(cfg)
        runner.load_or_resume()
        same_weights(trained.model, runner.model)
        log = next(Path(runner.log_dir).glob('*.log')).read_text()
        assert 'do not match exactly' not in log and 'Load checkpoint from' in log
        # A log file of its own, also within the same second: MMEngine writes there which keys are missing.
        model = build(make_config(work_dir=str(tmp_path / 'mmengine'))).model
        load_checkpoint(model, str(path))
        same_weights(trained.model, model)


@pytest.mark.parametrize(('options', 'message'), [
    (dict(model__visual_backbone__pretrained=None),
     r"(?s)1 settings differ:\n    visual_backbone\.pretrained: '.*' \(sha256 .*\) in the checkpoint, None here"
     r'.*missing in the checkpoint:\n    visual_backbone\.tower'),
    (dict(model__visual_backbone__lora__alpha=8), r'visual_backbone\.lora\.alpha: 16 in the checkpoint, 8 here'),
    (dict(model__visual_backbone__arch__quick_gelu=True),
     r"visual_backbone\.arch: \{.*\} in the checkpoint, \{.*'quick_gelu': True"),
    (dict(model__visual_neck__num_heads=8, model__visual_neck__head_dims=16),  # of the same shapes
     r'(?s)2 settings differ:\n    visual_neck\.num_heads: 4 in the checkpoint, 8 here.*head_dims: 32 in the'),
    (dict(test_dataloader__dataset__classes=('a',) * 7), r'cls_head\.classes: happy, sad, .* in the checkpoint, a, a'),
    (dict(model__data_preprocessor=dict(mean=[0, 0, 0])),
     r'front_end\.AudioVisualDataPreprocessor\.mean: None in the checkpoint, \[0, 0, 0\] here'),
    (dict(test_dataloader__dataset__pipeline=[dict(type='SampleFrameViews', clip_len=8), dict(type='LogMel')]),
     r'(?s)front_end\.ResizeFrames: .*64.* in the checkpoint, none here'),
])
def test_refused_where_it_does_not_belong(checkpoint: Path, make_config: Callable[..., Config],
                                          options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(make_config(load_from=str(checkpoint), **options)).test()


def test_other_views_and_named_differences_are_allowed(checkpoint: Path, make_config: Callable[..., Config]) -> None:
    cfg = make_config(load_from=str(checkpoint))
    sampling = next(part for part in cfg.test_dataloader.dataset.pipeline if part.type == 'SampleFrameViews')
    sampling.num_clips = 5
    build(cfg).test()
    sampling.frame_interval = 2
    with pytest.raises(InputError, match=r'front_end\.SampleFrameViews\.frame_interval: 4 in the checkpoint, 2 here'):
        build(cfg).test()
    next(hook for hook in cfg.custom_hooks if hook.type == 'StrictLoadingHook').ignore = ['front_end']
    build(cfg).test()


def test_another_resampler_is_named(checkpoint: Path, make_config: Callable[..., Config]) -> None:
    cfg = make_config(load_from=str(checkpoint))
    next(part for part in cfg.test_dataloader.dataset.pipeline if part.type == 'LoadAudioWindows').resampler = 'soxr'
    with pytest.raises(InputError, match=r'front_end\.LoadAudioWindows\.resampler: sinc in the checkpoint, soxr here'):
        build(cfg).test()


def test_random_encoders_are_kept(tmp_path: Path) -> None:
    runner = build(sampled_config(tmp_path, None))
    runner.train()
    state = torch.load(tmp_path / 'epoch_2.pth', weights_only=True)['state_dict']
    assert set(state) == set(runner.model.state_dict())
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'visual_backbone: frozen weights are kept in every checkpoint: they cannot be reproduced' in log
    other = build(Config(dict(sampled_config(tmp_path, None), load_from=str(tmp_path / 'epoch_2.pth'))))
    other.load_or_resume()
    same_weights(runner.model, other.model)


def test_encoders_of_a_loaded_whole_model_are_kept(make_config: Callable[..., Config], tmp_path: Path) -> None:
    cfg = make_config()
    other = build(cfg).model
    with torch.no_grad():
        other.visual_backbone.tower.ln_post.bias += 1
    torch.save(dict(state_dict=other.state_dict(), meta={}), tmp_path / 'whole.pth')
    cfg.load_from = str(tmp_path / 'whole.pth')
    runner = build(cfg)
    runner.train()
    state = torch.load(f'{runner.work_dir}/epoch_2.pth', weights_only=True)['state_dict']
    assert 'visual_backbone.tower.ln_post.bias' in state and 'audio_backbone.tower.norm.bias' not in state
    assert 'they may not be those of ' in next(Path(runner.log_dir).glob('*.log')).read_text()
    again = build(make_config(load_from=f'{runner.work_dir}/epoch_2.pth'))
    again.load_or_resume()
    same_weights(runner.model, again.model)
