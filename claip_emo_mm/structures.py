"""Results, person tracks and skipped clips: what the layers of the package exchange."""
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmaction.structures import ActionDataSample

from claip_emo_mm.errors import InputError, printable
from claip_emo_mm.version import INTENDED_USE

MISSING_INDEX = -1  # index of a view without frames, or without audio
VOTES = 'votes'  # metadata key of a clip: (3, K) votes of people on it, see `datasets.votes`
SKIP_REASON = 'skip_reason'  # metadata key of a skipped clip: what was wrong with it
ENVELOPE_HZ = 10  # peaks of the audio in a second that a result keeps for plots

Span = tuple[float, float]  # from and to, in s
Box = tuple[float, float, float, float]  # left, top, width, height as fractions of the frame's width and height


def skipped_sample(info: Mapping[str, Any], reason: str, names: Iterable[str] = ()) -> dict[str, Any]:
    """Make the packed sample of a clip that cannot be read, with its `names` of inputs None so that it is collated."""
    data_sample = ActionDataSample(metainfo={**info, SKIP_REASON: reason}).set_gt_label(info['label'])
    return dict(inputs=dict.fromkeys(names), data_samples=data_sample)


def input_names(sample: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Names of the inputs of a packed sample; None for MMAction2's recognizers, which have none."""
    inputs = sample.get('inputs')
    return tuple(inputs) if isinstance(inputs, Mapping) else None


def is_skipped(data_sample: ActionDataSample) -> bool:
    return SKIP_REASON in data_sample.metainfo_keys()


def top_label(data_sample: ActionDataSample) -> int:
    """Class of a clip; of a soft label (K,) the largest."""
    label = data_sample.gt_label
    return int(label) if label.numel() == 1 else int(label.argmax())


def clip_name(data_sample: ActionDataSample) -> str:
    """Name a clip by its file or folder, else by its number in the data set."""
    return str(media_name(data_sample) or data_sample.get('sample_idx'))


def media_name(info: Mapping[str, Any] | ActionDataSample) -> str | None:
    """Name a clip by its file or folder; by its audio file where it has no frames."""
    return info.get('filename') or info.get('frame_dir') or info.get('audio_path')


@dataclass
class PersonTrack:
    """Where and when a person is visible."""
    number: int  # from 1, in the order of appearance
    spans: list[Span]  # moments without the face are part of them
    path: list[tuple[float, Box]]  # (time in s, box), for drawing boxes
    portrait: np.ndarray = field(repr=False, compare=False)  # (64, 64, 3) uint8 RGB


@dataclass
class EmotionRow:
    """The emotion of one person in one window."""
    from_s: float  # of the window, in s
    to_s: float
    person: int | None  # number in the order of appearance; None for the whole frame, or for audio alone
    box: Box | None  # face of the person; None without one
    scores: dict[str, float]  # score of each class, 0 to 1; they sum to 1
    warnings: list[str] = field(default_factory=list)  # of this window

    @property
    def top(self) -> str:
        return _top(self.scores)


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
    note: str = ''  # what the model is, where it was not trained for these classes; every output shows it

    @property
    def scores(self) -> dict[str, float]:
        """Average over the rows, weighted by the length of their windows."""
        return self._average(self.rows)

    @property
    def top(self) -> str:
        return _top(self.scores)

    def scores_of(self, person: int | None) -> dict[str, float]:
        """Weighted average over the rows of one person."""
        return self._average([row for row in self.rows if row.person == person])

    def tops(self) -> dict[int | None, tuple[str, float]]:
        """The emotion of each person (None: the whole frame, or audio alone) with its average score."""
        found = {}
        for person in sorted({row.person for row in self.rows}, key=lambda person: (person is None, person)):
            scores = self.scores_of(person)
            found[person] = _top(scores), max(scores.values())
        return found

    def summary(self) -> str:
        """The emotion of each person with its average score, as text."""
        found = self.tops()
        text = f'{self.top} ({100 * self.scores[self.top]:.0f} %)' if len(found) == 1 else ', '.join(
            f'{"whole frame" if person is None else f"person {person}"} {top} ({100 * score:.0f} %)'
            for person, (top, score) in found.items())
        return f'{text} [{self.kind}]' if self.note else text

    @property
    def kind(self) -> str:
        """First words of the note, such as zero-shot."""
        return self.note.partition(':')[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as written to json.

        Raises:
            InputError: a score is infinite or NaN.
        """
        self._check_finite()
        rows = [dict(from_s=round(row.from_s, 3), to_s=round(row.to_s, 3), person=row.person,
                     box=row.box and [round(value, 4) for value in row.box], top=row.top,
                     scores=_rounded(row.scores), warnings=row.warnings)
                for row in self.rows]
        people = [dict(person=person.number, top=_top(scores := self.scores_of(person.number)), scores=_rounded(scores),
                       seen_s=[[round(start, 3), round(end, 3)] for start, end in person.spans])
                  for person in self.people]
        note = dict(note=self.note) if self.note else {}
        return dict(input=printable(self.name), duration_s=round(self.duration_s, 3), intended_use=INTENDED_USE, **note,
                    top=self.top, scores=_rounded(self.scores), people=people,
                    box_unit='left, top, width, height as fractions of the frame',
                    warnings=[printable(warning) for warning in self.warnings], rows=rows)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + '\n'

    def csv_header(self) -> list[str]:
        return ['from_s', 'to_s', 'person', 'left', 'top', 'width', 'height', 'emotion', *self.classes, 'warnings',
                *['note'] * bool(self.note)]

    def csv_rows(self) -> list[list[object]]:
        self._check_finite()
        return [[f'{row.from_s:.3f}', f'{row.to_s:.3f}', '' if row.person is None else row.person,
                 *([f'{value:.4f}' for value in row.box] if row.box else [''] * 4), row.top,
                 *(f'{row.scores[name]:.6f}' for name in self.classes), '; '.join(row.warnings),
                 *[self.note] * bool(self.note)] for row in self.rows]

    def _average(self, rows: list[EmotionRow]) -> dict[str, float]:
        weights = [row.to_s - row.from_s for row in rows]
        return {name: sum(weight * row.scores[name] for weight, row in zip(weights, rows, strict=True))
                / sum(weights) for name in self.classes}

    def _check_finite(self) -> None:
        for row in self.rows:
            if not all(map(math.isfinite, row.scores.values())):
                raise InputError(f'{self.name}: the scores of {row.from_s:.1f}-{row.to_s:.1f} s are not finite '
                                 f'({row.scores}). The model is broken, or the input.')


def _top(scores: dict[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 6) for name, score in scores.items()}
