"""What a model gives for clips: scores, their files, the json file of metrics, and features."""
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from tqdm import tqdm

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import check_scores, why_not_finite
from claip_emo_mm.structures import SKIP_REASON, clip_name, is_skipped, top_label
from claip_emo_mm.utils.io import write_csv, write_json

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.data import DataLoader

_EXPECTED = 'Expected a pickle of tools/test.py --dump, of this project or of MMAction2, or test_scores.csv.'


@dataclass(frozen=True)
class ClipScores:
    """Labels and scores of the clips of an evaluation.

    Raises:
        InputError: scores are infinite or NaN.
    """
    names: tuple[str, ...]  # file or folder of each clip, else its number in the data set
    labels: np.ndarray  # (clips,) int64, 0..K-1
    scores: np.ndarray  # (clips, K) float32
    classes: tuple[str, ...]  # K names

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
            header, *rows = filter(None, csv.reader(file, strict=True))  # without blank lines
        classes = tuple(header[2:])
        if header[:2] != ['clip', 'label'] or not classes or not rows:
            raise ValueError(f'header {",".join(header)}, {len(rows)} rows')
        return ClipScores(names=tuple(row[0] for row in rows),
                          labels=np.array([classes.index(row[1]) for row in rows]),
                          scores=np.array([row[2:] for row in rows], dtype=np.float32), classes=classes)
    except (IndexError, OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputError(f'{path}: no scores of clips can be read from it ({error}). Expected the csv file that '
                         'tools/test.py writes, with the columns clip, label and one for each class.') from error


def read_scores(path: Path, classes: Sequence[str] | None = None) -> ClipScores:
    """Read the clips with scores of `test_scores.csv` or of a pickle of `--dump`, without running code of the file.

    A pickle, ours or MMAction2's, holds no `classes`; None numbers them.
    """
    if path.suffix == '.csv':
        return read_clip_scores(path)
    if not path.is_file():
        raise InputError(f'{path}: there is no such file. Expected test_scores.csv of tools/test.py, or a pickle of '
                         '--dump.')
    from claip_emo_mm.compat.safe_pickle import RefusedGlobal, load_pickle, one_line  # with all of PyTorch
    try:
        return _clip_scores(path, load_pickle(path.read_bytes()), classes)
    except InputError:
        raise
    except RefusedGlobal as error:
        raise InputError(f'{path}: no dump that can be read (it holds {error}, which a dump of scores does not need). '
                         f'Nothing of it was run. {_EXPECTED}') from None
    except Exception as error:  # a damaged or foreign pickle can raise nearly anything
        raise InputError(f'{path}: no dump that can be read ({one_line(error)}). {_EXPECTED}') from None


def _clip_scores(path: Path, samples: Any, classes: Sequence[str] | None) -> ClipScores:
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise InputError(f'{path}: holds a {type(samples).__name__}. Expected a list with a dict for each clip, as '
                         "MMAction2's DumpResults writes it.")
    import torch
    samples = [sample for sample in samples if SKIP_REASON not in sample]
    for key in ('gt_label', 'pred_score'):
        missing = [place for place, sample in enumerate(samples) if not isinstance(sample.get(key), torch.Tensor)]
        if missing or not samples:
            found = ', '.join(samples[missing[0]]) if samples else 'no clips'
            raise InputError(f'{path}: clip {missing[0] if samples else 0} has no {key} (found: {found}). Expected '
                             'the dump of a recognizer on clips with labels.')
    names = [clip_name(sample) for sample in samples]
    scores = torch.stack([sample['pred_score'].float().flatten() for sample in samples]).numpy()
    check_scores(scores, str(path), names=names)
    known = tuple(classes) if classes else tuple(map(str, range(scores.shape[1])))
    if len(known) != scores.shape[1]:
        raise InputError(f'{path}: has {scores.shape[1]} scores a clip, but {len(known)} names of classes were given.')
    return ClipScores(tuple(map(str, range(len(samples)))) if 'None' in names else tuple(names),
                      np.array([int(sample['gt_label'].flatten()[0]) for sample in samples]), scores, known)


def write_metrics(path: Path, metrics: dict[str, Any], config: str, checkpoint: str | None, clips: int,
                  details: dict[str, Any] | None = None) -> None:
    """Write a json file of metrics (name -> number or array) atomically; numbers that are not finite become null."""
    content = dict(config=config, checkpoint=checkpoint, clips=clips, metrics=metrics, **(details or {}))
    write_json(path, content)


class ClipFeatures(NamedTuple):
    """Features of the readable clips of a test split."""
    names: list[str]
    labels: np.ndarray  # (clips,)
    of: dict[str, np.ndarray]  # modality -> (clips, D) float32, means over a clip's views and tokens


def collect_features(model: 'nn.Module', loader: 'DataLoader') -> ClipFeatures:
    """Encode the readable clips of a test split by an `AudioVisualRecognizer` in evaluation mode."""
    import torch
    encoded: dict[str, list[Tensor]] = {}
    labels, names = [], []
    with torch.inference_mode():
        for batch in tqdm(loader, unit='batch'):
            data = model.data_preprocessor(batch, training=False)
            readable = [sample for sample in data['data_samples'] if not is_skipped(sample)]
            if not readable:
                continue
            for modality, views in model.extract_feat(data['inputs']).items():  # (B*V, D), or tokens (B*V, N, D)
                of_clip = views.unflatten(0, (len(readable), -1))  # (B, V, ..., D)
                encoded.setdefault(modality, []).append(of_clip.flatten(1, -2).mean(1).float().cpu())
            labels += map(top_label, readable)
            names += [clip_name(sample) for sample in readable]
    if not names:
        raise InputError('Not one clip of the test split could be read: tools/check_data.py CONFIG says why.')
    features = {modality: torch.cat(values).numpy() for modality, values in encoded.items()}
    for modality, values in features.items():
        check_scores(values, modality, why_not_finite(model), names, 'features')
    return ClipFeatures(names, np.array(labels), features)
