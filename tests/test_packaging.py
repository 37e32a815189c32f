"""A wheel holds the whole package: installed without the checkout, everything imports and is registered."""
import ast
import itertools
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from claip_emo_mm.engine.hooks.trained_parameters_hook import count_parameters

ROOT = Path(__file__).parents[1]
# Names that configs of other people rely on, by registry.
CONTRACT = {
    'MODELS': ['AudioMeanPool', 'AudioVisualDataPreprocessor', 'AudioVisualRecognizer', 'CLAPAudioBackbone',
               'CLIPVisualBackbone', 'ConcatFusionHead', 'TemporalTransformer'],
    'DATASETS': ['AudioVisualDataset'],
    'METRICS': ['EmotionMetric'],
    'HOOKS': ['CheckpointContentHook', 'ClassNamesHook', 'ClipPictureHook', 'IterationSeedHook', 'ResumeFileHook',
              'StrictLoadingHook', 'TerminationHook', 'TrainedParametersHook'],
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
                    'tools/**/*', 'claip_emo_mm/**/*'):
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


def test_wheel_holds_every_module_and_weight(wheel: Path) -> None:
    package = ROOT / 'claip_emo_mm'
    wanted = [path for pattern in ('*.py', '*.safetensors', '*.md') for path in package.rglob(pattern)]
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [path for path in wanted if path.relative_to(ROOT).as_posix() not in names]
    assert any(name.endswith('LICENSE') for name in names)
    assert {name.split('/')[0].split('-')[0] for name in names} == {'claip_emo_mm'}  # no tests


def test_wheel_holds_what_mim_reads(wheel: Path) -> None:
    names = {name.partition('/.mim/')[2] for name in zipfile.ZipFile(wheel).namelist() if '/.mim/' in name}
    paths = [path for folder in ('configs', 'tools') for path in (ROOT / folder).rglob('*')]
    wanted = {path.relative_to(ROOT).as_posix() for path in paths
              if path.is_file() and '__pycache__' not in path.parts}
    assert wanted - {'tools/environment.sh', 'tools/quickstart.sh'} == names - {'model-index.yml', 'dataset-index.yml'}
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


def test_metafiles_describe_every_leaf() -> None:
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    metafiles = [yaml.safe_load((ROOT / path).read_text()) for path in index['Import']]
    assert sorted(index['Import']) == sorted(path.relative_to(ROOT).as_posix()
                                             for path in (ROOT / 'configs').rglob('metafile*.yml'))
    collections = {entry['Name'] for file in metafiles for entry in file.get('Collections', [])}
    models = {model['Name']: model for file in metafiles for model in file['Models']}
    leaves = {path.stem for path in (ROOT / 'configs').glob('claip_emo_*.py')}
    assert leaves <= set(models)
    assert sum(len(file['Models']) for file in metafiles) == len(models)
    for name, model in models.items():
        assert (ROOT / model['Config']).stem == name and (ROOT / model['Config']).is_file()
        assert model['In Collection'] in collections
        assert model['Modality'] in ('visual', 'audio', 'audiovisual')
        cfg = Config.fromfile(ROOT / model['Config']).model
        assert ('visual_backbone' in cfg and cfg.visual_backbone is not None) is (model['Modality'] != 'audio')
        for key in ('Parameters', 'Trained Parameters'):
            assert isinstance(model['Metadata'][key], int)


# tests/configs/test_leaves.py holds the table of configs/README.md against the models themselves.
def test_metafiles_agree_with_the_table() -> None:
    text = (ROOT / 'configs' / 'README.md').read_text()
    table = re.findall(r'^\| `(claip_emo_vit\w+)\.py` \|.*?\| ([\d,]+) \| ([\d,]+) \|', text, re.MULTILINE)
    models = [model for path in (ROOT / 'configs').glob('metafile_*.yml')
              for model in yaml.safe_load(path.read_text())['Models']]
    sizes = {model['Name']: (model['Metadata']['Trained Parameters'], model['Metadata']['Parameters'])
             for model in models}
    assert len(table) > 10
    for name, trained, whole in table:
        assert sizes[name] == (int(trained.replace(',', '')), int(whole.replace(',', '')))


@pytest.mark.parametrize('name', ['claip_emo_tiny_toy', 'claip_emo_tiny_toy_visual', 'claip_emo_tiny_toy_audio'])
def test_metafiles_agree_with_the_toy_models(name: str) -> None:
    models = {model['Name']: model for model in
              yaml.safe_load((ROOT / 'configs' / 'metafile_toy.yml').read_text())['Models']}
    init_default_scope('mmaction')
    model = MODELS.build(Config.fromfile(ROOT / 'configs' / f'{name}.py').model)
    trained, whole = count_parameters(model)
    assert models[name]['Metadata']['Trained Parameters'] == trained
    assert models[name]['Metadata']['Parameters'] == whole


def test_neither_mmcv_is_required(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith('/METADATA'))).decode()
    required = [line for line in metadata.splitlines() if line.startswith('Requires-Dist:') and 'extra ==' not in line]
    assert any('mmaction2' in line for line in required)
    assert not [line for line in required if 'mmcv' in line]


def test_lock_file_fits_the_ranges() -> None:
    lines = (ROOT / 'requirements' / 'lock.txt').read_text().splitlines()
    pins = {canonicalize_name(line.split('==')[0]): line.split('==')[1].split(' ')[0] for line in lines if '==' in line}
    source = (ROOT / 'setup.py').read_text()
    ranges = [Requirement(text) for text in _quoted(source)]
    assert len(ranges) > 15
    for requirement in ranges:
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f'{requirement} does not allow the locked {pin}'
    assert 'mmcv' not in pins and 'mmcv-lite' in pins
    assert not [line for line in lines if '://' in line or line.startswith('-')]  # no one's index, no one's folder


def test_every_import_is_required() -> None:
    required = {requirement.name for requirement in map(Requirement, _quoted((ROOT / 'setup.py').read_text()))}
    imported = set()
    for path in (ROOT / 'claip_emo_mm').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            imported.update(name.split('.')[0] for name in names)
    packages = {DISTRIBUTIONS.get(name, name) for name in imported - sys.stdlib_module_names}
    assert packages - required - {'claip_emo_mm', 'mmcv'} == set()


def _quoted(source: str) -> list[str]:
    """Requirement texts of setup.py: those between install_requires and classifiers."""
    call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
                and getattr(node.func, 'id', '') == 'setup')
    values = {keyword.arg: keyword.value for keyword in call.keywords}
    extras = ast.literal_eval(values['extras_require'])
    return [*ast.literal_eval(values['install_requires']), *itertools.chain(*extras.values())]
