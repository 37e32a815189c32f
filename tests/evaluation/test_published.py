"""Published rows beside ours."""
from claip_emo_mm.datasets.labels import get_schema
from claip_emo_mm.datasets.official_splits import excluded_counts, num_folds, official_counts
from claip_emo_mm.evaluation.published import HEADER, PUBLISHED, reproduction_rows

RESULTS = dict(config='claip_emo_vitb16_cremad.py', version='0.1', protocols=dict(
    paper=dict(chosen='the best epoch', mean=dict(WAR=80.126, UAR=79.), folds={'1': dict(clips_tested=1463),
                                                                              '2': dict(clips_tested=1470)}),
    clean=dict(chosen='the last', mean=dict(WAR=79.5, UAR=78.), folds={'1': dict(clips_tested=1463),
                                                                       '2': dict(clips_tested=1470)})))


def test_rows_of_a_set_and_ours_below() -> None:
    rows = reproduction_rows(RESULTS, dict(name='cremad', clips=7437), '2026-11-29')
    assert rows[0] == HEADER and [row[0] for row in rows[1:]] == [
        'HiCMAE-B', 'AVF-MAE++ H', 'MAE-DFER', 'here, claip_emo_vitb16_cremad', 'here, claip_emo_vitb16_cremad']
    assert rows[1][2:] == ('84.89', '84.91', '5 folds of actors', '7,437', '2024', 'arXiv 2401.05698')
    assert rows[3][1:4] == ('video', '77.38', '-')
    assert rows[4] == ('here, claip_emo_vitb16_cremad', 'audio, video', '80.13', '79.00',
                       'folds 1, 2; paper', '2,933 of 7,437', '2026-11-29', 'claip_emo_mm 0.1')
    drawn = reproduction_rows(RESULTS, dict(name='ravdess', clips=60), '', is_drawn=True)
    assert len(drawn) == 5 and drawn[-1][5] == '2,933 of 60 drawn'


def test_published_clips_are_those_of_the_folds() -> None:
    for found in PUBLISHED:
        schema = get_schema(found.dataset)
        clips = sum(sum(official_counts(schema, fold, 'test')) for fold in range(1, num_folds(schema) + 1))
        fewer = sum(sum(excluded_counts(schema, fold, 'test')) for fold in range(1, num_folds(schema) + 1))
        assert found.clips in (clips, clips - fewer)
        assert f'{num_folds(schema)} folds' in found.protocol and 2020 < found.year < 2027
