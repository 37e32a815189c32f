"""Changes of pictures, made to all frames of a clip at once; the results are those of Pillow, frame by frame."""
from .rand_augment_operations import OPERATIONS
from .warping import warp

__all__ = ['OPERATIONS', 'warp']
