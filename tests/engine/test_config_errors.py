"""What a user's config can do wrong is named; what is a defect is not hidden."""
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from dummy_components import DummyModel
from mmaction.registry import MODELS
from mmengine.runner import Runner
from torch import nn

from claip_emo_mm.engine.config_errors import explain_config_error


@MODELS.register_module()
class DummyChild(DummyModel):
    """Hands its options on to its parent, as many classes of MMAction2 do."""

    def __init__(self, depth: int = 1, **kwargs: int) -> None:
        super().__init__(**kwargs)


@MODELS.register_module()
class DummyHolder(DummyModel):
    """Builds a head of its config."""

    def __init__(self, cls_head: dict) -> None:
        super().__init__()
        self.head = MODELS.build(cls_head)


@dataclass(frozen=True)
class _Settings:
    """What a part of a config may say."""

    rank: int = 1


@MODELS.register_module()
class DummyUnpacking(DummyModel):
    """Unpacks a part of its config, which has no type of its own."""

    def __init__(self, lora: dict[str, int]) -> None:
        super().__init__()
        self.settings = _Settings(**lora)


@MODELS.register_module()
class DummyDefect(DummyModel):
    """Calls something wrongly, whatever the config says."""

    def __init__(self, bias: bool = True) -> None:
        super().__init__()
        self.extra = nn.Linear(2, 3, biass=bias)


def _explained(make: Callable[..., Runner], **options: object) -> str | None:
    try:
        make(**options).train()
    except Exception as error:
        return explain_config_error(error)
    raise AssertionError('the config was accepted')


def test_unregistered_type(make_runner: Callable[..., Runner]) -> None:
    message = _explained(make_runner, model__type='DumyModel')
    assert message.startswith("model: type='DumyModel' is registered nowhere (mmaction::model).")
    assert "'DummyModel'" in message and 'custom_imports' in message


def test_missing_default_scope(make_runner: Callable[..., Runner]) -> None:
    message = _explained(make_runner, default_scope='mmengine', custom_hooks=[], model__type='DumyModel')
    assert "default_scope = 'mmaction'" in message


@pytest.mark.parametrize('options, expected', [
    (dict(model__num_clases=3), "model: DummyModel has no option 'num_clases'. Did you mean 'num_classes'?"),
    (dict(custom_hooks=[dict(type='StrictLoadingHook', ignored=['a'])]),
     "custom_hooks[0]: StrictLoadingHook has no option 'ignored'. Did you mean 'ignore'?"),
    (dict(train_dataloader__num_workrs=2),
     "train_dataloader: DataLoader has no option 'num_workrs'. Did you mean 'num_workers'?"),
    (dict(train_cfg__max_epoch=2),
     "train_cfg: ResumableTrainLoop has no option 'max_epoch'. Did you mean 'max_epochs'?"),
    (dict(randomness__sede=2), "randomness: Runner has no option 'sede'. Did you mean 'seed'?"),
    (dict(optim_wrapper__optimizer__learn=1.), "optim_wrapper.optimizer: SGD has no option 'learn'. It knows: damp"),
])
def test_unknown_option(make_runner: Callable[..., Runner], options: dict[str, object], expected: str) -> None:
    assert expected in _explained(make_runner, **options)


def test_unknown_option_of_a_parent(make_runner: Callable[..., Runner]) -> None:
    message = _explained(make_runner, model=dict(_delete_=True, type='DummyChild', num_clases=3))
    assert "model: DummyChild has no option 'num_clases'. Did you mean 'num_classes'?" in message
    head = dict(type='ConcatFusionHead', num_classes=3, visual_channels=2, average_clip=None)
    message = _explained(make_runner, model=dict(_delete_=True, type='DummyHolder', cls_head=head))
    assert "model.cls_head: ConcatFusionHead has no option 'average_clip'. Did you mean 'average_clips'?" in message


def test_an_option_that_a_class_sets_for_its_parent(make_runner: Callable[..., Runner]) -> None:
    head = dict(type='ConcatFusionHead', num_classes=3, visual_channels=2, audio_channels=2, fused_channels=4)
    message = _explained(make_runner, model=dict(_delete_=True, type='DummyHolder', cls_head=head))
    assert message == "model.cls_head: ConcatFusionHead sets 'fused_channels' by itself: take it out of the config."


def test_unknown_option_of_an_unpacked_part(make_runner: Callable[..., Runner]) -> None:
    message = _explained(make_runner, model=dict(_delete_=True, type='DummyUnpacking', lora=dict(rnk=2)))
    assert message == "model.lora: _Settings has no option 'rnk'. Did you mean 'rank'?"


def test_missing_option(make_runner: Callable[..., Runner]) -> None:
    message = _explained(make_runner, custom_hooks=[dict(type='EarlyStoppingHook')])
    assert message == "custom_hooks[0]: EarlyStoppingHook needs 'monitor', which the config does not give."


@pytest.mark.parametrize('options, expected', [
    (dict(optim_wrapper__optimizer__lr=-1.),
     'optim_wrapper.optimizer: SGD refuses its options: Invalid learning rate: -1'),
    (dict(param_scheduler=[dict(type='CosineAnnealingLR', begin=1, end=1, T_max=1)]),
     'param_scheduler[0]: CosineAnnealingLR refuses its options: end should be larger than begin'),
    (dict(param_scheduler=[dict(type='CosineAnnealingLR', begin=5, end=2, T_max=1)]),
     '--cfg-options param_scheduler.0.end=0.5 param_scheduler.1.begin=0.5'),
])
def test_refused_value(make_runner: Callable[..., Runner], options: dict[str, object], expected: str) -> None:
    assert expected in _explained(make_runner, **options)


def test_part_without_type(make_runner: Callable[..., Runner]) -> None:
    message = _explained(make_runner, default_hooks=dict(loger=dict(interval=3)))
    assert 'a part of the config has no type (interval)' in message


def test_defect_is_not_explained(make_runner: Callable[..., Runner]) -> None:
    assert _explained(make_runner, model=dict(_delete_=True, type='DummyDefect', bias=False)) is None


def test_other_errors_of_a_run_are_not_explained(make_runner: Callable[..., Runner],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError('a defect')

    monkeypatch.setattr(DummyModel, 'train_step', broken)
    assert _explained(make_runner) is None


def test_other_errors_are_not_explained() -> None:
    for error in (KeyError('monitor'), TypeError('f() missing 1 required positional argument: \'x\''), ValueError()):
        try:
            raise error
        except Exception as caught:
            assert explain_config_error(caught) is None


@pytest.mark.parametrize('name', ['wandb', 'mlflow', 'clearml', 'aim'])
def test_packages_of_vis_backends_that_are_not_there(make_runner: Callable[..., Runner], name: str,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    backend = dict(wandb='Wandb', mlflow='MLflow', clearml='ClearML', aim='Aim')[name] + 'VisBackend'
    message = _explained(make_runner, visualizer=dict(type='ActionVisualizer', vis_backends=[dict(type=backend)]))
    assert message == (f'visualizer.vis_backends: {backend}: Please run "pip install {name}" to install {name}, or '
                       'take it out of vis_backends.')
