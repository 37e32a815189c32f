"""Scores of clips in files."""
import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from claip_emo_mm.compat.safe_pickle import RefusedGlobal, load_pickle
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import check_scores
from claip_emo_mm.structures import SKIP_REASON, clip_name
from claip_emo_mm.utils.io import write_csv, write_text


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


_EXPECTED = 'Expected a pickle of tools/test.py --dump, of this project or of MMAction2, or test_scores.csv.'


def read_scores(path: Path, classes: Sequence[str] | None = None) -> ClipScores:
    """Read the scores of an evaluation; no code of the file is run.

    Args:
        path: `test_scores.csv` of tools/test.py, or a pickle of `--dump`, ours or MMAction2's.
        classes: names of the classes of a pickle, which does not know them; None numbers them.
    Returns: the clips that have scores, in the file's order.
    Raises:
        InputError: the file is missing, is neither of the two, or its clips lack labels or scores, or have some
            that are infinite or NaN.
    """
    if path.suffix == '.csv':
        return read_clip_scores(path)
    if not path.is_file():
        raise InputError(f'{path}: there is no such file. Expected test_scores.csv of tools/test.py, or a pickle of '
                         '--dump.')
    try:
        return _clip_scores(path, _samples(path), classes)
    except InputError:
        raise
    except RefusedGlobal as error:
        raise InputError(f'{path}: no dump that can be read (it holds {error}, which a dump of scores does not need). '
                         f'Nothing of it was run. {_EXPECTED}') from None
    except Exception as error:  # a damaged or foreign pickle can raise nearly anything
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(f'{path}: no dump that can be read ({reason}). {_EXPECTED}') from None


def _samples(path: Path) -> list[dict[str, Any]]:
    samples = load_pickle(path.read_bytes())
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise InputError(f'{path}: holds a {type(samples).__name__}. Expected a list with a dict for each clip, as '
                         "MMAction2's DumpResults writes it.")
    return [sample for sample in samples if SKIP_REASON not in sample]


def _clip_scores(path: Path, samples: list[dict[str, Any]], classes: Sequence[str] | None) -> ClipScores:
    for key in ('gt_label', 'pred_score'):
        lacking = [place for place, sample in enumerate(samples) if not isinstance(sample.get(key), Tensor)]
        if lacking or not samples:
            found = ', '.join(samples[lacking[0]]) if samples else 'no clips'
            raise InputError(f'{path}: clip {lacking[0] if samples else 0} has no {key} (found: {found}). Expected '
                             'the dump of a recognizer on clips with labels.')
    names = [clip_name(sample) for sample in samples]
    numbers = tuple(str(place) for place in range(len(samples)))
    scores = torch.stack([sample['pred_score'].float().flatten() for sample in samples]).numpy()
    check_scores(scores, str(path), names=names)
    known = tuple(classes) if classes else tuple(map(str, range(scores.shape[1])))
    if len(known) != scores.shape[1]:
        raise InputError(f'{path}: has {scores.shape[1]} scores a clip, but {len(known)} names of classes were given.')
    return ClipScores(numbers if 'None' in names else tuple(names),
                      np.array([int(sample['gt_label'].flatten()[0]) for sample in samples]), scores, known)


def write_metrics(path: Path, metrics: dict[str, Any], config: str, checkpoint: str, clips: int,
                  details: dict[str, Any] | None = None) -> None:
    """Write a json file that is either the old one or the whole new one, never a part; what is no number is null.

    Args:
        path: where to.
        metrics: name -> number or array, as the metric named them (WAR, UAR ...).
        config: path of the config that was tested.
        checkpoint: path of the checkpoint.
        clips: number of clips in the data set.
        details: further keys: content that are not one number, such as each class's recall.
    """
    content = dict(config=config, checkpoint=checkpoint, clips=clips, metrics=metrics, **(details or {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(_strict(content), indent=2, allow_nan=False) + '\n')


def _strict(value: Any) -> Any:
    """Arrays and tensors, and their scalars, as lists and numbers; what json has no words for is None, or text."""
    if hasattr(value, 'tolist'):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _strict(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
