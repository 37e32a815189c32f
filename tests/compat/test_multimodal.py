from importlib.machinery import ModuleSpec
from pathlib import Path

import mmaction
import pytest
from mmaction.utils import dependency

from claip_emo_mm.compat import imports

OLD = ('from .pytorch_utils import (apply_chunking_to_forward, find_pruneable_heads_and_indices,\n'
       '                            prune_linear_layer)\n')


@pytest.mark.parametrize(('text', 'kept'), [(OLD, True), (OLD.replace('prune_linear_layer', 'Conv1D'), False)])
def test_leaves_the_models_out_only_where_transformers_lacks_a_function(text, kept, tmp_path, monkeypatch):
    (tmp_path / 'modeling_utils.py').write_text(text)
    spec = ModuleSpec('transformers', loader=None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(imports, 'find_spec', lambda name: spec)
    monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', True)
    imports.patch_multimodal()
    assert dependency.WITH_MULTIMODAL is kept


def test_names_are_those_that_mmaction_imports():
    source = Path(mmaction.__file__).parent / 'models' / 'multimodal' / 'vindlu' / 'modeling_bert.py'
    block = source.read_text().split('from transformers.modeling_utils import (')[1].split(')')[0]
    assert set(imports._NEEDED) == {name.strip() for name in block.split(',')} - {'PreTrainedModel'}
