"""Reads a config and prepares it for a run: what the command lines for training and testing share."""
import os
import traceback
from collections.abc import Mapping
from pathlib import Path

from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.dist import get_backend, is_distributed
from mmengine.hooks import EMAHook
from mmengine.registry import RUNNERS, DefaultScope
from mmengine.runner import Runner

from claip_emo_mm.engine.config_checks import check_effects, check_option_paths, check_top_level, set_loader_keys
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import check_writable

_MMENGINE_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')

# What each launcher puts into the environment; read by MMAction2, which fails with a bare KeyError without it.
_LAUNCHER_VARIABLES = {'pytorch': ('RANK', 'torchrun'), 'slurm': ('SLURM_PROCID', 'srun'),
                       'mpi': ('OMPI_COMM_WORLD_RANK', 'mpirun')}


def load_config(path: str | Path, options: Mapping[str, object] | None = None) -> Config:
    """Read a config file, apply `--cfg-options` to it and look for misspelt keys.

    Args:
        path: a .py, .json or .yaml config.
        options: dotted path in the config -> value; `fold` reaches every data loader.
    Raises:
        InputError: the file is not there, cannot be read, or has a misspelt key; or an option has no place in it or no
            effect.
    """
    if not Path(path).is_file():
        raise InputError(f'{path}: there is no such config file. The configs of the project lie in configs/.')
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is a program of the user: anything may come out of it
        raise InputError(f'{_place(error, path)}: the config cannot be read: {_reason(error)}') from error
    check_top_level(cfg)
    if options:
        check_option_paths(cfg, dict(options))
    set_loader_keys(cfg, options or {})
    if options:
        try:
            cfg.merge_from_dict(dict(options))
        except (KeyError, TypeError) as error:
            raise InputError(f'--cfg-options {" ".join(options)}: {error.args[0]} ({path}).') from error
    check_effects(cfg, options or {})
    return cfg


def set_work_dir(cfg: Config, work_dir: str | None, config_path: str) -> None:
    """The folder for logs and checkpoints: the argument, else the config's, else ./work_dirs/<name of the config>.

    Raises:
        InputError: it is a file, or cannot be written.
    """
    cfg.work_dir = work_dir or cfg.get('work_dir') or os.path.join('.', 'work_dirs', Path(config_path).stem)
    if os.path.exists(cfg.work_dir) and not os.path.isdir(cfg.work_dir):
        raise InputError(f'{cfg.work_dir}: the work folder is a file. Name another one with --work-dir.')
    check_writable(cfg.work_dir, is_folder=True)


def set_launcher(cfg: Config, launcher: str) -> None:
    """How the processes of a distributed run were started.

    Raises:
        InputError: the launcher's environment variables are not there.
    """
    variable, program = _LAUNCHER_VARIABLES.get(launcher, (None, None))
    if variable is not None and variable not in os.environ:
        raise InputError(f'--launcher {launcher}: the environment has no {variable}, so {program} did not start this '
                         f'process. Start it with {program}, or leave --launcher out for a single process.')
    cfg.launcher = launcher


def build_runner(cfg: Config) -> Runner:
    """The runner that the config describes; `runner_type` names one other than MMEngine's own.

    A model that FSDP shares out over processes is built whole where there is one process only.

    Raises:
        InputError: it would be both shared out and averaged.
    """
    cfg = _without_shards(cfg) if cfg.get('launcher', 'none') == 'none' else cfg
    _take_out_unset_hooks(cfg)
    _refuse_averaged_shards(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    asked = (cfg.get('env_cfg') or {}).get('dist_cfg', {}).get('backend', 'nccl')
    if is_distributed() and get_backend() != asked:
        runner.logger.warning(f'The config asks for the backend {asked}, which needs GPUs, and PyTorch finds none '
                              f'here: the processes talk through {get_backend()}, and the model is on the CPU.')
    return runner


def _take_out_unset_hooks(cfg: Config) -> None:
    """Let None stand for no hook under every name of `default_hooks`; MMAction2 knows that of its own six alone."""
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None and name not in _MMENGINE_HOOKS]:
        hooks.pop(name)


def _refuse_averaged_shards(cfg: Config) -> None:
    if (cfg.get('strategy') or {}).get('type') != 'FSDPStrategy':
        return
    for hook in [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or ())]:
        kind = hook.get('type') if isinstance(hook, Mapping) else type(hook)
        if isinstance(kind, str):
            with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmaction'):
                kind = HOOKS.get(kind)
        if isinstance(kind, type) and issubclass(kind, EMAHook):
            raise InputError(f'{cfg.filename}: {kind.__name__} cannot average a model that FSDP shares out over the '
                             'processes. Leave it out, or train without runner_type and strategy.')


def _without_shards(cfg: Config) -> Config:
    if (cfg.get('strategy') or {}).get('type') != 'FSDPStrategy':
        return cfg
    cfg = cfg.copy()
    cfg.sync_bn = cfg.strategy.get('sync_bn')
    for key in ('strategy', 'runner_type'):
        cfg.pop(key)
    return cfg


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    if isinstance(error, ImportError | OSError):
        return str(error)
    return f'{type(error).__name__}: {error}'


def _place(error: BaseException, path: str | Path) -> str:
    """'file:line' of the config, or of the _base_ under it, that raised the error; else the file alone."""
    file, line = str(path), error.lineno if isinstance(error, SyntaxError) else None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name in ('_file2dict', '_is_lazy_import', '_validate_py_syntax'):
            read = str(frame.f_locals['filename'])
            file = read if Path(read).is_file() else file
        elif frame.f_code.co_filename == file:
            line = number
    return f'{file}:{line}' if line else file
