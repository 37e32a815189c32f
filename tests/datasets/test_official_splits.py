from pathlib import Path

import pytest

from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.official_lists import read_official_list
from claip_emo_mm.datasets.official_splits import count_by_class, excluded_counts, official_counts
from claip_emo_mm.errors import InputError


def test_first_fold() -> None:
    assert [sum(official_counts(schema, 1, split)) for schema in (DFEW, MAFW_COMPOUND) for split in ('train', 'test')] \
        == [9356, 2341, 7178, 1818]
    audiovisual = [sum(official_counts(MAFW, 1, split)) - sum(excluded_counts(MAFW, 1, split))
                   for split in ('train', 'test')]
    assert audiovisual == [7320, 1836]
    assert not any(excluded_counts(DFEW, 1, 'train'))


def test_every_fold_has_every_clip() -> None:
    for schema in (DFEW, MAFW, MAFW_COMPOUND):
        wholes = {tuple(map(sum, zip(*(official_counts(schema, fold, split) for split in ('train', 'test')),
                                     strict=True))) for fold in range(1, 6)}
        tests = tuple(map(sum, zip(*(official_counts(schema, fold, 'test') for fold in range(1, 6)), strict=True)))
        assert wholes == {tests}


@pytest.mark.parametrize('fold', range(1, 6))
@pytest.mark.parametrize('split', ['train', 'test'])
def test_counts_of_the_real_lists(shared: Path, fold: int, split: str) -> None:
    lists = shared / 'annotations'
    for schema, official, audiovisual in (
            (DFEW, f'DFEW/EmoLabel_DataSplit/{split}(single-labeled)/{split}_set_{fold}.csv', 'DFEW/audio_visual'),
            (MAFW, f'MAFW/single/no_caption/set_{fold}/{split}.txt', 'MAFW/audio_visual/single'),
            (MAFW_COMPOUND, f'MAFW/compound/no_caption/set_{fold}/{split}.txt',
             'MAFW/audio_visual/compound/no_caption')):
        counts = [count_by_class([clip.label for clip in read_official_list(lists / path, schema).clips], schema)
                  for path in (official, f'{audiovisual}/split0{fold}/{split}.csv')]
        expected = official_counts(schema, fold, split)
        assert counts[0] == expected
        left_out = excluded_counts(schema, fold, split)
        assert counts[1] == tuple(count - less for count, less in zip(expected, left_out, strict=True))


def test_no_such_fold() -> None:
    with pytest.raises(InputError, match='DFEW: fold is 6. Expected 1 to 5'):
        official_counts(DFEW, 6, 'train')
