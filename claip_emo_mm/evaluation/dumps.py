"""Scores of clips from files: those of tools/test.py, and the pickles that MMAction2's DumpResults writes."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from claip_emo_mm.datasets.skipped_clips import SKIP_REASON, clip_name
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.clip_scores import ClipScores, read_clip_scores
from claip_emo_mm.evaluation.finite_scores import check_scores
from claip_emo_mm.host.safe_pickle import RefusedGlobal, load_pickle

_EXPECTED = 'Expected a pickle of tools/test.py --dump, of this project or of MMAction2, or test_scores.csv.'


def read_scores(path: Path, classes: Sequence[str] | None = None) -> ClipScores:
    """Read the scores of an evaluation; no code of the file is run.

    Args:
        path: `test_scores.csv` of tools/test.py, or a pickle of `--dump`, ours or the host's.
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
