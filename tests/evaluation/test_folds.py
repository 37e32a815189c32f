from pathlib import Path

import numpy as np
import pytest

from claip_emo_mm.errors import InputError
from claip_emo_mm.evaluation.folds import fold_metrics
from claip_emo_mm.evaluation.predictions import ClipScores
from claip_emo_mm.evaluation.tables import absent_classes, folds_rows, markdown_table, text_table
from claip_emo_mm.utils.io import write_csv

CLASSES = ('a', 'b', 'c')


def scores(fold: int, labels: list[int], taken_for: list[int]) -> ClipScores:
    names = tuple(f'{fold}_{number}.mp4' for number in range(len(labels)))
    return ClipScores(names, np.array(labels), np.eye(3, dtype=np.float32)[taken_for], CLASSES)


# Fold 1: a 3 of 4, b 1 of 2. Fold 4: a 1 of 1, b 0 of 2, c 1 of 1
FOLDS = {1: scores(1, [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]), 4: scores(4, [0, 1, 1, 2], [0, 0, 0, 2])}


def test_by_hand() -> None:
    found = fold_metrics(FOLDS)
    assert list(found.folds) == [1, 4]
    assert found.values['WAR'] == pytest.approx([100 * 4 / 6, 50])
    assert (found.mean('WAR'), found.deviation('WAR')) == pytest.approx((175 / 3, (200 / 3 - 50) / 2 ** .5))
    assert found.pooled_values['WAR'] == pytest.approx(60)
    assert found.values['UAR'] == pytest.approx([62.5, 200 / 3])
    assert found.pooled_values['UAR'] == pytest.approx((80 + 25 + 100) / 3)  # not the mean over the folds
    assert found.pooled.recalls.confusion.tolist() == [[4, 1, 0], [3, 1, 0], [0, 0, 1]]
    assert found.mean('recall of c') == 100 and np.isnan(found.deviation('recall of c'))  # fold 1 has no clips of it
    assert set(found.pooled.intervals) == {'WAR', 'UAR', 'F1_macro', 'F1_weighted'}
    assert absent_classes(found) == ['Fold 1 has no clips of c: its UAR and F1 are means over the other classes.']


def test_table(tmp_path: Path) -> None:
    found = fold_metrics(FOLDS)
    rows = folds_rows(dict(paper=found, clean=found), dict(paper={1: 3, 4: 5}, clean={1: 6, 4: 6}))
    assert rows[:4] == [
        ['metric', 'protocol', 'fold 1', 'fold 4', 'mean', 'std', 'pooled', 'pooled, 95 %'],
        ['epoch', 'paper', '3', '5', '-', '-', '-', '-'], ['epoch', 'clean', '6', '6', '-', '-', '-', '-'],
        ['clips', 'all', '6', '4', '-', '-', '10', '-']]
    assert [row[:2] for row in rows[4:8]] == [['WAR', 'paper'], ['WAR', 'clean'], ['UAR', 'paper'], ['UAR', 'clean']]
    low, high = found.pooled.intervals['WAR']
    assert rows[4][2:] == ['66.67', '50.00', '58.33', '11.79', '60.00', f'{low:.2f} to {high:.2f}']
    assert rows[-1] == ['recall of c', 'clean', '-', '100.00', '100.00', '-', '100.00', '-']
    write_csv(tmp_path / 'results.csv', rows[0], rows[1:])
    lines = (tmp_path / 'results.csv').read_text().splitlines()
    assert [line.split(',')[0] for line in lines] == [row[0] for row in rows]
    assert markdown_table(rows).splitlines()[:2] == [
        '| metric | protocol | fold 1 | fold 4 | mean | std | pooled | pooled, 95 % |',
        '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |']
    lines = text_table(rows).splitlines()
    assert lines[1].index('3') == lines[0].index('fold 1') + 5  # numbers end where their column does
    assert lines[4].split()[:3] == ['WAR', 'paper', '66.67']


def test_bad_input() -> None:
    with pytest.raises(InputError, match='1_0.mp4: the clip is in the test split of two folds'):
        fold_metrics({1: FOLDS[1], 2: FOLDS[1]})
    other = ClipScores(('x',), np.array([0]), np.eye(3, dtype=np.float32)[:1], ('a', 'b', 'z'))
    with pytest.raises(InputError, match='Fold 2 has the classes a, b, z, another one a, b, c'):
        fold_metrics({1: FOLDS[1], 2: other})
