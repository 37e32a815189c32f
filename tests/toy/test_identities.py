import numpy as np

from claip_emo_mm.toy.identities import FaceIdentity


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
