"""Report of a cross-validation: results as text, Markdown, csv and json, and plots of the confusion matrices."""
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from claip_emo_mm.engine.cross_validation.protocols import ChosenEpoch, describe_protocols
from claip_emo_mm.engine.cross_validation.run import CrossValidation
from claip_emo_mm.evaluation.folds import FoldMetrics, fold_metrics
from claip_emo_mm.evaluation.predictions import read_clip_scores
from claip_emo_mm.evaluation.tables import absent_classes, folds_rows, markdown_table, text_table
from claip_emo_mm.utils.io import write_csv, write_json, write_text
from claip_emo_mm.version import __version__
from claip_emo_mm.visualization.plots import plot_confusion_matrix, write_figure


def write_report(validation: CrossValidation, failed: Mapping[int, str]) -> str | None:
    """Write results.txt, .md, .csv, .json and confusion_<protocol>.png; returns the text, if any fold is finished."""
    chosen = {fold: validation.epochs(fold) for fold in validation.finished_folds()}
    if not chosen:
        return None
    metrics = {protocol: fold_metrics({fold: read_clip_scores(validation.scores_file(fold, epochs[protocol].epoch))
                                       for fold, epochs in chosen.items()}) for protocol in validation.protocols}
    meanings = describe_protocols(validation.val_ratio, validation.val_seed)
    content = _content(validation, metrics, meanings, chosen, failed)
    first = next(iter(metrics.values()))
    notes = [
        *(f'{protocol}: {meanings[protocol]}.' for protocol in metrics),
        'Percent. mean and std are over the folds (std divides by their number less 1); pooled is over all clips as '
        f'one set, with the interval of {first.pooled.n_bootstrap} bootstrap samples of the clips of each class.',
        f'{content["config"]}, config {content["config_sha256"][:12]}, claip_emo_mm {__version__}, '
        f'seed {content["seed"]}.',
        *absent_classes(first),
        *(f'fold {fold} failed: {reason}' for fold, reason in failed.items())]
    rows = folds_rows(metrics, {protocol: {fold: epochs[protocol].epoch for fold, epochs in chosen.items()}
                                for protocol in metrics})
    text = '\n'.join([text_table(rows), '', *notes, ''])
    folder = validation.work_dir
    write_text(folder / 'results.txt', text)
    write_text(folder / 'results.md', '\n'.join([markdown_table(rows), '', *(f'- {note}' for note in notes), '']))
    write_csv(folder / 'results.csv', rows[0], rows[1:])
    for protocol, found in metrics.items():
        title = (f'{protocol}, {len(chosen)} folds pooled: WAR {found.pooled.recalls.war:.2f}   '
                 f'UAR {found.pooled.recalls.uar:.2f}')
        write_figure(folder / f'confusion_{protocol}.png',
                     plot_confusion_matrix(found.pooled.recalls.confusion, found.classes, title))
    write_json(folder / 'results.json', content)  # last: all is written
    return text


def _content(validation: CrossValidation, metrics: Mapping[str, FoldMetrics], meanings: Mapping[str, str],
             chosen: Mapping[int, Mapping[str, ChosenEpoch]], failed: Mapping[int, str]) -> dict[str, Any]:
    """Content of results.json."""
    seed = Config.fromfile(validation.config).randomness.seed
    trained = {fold: validation.clips_trained(fold) for fold in next(iter(metrics.values())).folds}
    protocols = {}
    for protocol, found in metrics.items():
        protocols[protocol] = dict(
            chosen=meanings[protocol],
            folds={str(fold): dict(protocol=protocol, clips_trained=trained[fold],
                                   clips_tested=int(of_fold.recalls.confusion.sum()), seed=seed,
                                   metrics=of_fold.scalars(), **of_fold.details(found.classes),
                                   **vars(chosen[fold][protocol]))
                   for fold, of_fold in found.folds.items()},
            mean={name: found.mean(name) for name in found.pooled_values},
            std={name: found.deviation(name) for name in found.pooled_values},
            pooled=dict(metrics=found.pooled.scalars(), **found.pooled.details(found.classes)))
    config_hash = hashlib.sha256(validation.config.read_bytes()).hexdigest()
    return dict(config=Path(validation.source).name, config_sha256=config_hash, version=__version__,
                seed=seed, unit='percent', protocols=protocols,
                failed={str(fold): reason for fold, reason in failed.items()})
