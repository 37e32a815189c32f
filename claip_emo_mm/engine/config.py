"""Loading a config and building its runner, for training and testing."""
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.dist import get_backend, is_distributed
from mmengine.hooks import EMAHook
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from claip_emo_mm.engine.config_checks import (
    check_effects,
    check_option_paths,
    check_top_level,
    default_scope,
    merge_options,
    set_fold,
)
from claip_emo_mm.engine.feature_cache import cached_config
from claip_emo_mm.engine.feature_cache.plan import SPLITS
from claip_emo_mm.engine.fsdp import unwrapped_model
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import check_writable

_PACKAGE = Path(__file__).resolve().parents[1]
_CONFIGS = (_PACKAGE / '.mim' / 'configs').resolve()  # an editable install links it to the checkout's
if not _CONFIGS.is_dir():
    _CONFIGS = _PACKAGE.parent / 'configs'
_MMENGINE_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')

# Environment variable and program of each launcher; without the variable MMEngine fails with a bare KeyError.
_LAUNCHER_VARIABLES = {'pytorch': ('RANK', 'torchrun'), 'slurm': ('SLURM_PROCID', 'srun'),
                       'mpi': ('OMPI_COMM_WORLD_RANK', 'mpirun')}


def find_config(path: str | Path) -> Path:
    """Return a config file: a path, or from any folder `NAME.py` or `configs/NAME.py` of the project's own."""
    path = Path(path)
    if path.is_file():
        return path
    name = path.relative_to('configs') if path.parts[:1] == ('configs',) else path
    if not name.is_absolute() and name.parts[:-1] in ((), ('cached',), ('mix',)) and (_CONFIGS / name).is_file():
        return _CONFIGS / name
    raise InputError(f'{path}: there is no such config file, and the package has none of this name ({_CONFIGS}).')


def load_config(path: str | Path, options: Mapping[str, object] | None = None) -> Config:
    """Read a config file, apply `--cfg-options` and check its keys; raises InputError for what is wrong in either."""
    options = dict(options or {})
    path = find_config(path)
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is a program of the user and may raise anything
        raise InputError(f'{_place(error, path)}: the config cannot be read: {_reason(error)}') from error
    check_top_level(cfg)
    check_option_paths(cfg, options)
    set_fold(cfg, options)
    if options:
        merge_options(cfg, options, str(path))
    check_effects(cfg, options)
    return cfg


def set_work_dir(cfg: Config, work_dir: str | None, config_path: str) -> None:
    """Set the folder for logs and checkpoints: the argument, else the config's, else ./work_dirs/<config name>."""
    cfg.work_dir = work_dir or cfg.get('work_dir') or os.path.join('.', 'work_dirs', Path(config_path).stem)
    if os.path.exists(cfg.work_dir) and not os.path.isdir(cfg.work_dir):
        raise InputError(f'{cfg.work_dir}: the work folder is a file. Name another one with --work-dir.')
    check_writable(cfg.work_dir, is_folder=True)


def set_launcher(cfg: Config, launcher: str) -> None:
    """Set the launcher of a distributed run; raises InputError where its environment variables are missing."""
    variable, program = _LAUNCHER_VARIABLES.get(launcher, (None, None))
    if variable is not None and variable not in os.environ:
        raise InputError(f'--launcher {launcher}: the environment has no {variable}, so {program} did not start this '
                         f'process. Start it with {program}, or leave --launcher out for a single process.')
    cfg.launcher = launcher


def build_runner(cfg: Config, *splits: str) -> Runner:
    """Build MMEngine's runner, or the one that `runner_type` names; without a launcher, FSDP is switched off.

    With `feature_cache` in the config, the runner reads features in place of media and has no encoders; those of the
    `splits` are extracted first. Its checkpoints are those of the model with encoders, and so is its `cfg`.
    """
    if cfg.get('feature_cache'):
        without_encoders, hashes = cached_config(cfg, splits or SPLITS)
        runner = build_runner(without_encoders)
        runner.cfg = cfg.copy()
        runner.dump_config()
        for name, sha256 in hashes.items():
            getattr(unwrapped_model(runner), name).frozen_sha256 = sha256
        return runner
    uses_fsdp = (cfg.get('strategy') or {}).get('type') == 'FSDPStrategy'
    if uses_fsdp and cfg.get('launcher', 'none') == 'none':
        cfg = cfg.copy()
        cfg.sync_bn = cfg.pop('strategy').get('sync_bn')
        cfg.pop('runner_type')
        uses_fsdp = False
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None and name not in _MMENGINE_HOOKS]:
        hooks.pop(name)  # MMEngine skips None only for its own six
    for hook in [*hooks.values(), *(cfg.get('custom_hooks') or ())] if uses_fsdp else ():
        kind = hook_class(hook, cfg)
        if kind is not None and issubclass(kind, EMAHook):
            raise InputError(f'{cfg.filename}: {kind.__name__} cannot average a model that FSDP shards: remove one.')
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.logger.info(f'PyTorch {torch.__version__}, {_processes(runner)}, seed {runner.seed}; environment, config '
                       f'and hooks: {runner.logger.log_file}')
    requested = (cfg.get('env_cfg') or {}).get('dist_cfg', {}).get('backend', 'nccl')
    if is_distributed() and get_backend() != requested:
        runner.logger.warning(f'The config asks for the backend {requested}, which needs GPUs, and PyTorch finds none '
                              f'here: the processes use {get_backend()}, and the model is on the CPU.')
    return runner


def _processes(runner: Runner) -> str:
    """Where a run computes, in words."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU'
    return f'{runner.world_size} processes, each on {device}' if runner.world_size > 1 else device


def hook_class(hook: Any, cfg: Config) -> type | None:
    """Class of a hook or of its config, however its type is spelled; None where it is not registered."""
    kind = hook.get('type') if isinstance(hook, Mapping) else type(hook)
    if isinstance(kind, str):
        with default_scope(cfg):
            kind = HOOKS.get(kind)
    return kind if isinstance(kind, type) else None


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    if isinstance(error, ImportError | OSError):
        return str(error)
    return f'{type(error).__name__}: {error}'


def _place(error: BaseException, path: str | Path) -> str:
    """'file:line' of the config, or of its _base_, that raised the error; else the file alone."""
    file, line = str(path), error.lineno if isinstance(error, SyntaxError) else None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name in ('_file2dict', '_is_lazy_import', '_validate_py_syntax'):
            read = str(frame.f_locals['filename'])
            file = read if Path(read).is_file() else file
        elif frame.f_code.co_filename == file:
            line = number
    return f'{file}:{line}' if line else file
