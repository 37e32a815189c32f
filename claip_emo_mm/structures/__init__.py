"""What the layers of the package exchange: results, person tracks, skipped clips."""
from .clips import (
    MISSING_INDEX,
    SKIP_REASON,
    VOTES,
    clip_name,
    input_names,
    is_skipped,
    media_name,
    skipped_sample,
    top_label,
)
from .results import ENVELOPE_HZ, EmotionResult
from .rows import (
    UNSURE,
    Box,
    EmotionRow,
    ModelFacts,
    PersonTrack,
    Segment,
    Span,
    VerdictRule,
    cut_segments,
    verdict_text,
)
from .summaries import PersonSummary

__all__ = ['ENVELOPE_HZ', 'MISSING_INDEX', 'SKIP_REASON', 'UNSURE', 'VOTES', 'Box', 'EmotionResult', 'EmotionRow',
           'ModelFacts', 'PersonSummary', 'PersonTrack', 'Segment', 'Span', 'VerdictRule', 'clip_name', 'cut_segments',
           'input_names', 'is_skipped', 'media_name', 'skipped_sample', 'top_label', 'verdict_text']
