"""The checkpoint format: what was trained, what it belongs to, and nothing else."""
from .compatibility import check_fit, frozen_keys, weight_hash
from .load import TrainedModel, build_test_pipeline, load_trained, publish
from .metadata import FORMAT, META_KEY, Metadata, config_as_json, make_metadata, read_metadata
from .settings import front_end_settings

__all__ = ['FORMAT', 'META_KEY', 'Metadata', 'TrainedModel', 'build_test_pipeline', 'check_fit', 'config_as_json',
           'front_end_settings', 'frozen_keys', 'load_trained', 'make_metadata', 'publish', 'read_metadata',
           'weight_hash']
