"""Sphinx configuration: sphinx-build -W docs docs/_build."""
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'docs')]

from registered_components import reference_page  # noqa: E402

import claip_emo_mm  # noqa: E402

Path(__file__).with_name('reference.md').write_text(reference_page(), encoding='utf-8')

project = 'claip_emo_mm'
copyright = 'the claip_emo_mm contributors'
release = claip_emo_mm.__version__

extensions = ['sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'myst_parser']
exclude_patterns = ['_build']
root_doc = 'index'
html_theme = 'furo'
html_title = f'claip_emo_mm {release}'

myst_heading_anchors = 3
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_member_order = 'bysource'
autodoc_preserve_defaults = True
add_module_names = False
