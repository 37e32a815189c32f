"""The card of a published model: what its checkpoint and its test say of it."""
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from claip_emo_mm.compat.hub import SCHEME
from claip_emo_mm.datasets.terms import OPEN_LICENSES, DataTerms, data_terms
from claip_emo_mm.engine.checkpoints.metadata import Metadata
from claip_emo_mm.engine.checkpoints.provenance import DRAWN, caution
from claip_emo_mm.engine.checkpoints.training_clips import count_clips, trained_folds
from claip_emo_mm.engine.config_checks import find_dataset
from claip_emo_mm.evaluation.calibration import read_temperature
from claip_emo_mm.utils.io import read_json
from claip_emo_mm.version import INTENDED_USE, LICENSE

METRICS_FILE = 'test_metrics.json'
_TAGS = ['emotion-recognition', 'audio-visual', 'clip', 'clap', 'lora', 'mmaction2']
_SHOWN = dict(WAR='WAR', UAR='UAR', F1_macro='F1 (macro)', F1_weighted='F1 (weighted)', ECE='calibration error')
_VARIANTS = dict(weights='of the weights of the last step (--raw-weights)', modality='of one modality (--modality)',
                 adapter_scale='of scaled adapters (--adapter-scale)', on='of another data set (--on)',
                 options='with options that change scores',
                 allow_trained_clips='on clips that it may have been trained on (--allow-trained-clips)')
_AS_IT_IS = dict(modality='both', adapter_scale=1)


def training_data(metadata: Metadata) -> dict[str, DataTerms]:
    """Title and license of each data set that a checkpoint was trained on, by its name; '' for any other."""
    own = DataTerms('a data set of its author', '')
    if set(metadata['data']) == {DRAWN}:
        own = DataTerms(DRAWN, 'Apache-2.0')
    names = sorted(count_clips(metadata['trained_clips'])) or ['']
    return {name: data_terms(name) if name else own for name in names}


class CardMetrics(NamedTuple):
    """Metrics of a checkpoint, for its card."""
    found: dict[str, Any]  # as tools/test.py wrote them; empty where there are none of this model
    reason: str  # why there are none; '' where there are


def read_test_metrics(checkpoint: Path, weights_sha256: str) -> CardMetrics:
    """Read what tools/test.py wrote beside a checkpoint, where it tested these weights, as they are published.

    Args:
        checkpoint: its path.
        weights_sha256: as of `hash_checkpoint`.
    """
    path = checkpoint.with_name(METRICS_FILE)
    found = read_json(path)
    tested = found.get('weights_sha256')
    variants = [what for key, what in _VARIANTS.items() if found.get(key, _AS_IT_IS.get(key)) != _AS_IT_IS.get(key)]
    if not found:
        reason = 'cannot be read' if path.exists() else 'is not there'
    elif tested is None:
        reason = 'does not say which weights were tested'
    elif tested != weights_sha256:
        reason = f'is of other weights ({found.get("checkpoint")} as it was tested)'
    elif variants:
        reason = f'is {variants[0]}'
    else:
        return CardMetrics(found, '')
    return CardMetrics({}, f'{path} {reason}. Test this model as it is: tools/test.py CONFIG {checkpoint} '
                           f'--work-dir {checkpoint.parent}')


def model_card(name: str, metadata: Metadata, training: Mapping[str, Any], size: int, metrics: Mapping[str, Any],
               license_stated: str | None = None) -> str:
    """Write the card (Markdown, with the metadata that the hub reads in front).

    Args:
        name: of the repository, or of the file.
        metadata, training: of the checkpoint: ``meta['claip_emo_mm']``, and the rest of ``meta``.
        size: of the published file, in bytes.
        metrics: ``found`` of `read_test_metrics`.
        license_stated: license of the data by the user, in place of what is known.
    """
    data = training_data(metadata)
    warning = caution(metadata)
    lines = [f'# {name}', '', *([f'**{warning}**', ''] if warning else []), INTENDED_USE, '', *_usage(name),
             '## Model', '', *_table(_model(metadata, size)), '',
             '## Training data', '', *_table(_data(metadata, data, license_stated)), '',
             *_table(_training(metadata, training)), '', '## Metrics', '', *_metrics(metrics, metadata), '',
             '## License', '', LICENSE, *_license(data, license_stated)]
    return f'---\n{_front_matter(name, data, metrics, license_stated)}\n---\n\n' + '\n'.join(lines) + '\n'


def _front_matter(name: str, data: Mapping[str, DataTerms], metrics: Mapping[str, Any], stated: str | None) -> str:
    from huggingface_hub import EvalResult, ModelCardData
    licenses = {stated or terms.license for terms in data.values()}
    known = OPEN_LICENSES.get(licenses.pop(), '') if len(licenses) == 1 else ''
    options = dict(license=known) if known else dict(license='other', license_name='see-the-data')
    values = {kind: metrics.get('metrics', {}).get(kind) for kind in ('WAR', 'UAR')}
    if all(isinstance(value, float) for value in values.values()):
        title = ', '.join(terms.title for terms in data.values())
        options.update(model_name=name, eval_results=[
            EvalResult('video-classification', '-'.join(data) or 'own', title, metric_type=kind.lower(),
                       metric_value=round(value, 2), metric_name=kind) for kind, value in values.items()])
    return ModelCardData(library_name='claip_emo_mm', pipeline_tag='video-classification', tags=list(_TAGS),
                         **options).to_yaml()


def _usage(name: str) -> list[str]:
    if '/' not in name:
        return []
    return ['```bash', f'claip-emo infer VIDEO --checkpoint {SCHEME}{name}', '```', '', '```python',
            'from claip_emo_mm.apis import EmotionInferencer', '',
            f"infer = EmotionInferencer.from_pretrained('{name}')", "predictions = infer('talk.mp4')['predictions']",
            '```', '', 'Frozen weights are not in the file. They are fetched once from where they are published and '
            'compared with the hashes below; after that no network is needed.', '']


def _model(metadata: Metadata, size: int) -> Iterator[tuple[str, str]]:
    yield 'classes', ', '.join(metadata['classes']) or 'not named'
    temperature = read_temperature(metadata['calibration'])
    yield 'scores', f'calibrated: logits divided by {temperature:.3g}' if temperature else 'not calibrated'
    yield 'file', f'{size / 1e6:.2f} MB: trained weights, and the config'
    for name, backbone in metadata['backbones'].items():
        arch = backbone['arch'] if isinstance(backbone['arch'], str) else 'an architecture of its own'
        lora = backbone['lora'] or {}
        adapters = f', LoRA of rank {lora["rank"]}' if 'rank' in lora else ''
        weights = 'all weights are in the file'
        if backbone['sha256']:  # of a path only the file: folders are nobody's business
            weights = f'frozen weights: {PurePath(str(backbone["pretrained"])).name}, SHA-256 {backbone["sha256"]}'
        yield name, f'{backbone.get("type")}, {arch}{adapters}; {weights}'
    for kind, options in metadata['front_end'].items():
        yield kind, ', '.join(f'{key} {value}' for key, value in options.items() if value is not None) or 'defaults'


def _data(metadata: Metadata, data: Mapping[str, DataTerms], stated: str | None) -> Iterator[tuple[str, str]]:
    counts, folds = count_clips(metadata['trained_clips']), trained_folds(metadata['config'])
    for name, terms in data.items():
        clips = f'{counts[name]:,} clips' if name in counts else 'an unknown number of clips'
        fold = f', fold {", ".join(map(str, folds))}' if name and folds else ''
        yield terms.title, f'{clips}{fold}; license: {_stated(stated) or terms.license or "not known"}'


def _training(metadata: Metadata, training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, title in dict(experiment_name='run', epoch='epochs', iter='iterations', seed='seed',
                           time='saved (local time)').items():
        if training.get(key) is not None:
            yield title, str(training[key])
    yield 'claip_emo_mm', str(metadata.get('version', 'not known'))


def _metrics(metrics: Mapping[str, Any], metadata: Metadata) -> list[str]:
    values = metrics.get('metrics', {})
    if not values:
        return ['Not measured by who published this: nothing is known of how often it is right.']
    intervals = (metrics.get('bootstrap') or {}).get('intervals', {})
    shown = dict(_SHOWN)
    if read_temperature(metadata['calibration']):  # the test does not divide the logits by it
        shown['ECE'] += ', before calibration'
    rows = []
    for key, title in shown.items():
        if isinstance(values.get(key), int | float):
            low, high = intervals.get(key, (None, None))
            between = f' (95 % interval {low:.2f} to {high:.2f})' if key in intervals else ''
            rows.append((title, f'{values[key]:.2f} %{between}'))
    rows += [(f'recall of {name}', f'{value:.1f} %') for name, value in (metrics.get('recall') or {}).items()
             if isinstance(value, int | float)]
    return [*_table(rows), '', f'Over {metrics.get("clips")} clips of the test split of '
            f'`{Path(str(metrics.get("config"))).name}`. {_selection(metadata["config"])}'.strip()]


def _selection(config: str | None) -> str:
    """Say whether the epoch may have been chosen on the test split, by the config (json) of a checkpoint."""
    cfg = json.loads(config) if config else {}
    val, test = (find_dataset(cfg, split) for split in ('val', 'test'))
    if val is None or test is None or 'save_best' not in json.dumps(cfg.get('default_hooks') or {}):
        return ''
    same = {key: value for key, value in val.items() if key != 'pipeline'} == {
        key: value for key, value in test.items() if key != 'pipeline'}
    return ('The validation split of the config is the test split: a checkpoint of the best epoch was chosen on it, as '
            'in the published protocol, and its metrics are too high for other clips.' if same else
            'The best epoch is chosen on another split than the tested one.')


def _license(data: Mapping[str, DataTerms], stated: str | None) -> list[str]:
    return ['', *(f'- {terms.title}: {_stated(stated) or terms.license or "not known"}' for terms in data.values())]


def _stated(stated: str | None) -> str:
    return f'{stated} (as stated by who published this)' if stated else ''


def _table(rows: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> list[str]:
    cells = [tuple(' '.join(text.split()).replace('|', '\\|') for text in row) for row in rows]
    return ['| | |', '|---|---|', *(f'| {name} | {text} |' for name, text in cells)]
