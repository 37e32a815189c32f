"""Schedules that follow the number of epochs of the command line."""
from pathlib import Path
from typing import Any

import pytest

from claip_emo_mm.engine.config import load_config
from claip_emo_mm.engine.schedule import adapt_schedule

WARM = dict(type='LinearLR', start_factor=.1, end=5)
LENGTH = "train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20)"


def adapt(folder: Path, schedule: Any, options: dict[str, Any], length: str = LENGTH) -> tuple[Any, str | None]:
    path = folder / 'small.py'
    path.write_text(f"model = dict(type='A')\n{length}\nparam_scheduler = {schedule!r}\n")
    cfg = load_config(path, options)
    note = adapt_schedule(cfg, options)
    return cfg.to_dict()['param_scheduler'], note


@pytest.mark.parametrize('epochs, schedule, expected', [
    (3, [WARM, dict(type='CosineAnnealingLR', begin=5)], [dict(type='CosineAnnealingLR', begin=0)]),
    (5, [WARM, dict(type='CosineAnnealingLR', begin=5, T_max=15, end=20)],
     [dict(type='CosineAnnealingLR', begin=0, T_max=5, end=5)]),
    (8, [WARM, dict(type='CosineAnnealingLR', begin=5, T_max=15, end=20)],
     [WARM, dict(type='CosineAnnealingLR', begin=5, T_max=3, end=8)]),
    (40, [WARM, dict(type='CosineAnnealingLR', begin=5, T_max=15, end=20)],  # longer: it does not stop at 20
     [WARM, dict(type='CosineAnnealingLR', begin=5, T_max=35, end=40)]),
    (10, [WARM, dict(type='ConstantLR', begin=5, end=15), dict(type='CosineAnnealingLR', begin=15)],
     [WARM, dict(type='CosineAnnealingLR', begin=5)]),
    (3, [WARM], []),
    (10, dict(type='CosineAnnealingLR', T_max=20), dict(type='CosineAnnealingLR', T_max=10)),
])
def test_what_lasted_to_the_end_lasts_to_the_new_one(tmp_path: Path, epochs: int, schedule: Any, expected: Any) -> None:
    adapted, note = adapt(tmp_path, schedule, {'train_cfg.max_epochs': epochs})
    assert adapted == expected
    assert note.startswith(f'train_cfg.max_epochs={epochs} in place of 20: param_scheduler.') and '\n' not in note


def test_the_line_says_what_was_done(tmp_path: Path) -> None:
    _, note = adapt(tmp_path, [WARM, dict(type='CosineAnnealingLR', begin=5)], {'train_cfg.max_epochs': 3})
    assert note == ('train_cfg.max_epochs=3 in place of 20: param_scheduler.0 (LinearLR) of 5 is omitted, '
                    'param_scheduler.1 (CosineAnnealingLR) has begin=0.')


@pytest.mark.parametrize('schedule, options', [
    ([WARM, dict(type='CosineAnnealingLR', begin=5)], {}),
    ([WARM, dict(type='CosineAnnealingLR', begin=5)], {'train_cfg.max_epochs': 20}),
    ([WARM, dict(type='CosineAnnealingLR', begin=5)], {'train_cfg.max_epochs': 9}),  # follows by itself
    ([WARM, dict(type='CosineAnnealingLR', begin=5)],
     {'train_cfg.max_epochs': 3, 'param_scheduler.0.start_factor': .1}),  # the user says how
    ([WARM, dict(type='CosineAnnealingLR', begin=20)], {'train_cfg.max_epochs': 3}),  # wrong in the file
    ([dict(type='LinearLR', by_epoch=False, end=100)], {'train_cfg.max_epochs': 3}),  # iterations
    ([dict(type='MultiStepLR', milestones=[10, 15])], {'train_cfg.max_epochs': 3}),
])
def test_other_schedules_are_not_touched(tmp_path: Path, schedule: list[dict], options: dict[str, Any]) -> None:
    assert adapt(tmp_path, schedule, options) == (schedule, None)


def test_iterations(tmp_path: Path) -> None:
    schedule = [dict(type='LinearLR', by_epoch=False, end=100),
                dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=2500)]
    length = "train_cfg = dict(type='IterBasedTrainLoop', max_iters=2500)"
    adapted, note = adapt(tmp_path, schedule, {'train_cfg.max_iters': 60}, length)
    assert adapted == [dict(type='CosineAnnealingLR', by_epoch=False, begin=0, end=60)]
    assert note.startswith('train_cfg.max_iters=60 in place of 2500: ')
