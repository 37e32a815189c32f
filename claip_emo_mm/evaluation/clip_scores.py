"""The scores of every clip of an evaluation, and their file."""
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from claip_emo_mm.atomic_text import write_csv
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.finite_scores import check_scores


@dataclass(frozen=True)
class ClipScores:
    """What an evaluation knows of each clip.

    Args:
        names: of the clips: file or folder, else the number in the data set.
        labels: (clips,) int64, 0..K-1.
        scores: (clips, K) float32.
        classes: K names.

    Raises:
        InputError: scores are infinite or NaN.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    scores: np.ndarray
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        check_scores(self.scores, 'clips', names=self.names)


def write_clip_scores(path: Path, clips: ClipScores) -> None:
    """Write a csv file with the columns clip, label (the class's name) and a score of each class, exact as float32."""
    write_csv(path, ('clip', 'label', *clips.classes),
              ((name, clips.classes[label], *map(str, scores))
               for name, label, scores in zip(clips.names, clips.labels, clips.scores, strict=True)))


def read_clip_scores(path: Path) -> ClipScores:
    """Read what `write_clip_scores` wrote.

    Raises:
        InputError: the file is not there, or is not one of these.
    """
    try:
        with path.open(encoding='utf-8', newline='') as file:
            header, *rows = csv.reader(file, strict=True)
        classes = tuple(header[2:])
        if header[:2] != ['clip', 'label'] or not classes or not rows:
            raise ValueError(f'header {",".join(header)}, {len(rows)} rows')
        return ClipScores(names=tuple(row[0] for row in rows),
                          labels=np.array([classes.index(row[1]) for row in rows]),
                          scores=np.array([row[2:] for row in rows], dtype=np.float32), classes=classes)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputError(f'{path}: no scores of clips can be read from it ({error}). Expected the csv file that '
                         'tools/test.py writes, with the columns clip, label and one for each class.') from error
