from pathlib import Path

import pytest

from claip_emo_mm.datasets.label_schemas import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.published_lists import (
    count_by_class,
    left_out_counts,
    published_counts,
    read_published_list,
)
from claip_emo_mm.errors import InputError


def test_first_fold() -> None:
    assert [sum(published_counts(schema, 1, part)) for schema in (DFEW, MAFW_COMPOUND) for part in ('train', 'test')] \
        == [9356, 2341, 7178, 1818]
    audiovisual = [sum(published_counts(MAFW, 1, part)) - sum(left_out_counts(MAFW, 1, part))
                   for part in ('train', 'test')]
    assert audiovisual == [7320, 1836]
    assert not any(left_out_counts(DFEW, 1, 'train'))


def test_every_fold_has_every_clip() -> None:
    for schema in (DFEW, MAFW, MAFW_COMPOUND):
        wholes = {tuple(map(sum, zip(*(published_counts(schema, fold, part) for part in ('train', 'test')),
                                     strict=True))) for fold in range(1, 6)}
        tests = tuple(map(sum, zip(*(published_counts(schema, fold, 'test') for fold in range(1, 6)), strict=True)))
        assert wholes == {tests}


@pytest.mark.parametrize('fold', range(1, 6))
@pytest.mark.parametrize('part', ['train', 'test'])
def test_counts_of_the_real_lists(shared: Path, fold: int, part: str) -> None:
    lists = shared / 'annotations'
    for schema, official, audiovisual in (
            (DFEW, f'DFEW/EmoLabel_DataSplit/{part}(single-labeled)/{part}_set_{fold}.csv', 'DFEW/audio_visual'),
            (MAFW, f'MAFW/single/no_caption/set_{fold}/{part}.txt', 'MAFW/audio_visual/single'),
            (MAFW_COMPOUND, f'MAFW/compound/no_caption/set_{fold}/{part}.txt',
             'MAFW/audio_visual/compound/no_caption')):
        counts = [count_by_class([clip.label for clip in read_published_list(lists / path, schema).clips], schema)
                  for path in (official, f'{audiovisual}/split0{fold}/{part}.csv')]
        expected = published_counts(schema, fold, part)
        assert counts[0] == expected
        left_out = left_out_counts(schema, fold, part)
        assert counts[1] == tuple(count - less for count, less in zip(expected, left_out, strict=True))


def test_no_such_fold() -> None:
    with pytest.raises(InputError, match='fold 6, part .train.: there are the folds 1 to 5'):
        published_counts(DFEW, 6, 'train')
