"""Leave out mmaction2's multimodal models where the installed transformers is too new for them."""
from importlib.util import find_spec
from pathlib import Path

from mmaction.utils import dependency

# mmaction/models/multimodal/vindlu/modeling_bert.py imports these from transformers.modeling_utils.
_NEEDED = ('apply_chunking_to_forward', 'find_pruneable_heads_and_indices', 'prune_linear_layer')


def repair_multimodal() -> None:
    """Make `import mmaction.models` possible beside a current transformers.

    mmaction2's VindLU models import functions that transformers no longer has. Shows as `cannot import name
    'apply_chunking_to_forward' from 'transformers.modeling_utils'`. With `WITH_MULTIMODAL = False` the host registers
    its own placeholders for these models, as it does where transformers is missing. Where transformers has what is
    needed, nothing is done. Can go when mmaction2's models import from where transformers has these functions today.
    """
    if dependency.WITH_MULTIMODAL and not _has_needed_functions():
        dependency.WITH_MULTIMODAL = False


def _has_needed_functions() -> bool:
    """Whether transformers.modeling_utils names what the host imports: its text is read, an import takes seconds."""
    spec = find_spec('transformers')
    if spec is None or not spec.submodule_search_locations:
        return False
    source = Path(next(iter(spec.submodule_search_locations)), 'modeling_utils.py')
    if not source.is_file():
        return False
    text = source.read_text(encoding='utf-8')
    return all(name in text for name in _NEEDED)
