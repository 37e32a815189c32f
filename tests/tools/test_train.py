"""tools/train.py: its flags, and what it says about what a user gets wrong."""
from pathlib import Path

import dummy_components  # noqa: F401 - registers the parts of the dummy config
import pytest
import torch
from dummy_components import write_dummy_config
from mmengine.config import Config
from tool_runs import call_tool, fork_tool, run_tool


@pytest.fixture
def config(tmp_path: Path) -> str:
    # MMEngine shares loggers and messages between runs of one name and second, so every test has a name of its own.
    return write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work')


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / 'work'


def test_trains_and_resumes(config: str, work: Path, tmp_path: Path) -> None:
    first = run_tool('train.py', config, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert 'Trainable parameters: 15 of 35 (42.86 %)' in first.stdout
    assert (work / 'epoch_1.pth').is_file()

    again = fork_tool('train.py', config, '--resume', '--cfg-options', 'train_cfg.max_epochs=2', cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert 'resumed epoch: 1' in again.stdout and 'Epoch(train) [1]' not in again.stdout
    assert (work / 'epoch_2.pth').is_file()


def test_error_has_no_traceback(config: str, tmp_path: Path) -> None:
    result = fork_tool('train.py', config, '--cfg-options', 'train_dataloader.dataset.broken=3',
                       'train_dataloader.num_workers=1', cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.endswith('error: clip 3.mp4: no frames.\nMake it again.\n')
    assert 'Traceback' not in result.stdout + result.stderr


@pytest.mark.parametrize('args', [[], ['a.py', '--launcher', 'ssh'], ['a.py', '--seed', 'x'],
                                  ['a.py', '--cfg-options', 'max_epochs'], ['a.py', '--cfg-options', 'a=[(1,2]']])
def test_wrong_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, args: list[str]) -> None:
    assert call_tool(monkeypatch, 'train.py', *args) == 2
    assert 'usage: ' in capsys.readouterr().err


@pytest.mark.parametrize('text, args, expected', [
    ('optim_wraper = dict()', [], "'optim_wraper' is not a key that the runner reads, and would be ignored; did you "
                                  "mean 'optim_wrapper'?"),
    ('', ['--cfg-options', 'trian_cfg.max_epochs=1'], "has no 'trian_cfg'; did you mean 'train_cfg'?"),
    ('', ['--cfg-options', 'model.num_clases=4'], "model: DummyModel has no option 'num_clases'. Did you mean"),
    ('', ['--cfg-options', 'model.num_classes=4'], 'num_classes is 4, but the data set of train_dataloader has 3'),
    ('', ['--cfg-options', 'model.frozen_head=True'], '0 of 35 parameters would be trained'),
    ('optim_wrapper = None', [], 'optim_wrapper is missing; train_dataloader, train_cfg, optim_wrapper are needed'),
    ('', ['--resume', 'nowhere.pth'], 'nowhere.pth: the checkpoint is not there'),
    ('', ['--auto-scale-lr'], 'needs auto_scale_lr=dict(base_batch_size=...)'),
    ('', ['--cfg-options', 'optim_wrapper.dtype=bfloat16'], 'optim_wrapper.dtype: has no effect: it is a key of mixed'),
    ('auto_scale_lr = dict(base_batch_size=8)', ['--cfg-options', 'auto_scale_lr.base_batch_size=4'],
     'auto_scale_lr.base_batch_size: has no effect: the rate is not scaled without --auto-scale-lr'),
    ('', ['--resume', '--cfg-options', 'resume=False'], 'resume: has no effect: --resume says where'),
    ('', ['--resume', __file__, '--cfg-options', 'load_from=a.pth'], 'load_from: has no effect: --resume says where'),
    ('', ['--launcher', 'slurm'], '--launcher slurm: the environment has no SLURM_PROCID'),
    ('optim_wrapper.update(type="Other")', ['--amp'], "cannot be combined with optim_wrapper.type='Other'"),
])
def test_mistakes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path, text: str,
                  args: list[str], expected: str) -> None:
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work', text)
    assert call_tool(monkeypatch, 'train.py', config, *args) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith('error: ') and expected in message


def test_missing_config(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert call_tool(monkeypatch, 'train.py', 'configs/claip_emo_huge.py') == 1
    assert 'error: configs/claip_emo_huge.py: there is no such config file' in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU, mixed precision works')
def test_mixed_precision_without_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture,
                                     config: str) -> None:
    assert call_tool(monkeypatch, 'train.py', config, '--amp') == 1
    message = capsys.readouterr().err
    assert 'needs a GPU' in message and '--cfg-options optim_wrapper.type=OptimWrapper' in message


def test_a_hook_of_the_config_is_taken_out_by_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hooks = "default_hooks = dict(early_stop=dict(type='EarlyStoppingHook', monitor='nothing', strict=True))"
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work', hooks)
    options = ['--cfg-options', 'default_hooks.early_stop=None', 'default_hooks.timer=None']
    assert call_tool(monkeypatch, 'train.py', config, *options) == 0
    assert (tmp_path / 'work/epoch_1.pth').is_file()


def test_the_way_out_of_mixed_precision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = write_dummy_config(tmp_path / f'{tmp_path.name}.py', tmp_path / 'work', "optim_wrapper.update("
                                "type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')")
    assert call_tool(monkeypatch, 'train.py', config, '--cfg-options', 'optim_wrapper.type=OptimWrapper') == 0
    assert (tmp_path / 'work/epoch_1.pth').is_file()


def test_resume_from_a_text_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, config: str,
                                 tmp_path: Path) -> None:
    text = tmp_path / 'a.pth'
    text.write_text('<html>not found</html>')
    assert call_tool(monkeypatch, 'train.py', config, '--resume', text) == 1
    assert f'error: {text}' in capsys.readouterr().err


def test_flags_reach_the_run(monkeypatch: pytest.MonkeyPatch, config: str, tmp_path: Path) -> None:
    other = tmp_path / 'other'
    args = ['--work-dir', other, '--no-validate', '--seed', '7', '--deterministic', '--local-rank', '0',
            '--cfg-options', 'auto_scale_lr.base_batch_size=8', '--auto-scale-lr']
    torch_deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        assert call_tool(monkeypatch, 'train.py', config, *args) == 0
    finally:
        torch.use_deterministic_algorithms(torch_deterministic)
    used = Config.fromfile(other / Path(config).name)
    assert used.randomness == dict(seed=7, deterministic=True) and used.val_dataloader is None
    log = next(other.glob('*/*.log')).read_text()
    assert 'LR is set based on batch size of 8 and the current batch size is 2' in log
    assert 'Epoch(train)' in log and 'Epoch(val)' not in log


def test_the_same_seed_gives_the_same_losses(monkeypatch: pytest.MonkeyPatch, config: str, tmp_path: Path) -> None:
    losses = []
    for name, seed in (('a', '3'), ('b', '3'), ('c', '4')):
        folder = tmp_path / name
        options = ['--cfg-options', f'experiment_name={tmp_path.name}_{name}', 'default_hooks.logger.interval=1',
                   'default_hooks.logger.type=LoggerHook']
        assert call_tool(monkeypatch, 'train.py', config, '--work-dir', folder, '--seed', seed, *options) == 0
        log = next(folder.glob('*/*.log')).read_text()
        losses.append([line.split('loss: ')[1] for line in log.splitlines() if 'Epoch(train)' in line])
    assert len(losses[0]) == 3 and losses[0] == losses[1] != losses[2]
