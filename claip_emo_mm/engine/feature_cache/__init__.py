"""Features of frozen encoders: extraction, and training from them."""
from .export import FORMATS, export_config, export_features
from .extract import ExtractionReport, cached_config, extract_features
from .plan import FeaturePlan
from .points import KEY, FeatureCacheConfig

__all__ = ['ExtractionReport', 'FORMATS', 'FeatureCacheConfig', 'FeaturePlan', 'KEY', 'cached_config',
           'export_config', 'export_features', 'extract_features']
