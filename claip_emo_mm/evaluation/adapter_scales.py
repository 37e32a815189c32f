"""Metrics between the frozen and the trained model: a sweep over the scale of the adapters, on several data sets."""
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from claip_emo_mm.datasets.labels import emotion_words
from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.metrics import emotion_metrics
from claip_emo_mm.evaluation.predictions import ClipScores
from claip_emo_mm.evaluation.tables import text_table
from claip_emo_mm.models.layers.lora import scale_adapters
from claip_emo_mm.structures import clip_name, is_skipped
from claip_emo_mm.utils.io import read_json, write_csv, write_json

METRICS = ('WAR', 'UAR')
Sweep = dict[float, dict[str, dict[str, float]]]  # scale -> name of a data set -> WAR, UAR (percent) and clips


@torch.inference_mode()
def score_clips(model: nn.Module, loader: DataLoader, classes: Sequence[str]) -> ClipScores:
    """Score the readable clips of a split by a recognizer in evaluation mode; `classes` are those of the split."""
    names, labels, scores = [], [], []
    for batch in tqdm(loader, unit='batch', leave=False):
        samples = model(**model.data_preprocessor(batch, training=False), mode='predict')
        for sample in samples:
            if not is_skipped(sample):
                names.append(clip_name(sample))
                labels.append(int(sample.gt_label))
                scores.append(sample.pred_score.float().cpu().numpy())
    if not names:
        raise InputError('Not one clip of the split could be read: tools/check_data.py CONFIG says why.')
    return ClipScores(tuple(names), np.array(labels), np.stack(scores), tuple(classes))


def shared_metrics(clips: ClipScores, classes: Sequence[str]) -> dict[str, float]:
    """WAR and UAR of a model of other classes than the clips', over the emotions that both have.

    Clips of other emotions do not count, and the model's other classes cannot be chosen.

    Args:
        clips: labels in the clips' classes, scores of the model's.
        classes: of the model.
    """
    own = {emotion_words(name): number for number, name in enumerate(classes)}
    place = {label: own[emotion_words(name)] for label, name in enumerate(clips.classes) if emotion_words(name) in own}
    if len(place) < 2:
        raise InputError(f'the classes of the data set ({", ".join(clips.classes)}) and of the model '
                         f'({", ".join(classes)}) have {len(place) or "no"} emotion in common. Expected two at least.')
    numbers = {label: number for number, label in enumerate(place)}  # of the shared classes
    counted = np.isin(clips.labels, list(place))
    metrics = emotion_metrics(np.array([numbers[label] for label in clips.labels[counted]], int),
                              clips.scores[counted][:, list(place.values())]).recalls
    return dict(WAR=float(metrics.war), UAR=float(metrics.uar), clips=int(counted.sum()))


def sweep_adapter_scale(model: nn.Module, test: Mapping[str, Callable[[], dict[str, float]]], scales: Sequence[float],
                        path: Path, of: Mapping[str, str]) -> Sweep:
    """Measure a model at several scales of its adapters, and write the metrics to a json file after each.

    Args:
        model: recognizer with adapters.
        test: name of a data set -> measures the model on it.
        scales: from 0, the frozen model, to 1, the trained one.
        path: json file; an interrupted sweep resumes from it.
        of: what the metrics belong to, which the file must name.
    """
    found = read_json(path) if path.is_file() else {}
    if found and found.get('of') != dict(of):
        raise InputError(f'{path}: holds metrics of another checkpoint or config. Name another --out, or delete it.')
    done: Sweep = {float(scale): values for scale, values in found.get('scales', {}).items()}
    for scale in tqdm(scales, unit='scale'):
        if scale not in done:
            scale_adapters(model, scale)
            done[scale] = {name: measure() for name, measure in test.items()}
            write_json(path, dict(of=dict(of), scales={f'{key:g}': values for key, values in sorted(done.items())}))
    sweep = {scale: done[scale] for scale in sorted(scales)}
    write_csv(path.with_suffix('.csv'), ('adapter_scale', 'data', *METRICS, 'clips'),
              [(f'{scale:g}', name, *(f'{values[key]:.2f}' for key in METRICS), values['clips'])
               for scale, sets in sweep.items() for name, values in sets.items()])
    return sweep


def sweep_table(sweep: Sweep) -> str:
    """Format WAR and UAR of every data set, side by side, at every scale."""
    names = list(next(iter(sweep.values())))
    header = ['scale', *(f'{name} {key} %' for name in names for key in METRICS)]
    return text_table([header, *([f'{scale:g}', *(f'{sets[name][key]:.2f}' for name in names for key in METRICS)]
                                 for scale, sets in sweep.items())], left=1)
