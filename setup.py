"""What pyproject.toml cannot say: the files that MIM reads, and the README as a package index shows it."""
import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# What MIM reads from an installed package's folder `.mim`, as MMAction2 puts it there.
MIM_FILES = ('configs', 'tools', 'model-index.yml', 'dataset-index.yml')
_CHECKOUT_ONLY = ('__pycache__', 'benchmark.py', 'environment.sh', 'quickstart.sh', 'reproduce.sh')


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


def description() -> str:
    """The README without links and images of the checkout, which lead nowhere on a package index."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    text = re.sub(r'^(!\[[^\]]*\]\((?!https?:).*|<img .*)$\n', '', text, flags=re.MULTILINE)
    return re.sub(r'\[([^\]]*)\]\((?!https?:)[^)]*\)', r'\1', text)


setup(cmdclass=dict(build_py=BuildWithMim), long_description=description(),
      long_description_content_type='text/markdown')
