import pytest

from claip_emo_mm.toy.identities import SPLITS, identity_stream


def test_every_identity_has_its_own_repeatable_stream() -> None:
    keys = [(seed, split, index) for seed in (0, 1) for split in SPLITS for index in range(50)]
    first = [identity_stream(*key).integers(2 ** 62) for key in keys]
    assert len(set(first)) == len(keys)
    assert first == [identity_stream(*key).integers(2 ** 62) for key in keys]


def test_unknown_part() -> None:
    with pytest.raises(ValueError, match="split 'dev' of the toy set is not one of train, val, test, pretrain"):
        identity_stream(0, 'dev', 0)
