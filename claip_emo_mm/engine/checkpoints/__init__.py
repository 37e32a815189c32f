"""The checkpoint format: what was trained, what it belongs to, and nothing else."""
from .facts import FORMAT, META_KEY, Facts, config_as_json, make_facts, read_facts
from .fit import check_fit
from .front_end import front_end_settings
from .left_out_weights import left_out_keys, weight_hash
from .loading import TrainedModel, build_test_pipeline, load_trained
from .publishing import publish

__all__ = ['FORMAT', 'META_KEY', 'Facts', 'TrainedModel', 'build_test_pipeline', 'check_fit', 'config_as_json',
           'front_end_settings', 'left_out_keys', 'load_trained', 'make_facts', 'publish', 'read_facts', 'weight_hash']
