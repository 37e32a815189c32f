"""Loading, converting and saving the weights of the encoders."""
from .formats import AUDIO_FORMATS, CLAP_HEADS, VISUAL_FORMATS, State, WeightFormat, find_format
from .load import check_fit, hash_weights, load_pretrained, load_strictly, read_weights
from .save import write_encoder, write_state

__all__ = ['AUDIO_FORMATS', 'CLAP_HEADS', 'State', 'VISUAL_FORMATS', 'WeightFormat', 'check_fit', 'find_format',
           'hash_weights', 'load_pretrained', 'load_strictly', 'read_weights', 'write_encoder', 'write_state']
