"""Results of an inference: rows by time, people, what the model is, and how sure it is."""
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.version import INTENDED_USE

from .rows import (
    EmotionRow,
    ModelFacts,
    PersonTrack,
    Segment,
    VerdictRule,
    cut_segments,
    row_span,
    top_class,
    verdict_text,
)
from .summaries import PersonSummary, average_scores, ratio_by_verdict

SCHEMA_VERSION = 1  # of what `EmotionResult.to_dict` gives: apis/formats/result.schema.json
ENVELOPE_HZ = 10  # peaks of the audio in a second that a result keeps for plots


@dataclass
class EmotionResult:
    """Emotions of one input over its time."""
    name: str  # file of the input
    duration_s: float  # length that was read
    classes: list[str]  # names of the classes
    rows: list[EmotionRow]  # by time, then by person
    warnings: list[str] = field(default_factory=list)  # of the whole input
    people: list[PersonTrack] = field(default_factory=list)  # those of the rows
    envelope: list[float] = field(default_factory=list)  # peak of the audio in every 1 / `ENVELOPE_HZ` s
    note: str = ''  # what the model is, where it was not trained for such inputs; every output shows it
    model: ModelFacts = field(default_factory=ModelFacts)  # what the scores come from; every output shows its `data`
    rule: VerdictRule = field(default_factory=VerdictRule)  # by which rows and averages are 'unsure'

    @property
    def persons(self) -> list[int | None]:
        """Numbers of the people of the rows; None, the whole frame or audio alone, is the last."""
        return sorted({row.person for row in self.rows}, key=lambda person: (person is None, person))

    @property
    def scores(self) -> dict[str, float]:
        """Average over the time for which the rows speak; people who are seen at once count alike."""
        return average_scores([segment for person in self.persons for segment in self.segments(person)], self.rows)

    @property
    def top(self) -> str:
        return top_class(self.scores)

    @property
    def unsure(self) -> bool:
        """Whether the average over everything is no verdict."""
        return self.rule.is_unsure(self.scores)

    def rows_of(self, person: int | None) -> list[EmotionRow]:
        return [row for row in self.rows if row.person == person]

    def segments(self, person: int | None) -> list[Segment]:
        """When which row of a person speaks: times of the windows nearest, in which the person is seen.

        They do not overlap; those of two people do where both have rows of the same window.
        """
        spans = next((track.spans for track in self.people if track.number == person), None)
        return cut_segments(self.rows_of(person), spans, {row_span(row) for row in self.rows})

    def scores_of(self, person: int | None) -> dict[str, float]:
        """Average of one person over the time for which the rows speak."""
        return average_scores(self.segments(person), self.rows_of(person))

    def summaries(self) -> list[PersonSummary]:
        """Scores, verdicts and seconds of each person, in the order of `persons`."""
        found = []
        for person in self.persons:
            scores, segments = self.scores_of(person), self.segments(person)
            found.append(PersonSummary(person, scores, self.rule.is_unsure(scores),
                                       sum(segment.to_s - segment.from_s for segment in segments),
                                       ratio_by_verdict(segments)))
        return found

    def tops(self) -> dict[int | None, tuple[str, float]]:
        """The best class of each person (None: the whole frame, or audio alone) with its average score."""
        return {each.person: (top_class(each.scores), max(each.scores.values())) for each in self.summaries()}

    def summary(self) -> str:
        """The verdict on each person with its average score, as text."""
        found = self.summaries()
        text = verdict_text(self.scores, self.unsure) if len(found) == 1 else ', '.join(
            f'{person_name(each.person)} {each.text}' for each in found)
        return f'{text} [{self.kind}]' if self.note else text

    @property
    def about(self) -> str:
        """What the model is and was trained on, in a line; empty where it is not known."""
        data = f'{self.model.name}: trained on {self.model.data}.' if self.model.data else ''
        return ' '.join(filter(None, (data, self.note)))

    @property
    def kind(self) -> str:
        """First words of the note, such as zero-shot."""
        return self.note.partition(':')[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as written to json; apis/formats/result.schema.json describes it.

        Raises:
            InputError: a score is infinite or NaN.
        """
        self.check_finite()
        rows = [dict(from_s=round(row.from_s, 3), to_s=round(row.to_s, 3), person=row.person,
                     box=row.box and [round(value, 4) for value in row.box], top=row.top, unsure=row.unsure,
                     seen_ratio=round(row.seen_ratio, 3), scores=_rounded(row.scores), warnings=row.warnings)
                for row in self.rows]
        spans = {person.number: [[round(start, 3), round(end, 3)] for start, end in person.spans]
                 for person in self.people}
        people = [dict(person=each.person, top=top_class(each.scores), unsure=each.unsure, scores=_rounded(each.scores),
                       seen_s=round(each.seen_s, 3), time_ratio=_rounded(each.time_ratio),
                       spans=spans.get(each.person, [])) for each in self.summaries()]
        return dict(schema_version=SCHEMA_VERSION, input=printable(self.name), duration_s=round(self.duration_s, 3),
                    intended_use=INTENDED_USE, note=self.note, model=asdict(self.model),
                    unsure_below=dict(score=self.rule.min_score, margin=self.rule.min_margin), top=self.top,
                    unsure=self.unsure, scores=_rounded(self.scores), people=people,
                    box_unit='left, top, width, height as fractions of the frame',
                    warnings=[printable(warning) for warning in self.warnings], rows=rows)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> 'EmotionResult':
        """What `to_dict` gave, but for what that leaves out: faces between the windows, portraits, the envelope."""
        rows = [EmotionRow(row['from_s'], row['to_s'], row['person'], row['box'] and tuple(row['box']), row['scores'],
                           row['warnings'], row['seen_ratio'], row['unsure']) for row in content['rows']]
        people = [PersonTrack(each['person'], [tuple(span) for span in each['spans']], [],
                              np.zeros((64, 64, 3), np.uint8))
                  for each in content['people'] if each['person'] is not None]
        unsure = content['unsure_below']
        return cls(content['input'], content['duration_s'], list(content['scores']), rows, content['warnings'], people,
                   note=content['note'], model=ModelFacts(**content['model']),
                   rule=VerdictRule(unsure['score'], unsure['margin']))

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + '\n'

    def check_finite(self) -> None:
        """Raise an `InputError` where a score is infinite or NaN."""
        for row in self.rows:
            if not all(map(math.isfinite, row.scores.values())):
                raise InputError(f'{self.name}: the scores of {row.from_s:.1f}-{row.to_s:.1f} s are not finite '
                                 f'({row.scores}). The model is broken, or the input.')


def person_name(person: int | None) -> str:
    """'person 1', or 'whole frame' for None."""
    return 'whole frame' if person is None else f'person {person}'


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 6) for name, score in scores.items()}
