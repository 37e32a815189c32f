"""Features of frozen encoders: extraction, and training from them."""
from .export import FORMATS, export_features
from .extract import ExtractionReport, extract_features
from .plan import FeaturePlan
from .points import KEY, FeatureCacheConfig
from .use import cached_config

__all__ = ['ExtractionReport', 'FORMATS', 'FeatureCacheConfig', 'FeaturePlan', 'KEY', 'cached_config',
           'export_features', 'extract_features']
