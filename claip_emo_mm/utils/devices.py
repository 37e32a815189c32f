"""Where models compute."""
import torch


def default_device() -> str:
    """Where models compute unless somebody says it: a GPU where there is one."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'
