"""Published results on public data sets, to stand beside one's own."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PublishedResult:
    """A row of a paper: percentages over all folds."""
    dataset: str  # name of its label schema
    method: str
    year: int
    source: str
    war: float
    uar: float | None
    protocol: str  # folds, and how the epoch was chosen where the paper says it
    clips: int
    modalities: str = 'audio, video'


_CREMAD_FOLDS, _RAVDESS_FOLDS = '5 folds of actors', '6 folds of actors'
PUBLISHED: Sequence[PublishedResult] = (
    PublishedResult('cremad', 'HiCMAE-B', 2024, 'arXiv 2401.05698', 84.89, 84.91, _CREMAD_FOLDS, 7437),
    PublishedResult('cremad', 'AVF-MAE++ H', 2025, 'CVPR 2025', 85.95, 86.02, _CREMAD_FOLDS, 7437),
    PublishedResult('cremad', 'MAE-DFER', 2023, 'arXiv 2307.02227', 77.38, None, _CREMAD_FOLDS, 7442, 'video'),
    PublishedResult('ravdess', 'HiCMAE-B', 2024, 'arXiv 2401.05698', 87.99, 87.96, _RAVDESS_FOLDS, 1440),
    PublishedResult('ravdess', 'AVF-MAE++ H', 2025, 'CVPR 2025', 87.57, 87.44, _RAVDESS_FOLDS, 1440),
)
HEADER = ('method', 'modalities', 'WAR', 'UAR', 'protocol', 'clips', 'date', 'source')


def reproduction_rows(results: Mapping[str, Any], corpus: Mapping[str, Any], date: str,
                      is_drawn: bool = False) -> list[tuple[str, ...]]:
    """Rows of a table, after its header: what was published on a data set, and our results below.

    Args:
        results: content of `results.json` of a cross-validation.
        corpus: content of `corpus.json` of the prepared data set.
        date: of our results.
        is_drawn: whether the clips were drawn, which says nothing about the real ones.
    """
    rows = [HEADER]
    for found in PUBLISHED:
        if found.dataset == corpus['name']:
            rows.append((found.method, found.modalities, _percent(found.war), _percent(found.uar), found.protocol,
                         f'{found.clips:,}', str(found.year), found.source))
    for protocol, found in results['protocols'].items():
        folds = found['folds']
        tested = sum(fold['clips_tested'] for fold in folds.values())
        how = f'fold{"s" * (len(folds) > 1)} {", ".join(folds)}; {protocol}'
        clips = f'{tested:,} of {corpus["clips"]:,}' + (' drawn' if is_drawn else '')
        rows.append((f'here, {results["config"].removesuffix(".py")}', 'audio, video', _percent(found['mean']['WAR']),
                     _percent(found['mean']['UAR']), how, clips, date, f'claip_emo_mm {results["version"]}'))
    return rows


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'
