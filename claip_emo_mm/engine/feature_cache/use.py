"""The config of a run that reads features in place of media."""
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.logging import print_log

from claip_emo_mm.datasets.feature_cache import ContentHashes
from claip_emo_mm.engine.config_checks import default_scope
from claip_emo_mm.engine.feature_cache.extract import extract_features
from claip_emo_mm.engine.feature_cache.plan import FeaturePlan


def cached_config(cfg: Config, splits: Sequence[str]) -> tuple[Config, dict[str, str]]:
    """Extract what the splits lack, and return the config without encoders, and the hashes of their frozen weights.

    Raises:
        InputError: as `extract_features`.
    """
    extract_features(cfg, lambda text: print_log(text, logger='current'), splits)
    with default_scope(cfg):
        plan = FeaturePlan(cfg, ContentHashes(cfg.feature_cache.get('dir', 'data/features')), splits)
        return plan.cached_config()
