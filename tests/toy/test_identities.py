import numpy as np
import pytest

from claip_emo_mm.toy.identities import SPLITS, FaceIdentity, identity_stream


def test_the_same_stream_draws_the_same_person() -> None:
    people = [FaceIdentity.sample(np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert people[0] == people[1] != people[2]


def test_people_differ_and_only_men_have_beards() -> None:
    people = [FaceIdentity.sample(np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(people)) == 200
    assert {person.feminine for person in people if person.beard} == {False}
    assert {person.feminine for person in people} == {False, True}
    assert len({person.hair.name for person in people}) == 6
    assert all(0 <= value <= 255 for person in people for value in (*person.skin.rgb, *person.background.rgb))


def test_every_identity_has_its_own_repeatable_stream() -> None:
    keys = [(seed, split, index) for seed in (0, 1) for split in SPLITS for index in range(50)]
    first = [identity_stream(*key).integers(2 ** 62) for key in keys]
    assert len(set(first)) == len(keys)
    assert first == [identity_stream(*key).integers(2 ** 62) for key in keys]


def test_unknown_split() -> None:
    with pytest.raises(ValueError, match="split 'dev' of the toy set is not one of train, val, test, pretrain"):
        identity_stream(0, 'dev', 0)
