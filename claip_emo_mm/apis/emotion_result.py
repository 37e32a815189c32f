"""What the inferencer finds in a video."""
import json
from dataclasses import dataclass, field
from typing import Any

from claip_emo_mm.apis.sliding_windows import Box
from claip_emo_mm.model_card import INTENDED_USE


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
        return max(self.scores, key=self.scores.__getitem__)


@dataclass
class EmotionResult:
    """Emotions of one input over its time.

    Args:
        name: file of the input.
        duration_s: length that was read.
        classes: names of the classes.
        rows: by time, then by person.
        warnings: what is to be known about the whole input.
        paths: (time in s, person, box), for drawing boxes.
        envelope: loudest sample of every tenth of a second, for drawing the sound.
    """
    name: str
    duration_s: float
    classes: list[str]
    rows: list[EmotionRow]
    warnings: list[str] = field(default_factory=list)
    paths: list[tuple[float, int, Box]] = field(default_factory=list)
    envelope: list[float] = field(default_factory=list)

    @property
    def scores(self) -> dict[str, float]:
        """Average over the rows, weighted by the length of their windows."""
        weights = [row.to_s - row.from_s for row in self.rows]
        return {name: sum(weight * row.scores[name] for weight, row in zip(weights, self.rows, strict=True))
                / sum(weights) for name in self.classes}

    @property
    def top(self) -> str:
        return max(self.scores, key=self.scores.__getitem__)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it is written to json; `intended_use` says what the scores are not."""
        rows = [dict(from_s=round(row.from_s, 3), to_s=round(row.to_s, 3), person=row.person,
                     box=row.box and [round(value, 4) for value in row.box], top=row.top,
                     scores={name: round(score, 6) for name, score in row.scores.items()}, warnings=row.warnings)
                for row in self.rows]
        return dict(input=self.name, duration_s=round(self.duration_s, 3), intended_use=INTENDED_USE, top=self.top,
                    scores={name: round(score, 6) for name, score in self.scores.items()},
                    box_unit='left, top, width, height as fractions of the picture', warnings=self.warnings, rows=rows)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + '\n'

    def csv_header(self) -> list[str]:
        return ['from_s', 'to_s', 'person', 'left', 'top', 'width', 'height', 'emotion', *self.classes, 'warnings']

    def csv_rows(self) -> list[list[object]]:
        return [[f'{row.from_s:.3f}', f'{row.to_s:.3f}', '' if row.person is None else row.person,
                 *([f'{value:.4f}' for value in row.box] if row.box else [''] * 4), row.top,
                 *(f'{row.scores[name]:.6f}' for name in self.classes), '; '.join(row.warnings)] for row in self.rows]
