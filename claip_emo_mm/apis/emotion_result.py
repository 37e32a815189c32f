"""What the inferencer finds in a video."""
import json
import math
from dataclasses import dataclass, field
from typing import Any

from claip_emo_mm.apis.people import Box, SeenPerson
from claip_emo_mm.errors import InputError
from claip_emo_mm.model_card import INTENDED_USE
from claip_emo_mm.utils import printable


@dataclass
class EmotionRow:
    """The emotion of one person in one window.

    Args:
        from_s, to_s: the window.
        person: number in the order of appearance; None for the whole picture, or for sound alone.
        box: left, top, width and height of the face as fractions of the picture; None without a face.
        scores: score of each class, 0 to 1; they sum to 1.
        warnings: what is to be known about the window.
    """
    from_s: float
    to_s: float
    person: int | None
    box: Box | None
    scores: dict[str, float]
    warnings: list[str] = field(default_factory=list)

    @property
    def top(self) -> str:
        return _top(self.scores)


@dataclass
class EmotionResult:
    """Emotions of one input over its time.

    Args:
        name: file of the input.
        duration_s: length that was read.
        classes: names of the classes.
        rows: by time, then by person.
        warnings: what is to be known about the whole input.
        people: those of the rows.
        envelope: loudest sample of every tenth of a second, for drawing the sound.
    """
    name: str
    duration_s: float
    classes: list[str]
    rows: list[EmotionRow]
    warnings: list[str] = field(default_factory=list)
    people: list[SeenPerson] = field(default_factory=list)
    envelope: list[float] = field(default_factory=list)

    @property
    def scores(self) -> dict[str, float]:
        """Average over the rows, weighted by the length of their windows."""
        return self._average(self.rows)

    @property
    def top(self) -> str:
        return _top(self.scores)

    def scores_of(self, person: int | None) -> dict[str, float]:
        """Average over the rows of one person, likewise."""
        return self._average([row for row in self.rows if row.person == person])

    def tops(self) -> dict[int | None, tuple[str, float]]:
        """The emotion of each person (None: the whole picture, or sound alone) with its average score."""
        found = {}
        for person in sorted({row.person for row in self.rows}, key=lambda person: (person is None, person)):
            scores = self.scores_of(person)
            found[person] = _top(scores), max(scores.values())
        return found

    def summary(self) -> str:
        """The emotion of each person, with its average score."""
        found = self.tops()
        if len(found) == 1:
            return f'{self.top} ({100 * self.scores[self.top]:.0f} %)'
        return ', '.join(f'{"whole picture" if person is None else f"person {person}"} {top} ({100 * score:.0f} %)'
                         for person, (top, score) in found.items())

    def _average(self, rows: list[EmotionRow]) -> dict[str, float]:
        weights = [row.to_s - row.from_s for row in rows]
        return {name: sum(weight * row.scores[name] for weight, row in zip(weights, rows, strict=True))
                / sum(weights) for name in self.classes}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it is written to json; `intended_use` says what the scores are not.

        Raises:
            InputError: a score is infinite or NaN.
        """
        self._check()
        rows = [dict(from_s=round(row.from_s, 3), to_s=round(row.to_s, 3), person=row.person,
                     box=row.box and [round(value, 4) for value in row.box], top=row.top,
                     scores=_rounded(row.scores), warnings=row.warnings)
                for row in self.rows]
        warnings = [printable(warning) for warning in self.warnings]
        people = [dict(person=person.number, top=_top(scores := self.scores_of(person.number)), scores=_rounded(scores),
                       seen_s=[[round(start, 3), round(end, 3)] for start, end in person.spans])
                  for person in self.people]
        return dict(input=printable(self.name), duration_s=round(self.duration_s, 3), intended_use=INTENDED_USE,
                    top=self.top, scores=_rounded(self.scores), people=people,
                    box_unit='left, top, width, height as fractions of the picture', warnings=warnings, rows=rows)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + '\n'

    def _check(self) -> None:
        for row in self.rows:
            if not all(map(math.isfinite, row.scores.values())):
                raise InputError(f'{self.name}: the scores of {row.from_s:.1f}-{row.to_s:.1f} s are not finite '
                                 f'({row.scores}). The model is broken, or the input.')

    def csv_header(self) -> list[str]:
        return ['from_s', 'to_s', 'person', 'left', 'top', 'width', 'height', 'emotion', *self.classes, 'warnings']

    def csv_rows(self) -> list[list[object]]:
        self._check()
        return [[f'{row.from_s:.3f}', f'{row.to_s:.3f}', '' if row.person is None else row.person,
                 *([f'{value:.4f}' for value in row.box] if row.box else [''] * 4), row.top,
                 *(f'{row.scores[name]:.6f}' for name in self.classes), '; '.join(row.warnings)] for row in self.rows]


def _top(scores: dict[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 6) for name, score in scores.items()}
