"""Features of frozen encoders on disk, by the content of clips."""
from .content import ContentHashes, JsonLines
from .pipeline import MODALITIES, PipelineParts, seeded, split_pipeline, window_ids
from .store import CLIPS, DESCRIPTION, DTYPES, FeatureStore, claim

__all__ = ['CLIPS', 'ContentHashes', 'DESCRIPTION', 'DTYPES', 'FeatureStore', 'JsonLines', 'MODALITIES',
           'PipelineParts', 'claim', 'seeded', 'split_pipeline', 'window_ids']
