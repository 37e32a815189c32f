"""A checkpoint that does not fit is refused, key by key."""
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from claip_emo_mm.engine import StrictLoadingHook
from claip_emo_mm.errors import InputError

FITTING = {'backbone.weight': (4, 4), 'backbone.bias': (4,), 'cls_head.weight': (3, 4), 'cls_head.bias': (3,)}


def _save(path: Path, shapes: dict[str, tuple[int, ...]]) -> str:
    torch.save({'state_dict': {key: torch.zeros(shape) for key, shape in shapes.items()}}, path)
    return str(path)


def test_names_missing_unexpected_and_misshapen_keys(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    unexpected = {f'old.{number:02}': (1,) for number in range(12)}
    known = {'backbone.weight': (4, 4), 'cls_head.weight': (5, 4), 'cls_head.bias': (3,)}
    path = _save(tmp_path / 'a.pth', {**known, **unexpected})
    with pytest.raises(InputError) as caught:
        make_runner(load_from=path).test()
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(path) and '15 keys in the checkpoint, 4 in the model' in lines[0]
    assert lines[1:3] == ['  1 missing in the checkpoint:', '    backbone.bias']
    assert lines[3:5] == ['  12 unexpected in the checkpoint:', '    old.00']
    assert lines[13:15] == ['    old.09', '    ... and 2 more']
    assert lines[16] == '    cls_head.weight (5, 4), the model (3, 4)'


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_fitting_checkpoint_is_loaded(make_runner: Callable[..., Runner], tmp_path: Path, prefix: str) -> None:
    path = _save(tmp_path / 'a.pth', {prefix + key: shape for key, shape in FITTING.items()})
    runner = make_runner(load_from=path)
    runner.test()
    assert not runner.model.cls_head.weight.any()


def test_ignored_keys_may_differ(make_runner: Callable[..., Runner], tmp_path: Path) -> None:
    path = _save(tmp_path / 'a.pth', {**FITTING, 'cls_head.weight': (5, 4), 'cls_head.bias': (5,)})
    hooks = [dict(type='StrictLoadingHook', ignore=['cls_head'])]
    runner = make_runner(load_from=path, custom_hooks=hooks)
    runner.test()
    assert not runner.model.backbone.weight.any() and runner.model.cls_head.weight.shape == (3, 4)


def test_ignore_must_be_a_list() -> None:
    with pytest.raises(InputError, match=r"expected a list: ignore=\['cls_head'\]"):
        StrictLoadingHook(ignore='cls_head')
    with pytest.raises(InputError, match=r"ignore has 'cls_head\(', which is no regular expression \(missing \)"):
        StrictLoadingHook(ignore=['cls_head('])
