"""A training that is killed while it saves goes on as if nothing had happened."""
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from clean_forks import run_forks
from dummy_components import dummy_config, write_dummy_config
from mmengine.config import Config
from mmengine.runner import Runner

from claip_emo_mm.engine.config import build_runner
from claip_emo_mm.engine.resume import latest_checkpoint, set_resume
from claip_emo_mm.errors import InputError

OPTIONS = dict(model__dropout=0.5, train_cfg__max_epochs=3, optim_wrapper__optimizer__momentum=0.9)
KILLED = '''
import os, signal, sys
move = os.replace
def move_or_die(source, target):
    if str(target).endswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    move(source, target)
os.replace = move_or_die
import claip_emo_mm
from mmengine.config import Config
from mmengine.runner import Runner
Runner.from_cfg(Config.fromfile(sys.argv[1])).train()
'''


@pytest.mark.parametrize('dying', ['epoch_2.pth', 'epoch_2.resume.pth'])
def test_killed_while_saving(make_runner: Callable[..., Runner], tmp_path: Path, dying: str) -> None:
    whole = make_runner(**OPTIONS)
    whole.train()
    work = tmp_path / 'killed'
    lines = [f'{key.split("__")[0]}{"".join(f"[{part!r}]" for part in key.split("__")[1:])} = {value}'
             for key, value in OPTIONS.items()]
    path = write_dummy_config(tmp_path / 'killed.py', work, '\n'.join(lines))
    (tmp_path / 'run_and_die.py').write_text(KILLED)
    [killed] = run_forks([tmp_path / 'run_and_die.py', path, dying], cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL
    names = {file.name for file in work.iterdir()}
    assert any(name.startswith(f'{dying}.') and name.endswith('.part') for name in names)
    assert {'epoch_1.pth', 'epoch_1.resume.pth'} <= names and 'epoch_2.pth' not in names
    assert latest_checkpoint(work).name == 'epoch_1.pth'

    cfg = Config.fromfile(path)
    cfg.experiment_name = tmp_path.name
    set_resume(cfg, 'auto')
    resumed = build_runner(cfg)
    resumed.train()
    assert not list(work.glob('*.part'))
    for key, value in whole.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[key], value, rtol=0, atol=0)
    logs = [torch.tensor(runner.message_hub.get_scalar('train/loss')._log_history) for runner in (whole, resumed)]
    assert len(logs[0]) == 9  # 3 epochs of 3 iterations
    torch.testing.assert_close(logs[1], logs[0], rtol=0, atol=0)


def test_old_pairs_are_deleted_together(make_runner: Callable[..., Runner]) -> None:
    hooks = dict(checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2, save_best='WAR',
                                 rule='greater'))
    runner = make_runner(default_hooks=hooks, **OPTIONS)
    runner.train()
    names = sorted(path.name for path in Path(runner.work_dir).glob('*.pth') if not path.name.startswith('best_'))
    assert names == ['epoch_2.pth', 'epoch_2.resume.pth', 'epoch_3.pth', 'epoch_3.resume.pth']
    best, = Path(runner.work_dir).glob('best_*')
    assert set(torch.load(best, weights_only=False)) == {'meta', 'state_dict'}


def test_what_lies_in_which_file(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner()
    runner.train()
    checkpoint, state = (torch.load(f'{runner.work_dir}/epoch_1{suffix}', weights_only=False)
                         for suffix in ('.pth', '.resume.pth'))
    assert set(checkpoint) == {'meta', 'state_dict'}
    assert set(state) == {'meta', 'message_hub', 'optimizer', 'early_stopping', 'save_best', 'batches_per_epoch'}


def test_resuming_without_its_own_second_file(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(train_cfg__max_epochs=2)
    runner.train()
    folder = Path(runner.work_dir)
    again = dict(load_from=str(folder / 'epoch_1.pth'), resume=True)
    (folder / 'epoch_2.resume.pth').replace(folder / 'epoch_1.resume.pth')
    with pytest.raises(InputError, match=r'epoch_1\.pth: .* another checkpoint \(epoch 2, .*expected epoch 1'):
        make_runner(**again).train()
    (folder / 'epoch_1.resume.pth').unlink()
    with pytest.raises(InputError, match=r"cannot be resumed: the optimizer's state, epoch_1\.resume\.pth, is not"):
        make_runner(**again).train()
    make_runner(load_from=again['load_from']).train()  # its weights are a beginning all the same


def test_mmaction_s_single_file_is_resumed(make_runner: Callable[..., Runner]) -> None:
    hooks = [hook for hook in dummy_config(Path())['custom_hooks'] if hook['type'] != 'ResumeStateHook']
    runner = make_runner(custom_hooks=hooks)
    runner.train()
    path = f'{runner.work_dir}/epoch_1.pth'
    assert 'optimizer' in torch.load(path, weights_only=False)
    resumed = make_runner(load_from=path, resume=True, train_cfg__max_epochs=2)
    resumed.train()
    assert resumed.iter == 6
