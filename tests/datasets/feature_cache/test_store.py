"""Rows of features and their index."""
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from claip_emo_mm.datasets.feature_cache import FeatureStore, claim
from claip_emo_mm.errors import InputError

FIRST, SECOND = (bytes([number, 7]) * 8 for number in (1, 200))
DESCRIPTION = dict(settings=dict(a=1), dtype='float32', shape=[3])


def rows_of(ids: list[int]) -> np.ndarray:
    return np.array(ids)[:, None] + np.array([.25, .5, .75], np.float32)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """Two clips, one of which was extended later."""
    store = FeatureStore(tmp_path / 'store')
    assert len(store) == 0 and store.row_bytes == 0 and store.media(FIRST) is None
    store.create(DESCRIPTION)
    store.append(FIRST, 0, np.array([4, 8]), rows_of([4, 8]))
    store.append(SECOND, 2, np.array([0]), rows_of([0]))
    store.append(FIRST, 0, np.array([0, 6]), rows_of([0, 6]))
    store.append_media(FIRST, dict(total_frames=9))
    store.append_media(FIRST, dict(total_frames=10))  # said before
    return store


def test_rows_by_clip_version_and_frame(store: FeatureStore) -> None:
    for opened in (store, FeatureStore(store.folder)):
        assert sorted(opened.ids(FIRST, 0)) == [0, 4, 6, 8] and len(opened) == 5 and opened.row_bytes == 12
        assert np.array_equal(opened.rows(FIRST, 0, np.array([8, 0, 6])), rows_of([8, 0, 6]))
        assert opened.rows(FIRST, 0, np.array([8, 5])) is None and opened.rows(FIRST, 1, np.array([8])) is None
        assert opened.rows(SECOND, 2, np.array([0])).dtype == np.float32 and not opened.ids(SECOND, 0).size
        assert opened.media(FIRST)['total_frames'] == 9 and opened.media(SECOND) is None


def test_another_process_reads_and_writes(store: FeatureStore) -> None:
    other = FeatureStore(store.folder)
    other.append(SECOND, 2, np.array([1]), rows_of([1]))  # to a part of its own, as the first is being written
    assert len(list(store.folder.glob('rows_*.bin'))) == 2 and store.rows(SECOND, 2, np.array([1])) is None
    store.refresh()
    assert np.array_equal(store.rows(SECOND, 2, np.array([1, 0])), rows_of([1, 0]))


@pytest.mark.parametrize('lost, kept', [(('index', 5), 4), (('rows', 4), 4), (('index', 30), 3)])
def test_what_a_killed_process_left(store: FeatureStore, lost: tuple[str, int], kept: int) -> None:
    folder = store.folder
    del store
    path = folder / f'{lost[0]}_0000.bin'
    path.write_bytes(path.read_bytes()[:-lost[1]])
    with (folder / 'clips.jsonl').open('a') as file:
        file.write('{"clip": "half')
    opened = FeatureStore(folder)
    assert len(opened) == kept and np.array_equal(opened.rows(FIRST, 0, np.array([4, 8])), rows_of([4, 8]))
    opened.append(SECOND, 2, np.array([9]), rows_of([9]))  # behind the last whole row
    opened.append_media(SECOND, dict(total_frames=1))
    again = FeatureStore(folder)
    assert len(again) == kept + 1 and np.array_equal(again.rows(SECOND, 2, np.array([9])), rows_of([9]))
    assert np.array_equal(again.rows(FIRST, 0, np.array([4, 8])), rows_of([4, 8]))
    assert again.media(SECOND)['total_frames'] == 1 and again.media(FIRST)['total_frames'] == 9


def test_half_precision(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    store.create(dict(DESCRIPTION, dtype='float16'))
    store.append(FIRST, 0, np.array([1]), np.array([[1.0001, 2, 3]]))
    assert store.row_bytes == 6 and store.rows(FIRST, 0, np.array([1])).tolist() == [[1, 2, 3]]
    with pytest.raises(InputError, match=r"not finite as float16.*dtype='float32'"):
        store.append(FIRST, 0, np.array([2]), np.array([[70000., 0, 0]]))
    with pytest.raises(InputError, match='of other features. Delete the folder'):
        store.create(DESCRIPTION)


def claimed_elsewhere(folder: Path, clip: bytes) -> bool:
    with multiprocessing.get_context('fork').Pool(1) as pool:
        return pool.apply(_try_claim, (folder, clip))


def _try_claim(folder: Path, clip: bytes) -> bool:
    with claim(folder, clip) as is_mine:
        return is_mine


def test_claims(tmp_path: Path) -> None:
    with claim(tmp_path / 'new', FIRST) as is_mine:
        assert is_mine
        assert not claimed_elsewhere(tmp_path / 'new', FIRST) and claimed_elsewhere(tmp_path / 'new', SECOND)
    assert claimed_elsewhere(tmp_path / 'new', FIRST)
