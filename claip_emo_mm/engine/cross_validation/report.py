"""What a cross-validation comes to: one table, in every form, and the pooled confusion matrix as a frame."""
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from claip_emo_mm.engine.cross_validation.protocols import describe_protocols
from claip_emo_mm.engine.cross_validation.run import CrossValidation
from claip_emo_mm.evaluation.folds import FoldMetrics, fold_metrics
from claip_emo_mm.evaluation.predictions import read_clip_scores
from claip_emo_mm.evaluation.tables import absent_classes, csv_table, folds_rows, markdown_table, text_table
from claip_emo_mm.utils.io import write_text
from claip_emo_mm.version import __version__
from claip_emo_mm.visualization.plots import plot_confusion_matrix, write_figure


def write_report(validation: CrossValidation, failed: Mapping[int, str]) -> str | None:
    """Write results.txt, .md, .csv, .json and confusion_<protocol>.png into the work folder.

    Args:
        validation: whose finished folds are reported.
        failed: the folds that failed, each with the reason.
    Returns: the text, for the screen; None where no fold is finished.
    """
    runs = [run for run in validation.fold_runs() if run.finished]
    if not runs:
        return None
    chosen = {run.fold: run.epochs() for run in runs}
    metrics = {protocol: fold_metrics({run.fold: read_clip_scores(run.scores_file(chosen[run.fold][protocol].epoch))
                                       for run in runs}) for protocol in validation.protocols}
    epochs = {protocol: {fold: epoch[protocol].epoch for fold, epoch in chosen.items()} for protocol in metrics}
    rows = folds_rows(metrics, epochs)
    notes = _notes(validation, metrics, failed)
    text = '\n'.join([text_table(rows), '', *notes, ''])
    folder = validation.work_dir
    write_text(folder / 'results.txt', text)
    write_text(folder / 'results.md', '\n'.join([markdown_table(rows), '', *(f'- {note}' for note in notes), '']))
    write_text(folder / 'results.csv', csv_table(rows))
    for protocol, found in metrics.items():
        title = (f'{protocol}, {len(runs)} folds pooled: WAR {found.pooled.recalls.war:.2f}   '
                 f'UAR {found.pooled.recalls.uar:.2f}')
        write_figure(folder / f'confusion_{protocol}.png',
                     plot_confusion_matrix(found.pooled.recalls.confusion, found.classes, title))
    facts = _facts(validation, metrics, failed)
    for fold, choice in chosen.items():
        for protocol, epoch in choice.items():
            facts['protocols'][protocol]['folds'][str(fold)].update(epoch=epoch.epoch, checkpoint=epoch.checkpoint)
    text_of_facts = json.dumps(facts, indent=2, allow_nan=False)
    write_text(folder / 'results.json', text_of_facts + '\n')  # the last: the others are there
    return text


def _notes(validation: CrossValidation, metrics: Mapping[str, FoldMetrics], failed: Mapping[int, str]) -> list[str]:
    one = next(iter(metrics.values()))
    meanings = describe_protocols(validation.val_ratio, validation.val_seed)
    return [
        *(f'{protocol}: {meanings[protocol]}.' for protocol in metrics),
        'Percent. mean and std are over the folds (std divides by their number less 1); pooled is over all clips as '
        f'one set, with the interval of {one.pooled.n_bootstrap} bootstrap samples of the clips of each class.',
        f'{Path(validation.source).name}, config {validation.config_hash()[:12]}, claip_emo_mm {__version__}, '
        f'seed {_seed(validation)}.',
        *absent_classes(one),
        *(f'fold {fold} failed: {reason}' for fold, reason in failed.items())]


def _facts(validation: CrossValidation, metrics: Mapping[str, FoldMetrics],
           failed: Mapping[int, str]) -> dict[str, Any]:
    trained = {fold: validation.clips_trained(fold) for fold in next(iter(metrics.values())).folds}
    meanings, protocols = describe_protocols(validation.val_ratio, validation.val_seed), {}
    for protocol, found in metrics.items():
        names = list(found.pooled_values)
        protocols[protocol] = dict(
            chosen=meanings[protocol],
            folds={str(fold): dict(protocol=protocol, clips_trained=trained[fold],
                                   clips_tested=int(fold_metrics_.recalls.confusion.sum()), seed=_seed(validation),
                                   metrics=fold_metrics_.scalars(), **fold_metrics_.details(found.classes))
                   for fold, fold_metrics_ in found.folds.items()},
            mean={name: _plain(found.mean(name)) for name in names},
            std={name: _plain(found.deviation(name)) for name in names},
            pooled=dict(metrics=found.pooled.scalars(), **found.pooled.details(found.classes)))
    return dict(config=Path(validation.source).name, config_sha256=validation.config_hash(), version=__version__,
                seed=_seed(validation), unit='percent', protocols=protocols,
                failed={str(fold): reason for fold, reason in failed.items()})


def _seed(validation: CrossValidation) -> int:
    return Config.fromfile(validation.config).randomness.seed


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else value
