"""The emotion of a person over a whole input."""
from collections.abc import Sequence
from dataclasses import dataclass

from .rows import EmotionRow, Segment, verdict_text


@dataclass(frozen=True)
class PersonSummary:
    """Average scores of a person, and the ratio of time of each verdict."""
    person: int | None  # None for the whole frame, or audio alone
    scores: dict[str, float]  # average over the time for which the rows speak
    unsure: bool  # whether the average is no verdict
    seen_s: float  # time for which the rows speak and the person is seen, in s
    time_ratio: dict[str, float]  # verdict (a class, or 'unsure') -> ratio of `seen_s`; verdicts that occur alone

    @property
    def text(self) -> str:
        """'happy 87 %', or 'unsure: happy 50 %'."""
        return verdict_text(self.scores, self.unsure)


def average_scores(segments: Sequence[Segment], rows: Sequence[EmotionRow]) -> dict[str, float]:
    """Average scores over time; where no row speaks for any time, over the rows."""
    weighted = [(segment.to_s - segment.from_s, segment.row) for segment in segments] or [(1., row) for row in rows]
    total = sum(weight for weight, _ in weighted)
    return {name: sum(weight * row.scores[name] for weight, row in weighted) / total for name in weighted[0][1].scores}


def ratio_by_verdict(segments: Sequence[Segment]) -> dict[str, float]:
    """Ratio of the segments' time of each verdict, the largest first."""
    seconds: dict[str, float] = {}
    for segment in segments:
        seconds[segment.row.verdict] = seconds.get(segment.row.verdict, 0.) + segment.to_s - segment.from_s
    total = sum(seconds.values())
    return {verdict: length / total for verdict, length in sorted(seconds.items(), key=lambda item: -item[1])}
