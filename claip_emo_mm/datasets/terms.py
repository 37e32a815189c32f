"""Licenses of data sets, and whether what is trained on them may be published."""
from typing import NamedTuple

from claip_emo_mm.datasets.known_corpora import CORPORA
from claip_emo_mm.datasets.labels import DFEW, MAFW

# Licenses under which anybody may publish what was made of the data -> their identifiers on the Hugging Face hub.
OPEN_LICENSES = {
    'Apache-2.0': 'apache-2.0', 'MIT': 'mit', 'CC0 1.0': 'cc0-1.0', 'CC BY 4.0': 'cc-by-4.0',
    'CC BY-SA 4.0': 'cc-by-sa-4.0', 'CC BY-NC 4.0': 'cc-by-nc-4.0', 'CC BY-NC-SA 4.0': 'cc-by-nc-sa-4.0',
    'GPL-3.0': 'gpl-3.0', 'ODbL 1.0': 'odbl', 'ODC-By 1.0': 'odc-by'}
_BY_AGREEMENT = 'for non-commercial research, by an agreement with its owners that forbids redistribution'


class DataTerms(NamedTuple):
    """What a data set is called, and its license; '' where it is not known."""
    title: str
    license: str

    @property
    def is_open(self) -> bool:
        """Whether the license lets anybody publish what was trained on the data."""
        return self.license in OPEN_LICENSES


def data_terms(name: str) -> DataTerms:
    """Title and license of a published data set by its name, which is common to its label sets, such as 'mafw'."""
    if name in (DFEW.name, MAFW.name):
        return DataTerms(name.upper(), _BY_AGREEMENT)
    corpus = next((corpus for corpus in CORPORA.values() if corpus.name == name), None)
    return DataTerms(name, '') if corpus is None else DataTerms(corpus.schema.title.partition(' ')[0], corpus.license)
