"""Person identities, from frames made up here."""
import numpy as np
import pytest

from claip_emo_mm.faces.identities import PersonTracker

RED, GREEN = (200, 60, 60), (60, 160, 60)


def crop(color: tuple[int, int, int], brighter: int = 0) -> np.ndarray:
    frame = np.full((32, 24, 3), color, np.uint8)
    frame[:12] = 40 + brighter  # hair
    return frame


def show(people: PersonTracker, track: int, start_s: float, end_s: float, color: tuple[int, int, int],
         **look: int) -> None:
    for number in range(round(10 * start_s), round(10 * end_s)):
        people.add(track, number / 10, .1, crop(color, **look), quality=1.)


def test_a_person_who_comes_back_keeps_the_number() -> None:
    people = PersonTracker()
    show(people, 4, 0, 2, RED)
    show(people, 5, .5, 2, GREEN)
    assert [people.number(track) for track in (4, 5)] == [1, 2]
    show(people, 6, 3, 5, GREEN, brighter=8)  # a cut: elsewhere, a little brighter
    show(people, 7, 3, 4, RED)
    assert [people.number(track) for track in (6, 7)] == [2, 1]
    np.testing.assert_allclose(people.spans(1), [(0, 2), (3, 4)])
    np.testing.assert_allclose(people.spans(2), [(.5, 2), (3, 5)])
    assert len(people) == 2
    assert people.portrait(2).shape == (64, 64, 3)
    np.testing.assert_array_equal(people.portrait(2)[-1, 0], GREEN)


def test_two_persons_at_once_get_two_numbers() -> None:
    people = PersonTracker()
    show(people, 1, 0, 3, RED)
    show(people, 2, 2.5, 4, RED)  # the first one is still there
    assert [people.number(track) for track in (1, 2)] == [1, 2]


@pytest.mark.parametrize(('again_s', 'color', 'number'), [(50, RED, 1), (70, RED, 2), (5, GREEN, 2)])
def test_after_a_minute_or_with_other_colors_it_is_another_person(again_s: float, color: tuple[int, int, int],
                                                              number: int) -> None:
    people = PersonTracker()
    show(people, 1, 0, 1, RED)
    people.number(1)
    show(people, 2, again_s, again_s + 1, color)
    assert people.number(2) == number


def test_moments_without_the_face_are_part_of_a_span_and_faces_of_a_moment_are_forgotten() -> None:
    people = PersonTracker()
    show(people, 1, 0, 1, RED)
    show(people, 1, 1.4, 2, RED)
    show(people, 2, 0, .3, GREEN)
    people.number(1)
    people.forget(1.5)
    assert set(people._tracks) == {1}
    np.testing.assert_allclose(people.spans(people.number(1)), [(0, 2)])
