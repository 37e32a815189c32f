"""Writing safetensors files with errors of the system."""
import os
import re
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor


def save_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write tensors and a header; the file is made anew, readable to its owner alone.

    Raises:
        OSError: The file cannot be written, which the library tells in an error of its own.
    """
    try:
        safetensors.torch.save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        number = re.search(r'\(os error (\d+)\)', str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
