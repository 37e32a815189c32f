"""Preparation of corpora in tests, and what it wrote."""
import csv
from pathlib import Path

from made_media import FullDetector

from claip_emo_mm.data_preparation import CorpusSet, PreparationReport, prepare_corpus
from claip_emo_mm.datasets.corpora import Corpus


def prepare(corpus: Corpus, source: Path, out: Path) -> PreparationReport:
    return prepare_corpus(CorpusSet(corpus, source, out, make_detector=FullDetector))


def rows(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding='utf-8', newline='') as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def reasons(out: Path, name: str = 'failures.csv') -> dict[str, str]:
    """The last cell of each row by the first one."""
    return {row[0]: row[-1] for row in rows(out / name)}
