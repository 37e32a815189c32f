"""Which of our metrics are better when they are larger, for `save_best='auto'` and an early stop without a rule."""
from collections.abc import Sequence

from mmengine.hooks import CheckpointHook, EarlyStoppingHook

_RULES = dict(war='greater', uar='greater', f1_macro='greater', f1_weighted='greater', ece='less')


def add_metric_rules() -> None:
    """Let CheckpointHook and EarlyStoppingHook know the metrics of ``EmotionMetric``.

    mmengine 0.10.7 has a list of substrings ('acc', 'top' ...) that a metric cannot add to, and ends with "Cannot infer
    the rule for key WAR" after the first evaluation: MMAction2's own runtime has `save_best='auto'`. Names are compared
    whole, and without the prefix of one of several evaluators; a rule that the config gives is kept. Can go when a
    metric can say itself which way its metrics go.
    """
    infer_rules, infer_rule = CheckpointHook._init_rule, EarlyStoppingHook._init_rule

    def init_rules(self: CheckpointHook, rules: Sequence[str | None], key_indicators: Sequence[str]) -> None:
        if len(rules) == 1:
            rules = list(rules) * len(key_indicators)
        infer_rules(self, [rule or _rule(key) for rule, key in zip(rules, key_indicators, strict=True)], key_indicators)

    def init_rule(self: EarlyStoppingHook, monitor: str) -> str:
        return _rule(monitor) or infer_rule(self, monitor)

    CheckpointHook._init_rule, EarlyStoppingHook._init_rule = init_rules, init_rule


def _rule(metric: str) -> str | None:
    return _RULES.get(metric.rpartition('/')[2].lower())
