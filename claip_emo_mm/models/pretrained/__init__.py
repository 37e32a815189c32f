"""Weights of the towers, from the forms in which they are published, and back."""
from .forms import AUDIO_FORMS, CLAP_HEADS, VISUAL_FORMS, State, WeightForm, find_form
from .loading import check_fit, load_pretrained, load_strictly
from .reading import read_weights
from .weight_hash import hash_weights
from .writing import write_state, write_tower

__all__ = ['AUDIO_FORMS', 'CLAP_HEADS', 'VISUAL_FORMS', 'State', 'WeightForm', 'check_fit', 'find_form',
           'hash_weights', 'load_pretrained', 'load_strictly', 'read_weights', 'write_state', 'write_tower']
