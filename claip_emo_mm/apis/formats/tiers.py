"""Results as tiers of labeled intervals: what the formats of annotation tools and subtitles have in common."""
from dataclasses import dataclass

from claip_emo_mm.errors import printable
from claip_emo_mm.structures import EmotionResult
from claip_emo_mm.structures.results import person_name

MODEL_TIER = 'model'
_SHORTEST_S = .001  # the formats count milliseconds


@dataclass(frozen=True)
class Interval:
    """A time with a label."""
    from_s: float
    to_s: float
    text: str


@dataclass(frozen=True)
class Tier:
    """Intervals that do not overlap, by time."""
    name: str
    intervals: list[Interval]


def end_s(result: EmotionResult) -> float:
    """Length of the input; never before the end of a window."""
    return max(result.duration_s, *(row.to_s for row in result.rows))


def result_tiers(result: EmotionResult) -> list[Tier]:
    """Two tiers for each person, the verdict and the score of its class, and one that says what the model is.

    Intervals are the result's segments: a moment in which a person is not seen has none.

    Raises:
        InputError: a score is infinite or NaN.
    """
    result.check_finite()
    tiers = []
    for person in result.persons:
        segments = [each for each in result.segments(person) if each.to_s - each.from_s >= _SHORTEST_S]
        tiers.append(Tier(person_name(person), [Interval(each.from_s, each.to_s, each.row.verdict)
                                                for each in segments]))
        tiers.append(Tier(f'{person_name(person)} score', [
            Interval(each.from_s, each.to_s, f'{each.row.scores[each.row.top]:.3f}') for each in segments]))
    about = model_text(result)
    return [*tiers, Tier(MODEL_TIER, [Interval(0., end_s(result), about)])] if about else tiers


def model_text(result: EmotionResult) -> str:
    """What the model is and was trained on, without line breaks."""
    return printable(' '.join(result.about.split()))
