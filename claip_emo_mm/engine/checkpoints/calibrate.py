"""The temperature in a checkpoint's metadata: written into a file that is there already."""
import json
from pathlib import Path

import torch
from mmengine.runner import CheckpointLoader

from claip_emo_mm.engine.checkpoints.metadata import META_KEY, read_metadata
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.calibration import Calibration
from claip_emo_mm.utils.io import atomic_write, check_writable, save_tensors


def saved_at(checkpoint: str | Path) -> int | None:
    """Number of iterations of a training after which a checkpoint was saved."""
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu', logger='silent')
    return loaded.get('meta', {}).get('iter')


def write_calibration(checkpoint: Path, calibration: Calibration) -> None:
    """Put a temperature into the metadata of a checkpoint, trained or published, atomically; nothing else changes.

    Raises:
        InputError: the file is no checkpoint of this package, or cannot be written.
    """
    check_writable(checkpoint)
    loaded = CheckpointLoader.load_checkpoint(str(checkpoint), map_location='cpu', logger='silent')
    metadata = read_metadata(loaded, str(checkpoint))
    if metadata is None:
        raise InputError(f'{checkpoint}: does not say what it is (meta[{META_KEY!r}]), so it has no place for a '
                         'temperature. Give a checkpoint of tools/train.py.')
    metadata = dict(metadata, calibration=calibration.to_dict())
    with atomic_write(checkpoint) as temporary:
        if checkpoint.suffix == '.safetensors':
            save_tensors(loaded['state_dict'], temporary, {'format': 'pt', META_KEY: json.dumps(metadata)})
        else:
            loaded['meta'][META_KEY] = metadata
            torch.save(loaded, temporary)
