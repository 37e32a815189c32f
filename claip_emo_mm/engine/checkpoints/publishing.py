"""Makes one file of a checkpoint to share: the weights, and what they belong to."""
import json
from pathlib import Path

from mmengine.runner import CheckpointLoader

from claip_emo_mm.engine.checkpoints.facts import META_KEY, read_facts
from claip_emo_mm.engine.checkpoints.fit import without_wrapper
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import atomic_write, check_writable
from claip_emo_mm.utils.safetensors_file import save_tensors


def publish(checkpoint: Path, out: Path) -> int:
    """Write the weights of a checkpoint and its facts, as json in the header, to a safetensors file.

    Args:
        checkpoint: checkpoint of a training with this package.
        out: file that ends in ``.safetensors``; it takes its name when it is complete.
    Returns: size of the file in bytes.
    Raises:
        InputError: the checkpoint is missing, unreadable or says nothing of itself; or `out` has another ending, or
            cannot be written.
    """
    if out.suffix != '.safetensors':
        raise InputError(f'{out}: expected the name of a file that ends in .safetensors.')
    check_writable(out)
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu', logger='silent')
    facts = read_facts(loaded, str(checkpoint))
    if facts is None:
        raise InputError(f'{checkpoint}: does not say what it belongs to (meta[{META_KEY!r}]). Expected a checkpoint '
                         "of tools/train.py with dict(type='CheckpointContentHook') in custom_hooks.")
    weights = {key: value.contiguous() for key, value in without_wrapper(loaded['state_dict']).items()}
    with atomic_write(out) as part:
        save_tensors(weights, part, {'format': 'pt', META_KEY: json.dumps(facts)})
        return part.stat().st_size
