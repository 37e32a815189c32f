"""The checkpoint format: trainable weights, and metadata on what they belong to."""
from .compatibility import check_compatibility, frozen_keys, weight_hash
from .load import (
    TrainedModel,
    build_recognizer,
    build_test_pipeline,
    hash_checkpoint,
    load_trained,
    load_weights,
    publish,
)
from .metadata import FORMAT, META_KEY, Metadata, config_as_json, make_metadata, read_metadata
from .settings import front_end_settings

__all__ = ['FORMAT', 'META_KEY', 'Metadata', 'TrainedModel', 'build_recognizer', 'build_test_pipeline',
           'check_compatibility', 'config_as_json', 'front_end_settings', 'frozen_keys', 'hash_checkpoint',
           'load_trained', 'load_weights', 'make_metadata', 'publish', 'read_metadata', 'weight_hash']
