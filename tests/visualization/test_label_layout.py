"""Labels have places of their own, whatever the faces."""
import itertools

import numpy as np
import pytest

from claip_emo_mm.visualization.label_layout import Rect, least_covering, place_labels, shrunk

IMAGE = (320, 240)


def overlap(a: Rect, b: Rect) -> bool:
    return max(a[0], b[0]) < min(a[2], b[2]) and max(a[1], b[1]) < min(a[3], b[3])


@pytest.mark.parametrize('seed', range(20))
def test_no_label_covers_a_face_or_another_label_or_leaves_the_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, (280, 190), (6, 2))
    faces = [(x, y, x + 40, y + 50) for x, y in corners.tolist()]
    sizes = [(width, 16) for width in rng.integers(50, 110, 6).tolist()]
    places, _ = place_labels(sizes, faces, faces, IMAGE)
    for place, (width, height) in zip(places, sizes, strict=True):
        assert place[2] - place[0] == width and place[3] - place[1] == height
        assert place[0] >= 0 and place[1] >= 0 and place[2] <= IMAGE[0] and place[3] <= IMAGE[1]
        assert not any(overlap(place, face) for face in faces)
    assert not any(overlap(a, b) for a, b in itertools.combinations(places, 2))


def test_a_label_stands_above_its_face_or_where_it_stood_before() -> None:
    face = (100, 100, 150, 160)
    assert place_labels([(80, 20)], [face], [face], IMAGE) == ([(100, 80, 180, 100)], [0])
    assert place_labels([(80, 20)], [face], [face], IMAGE, [2]) == ([(100, 160, 180, 180)], [2])
    low = (100, 100, 150, 235)  # no room below
    assert place_labels([(80, 20)], [low], [low], IMAGE, [2]) == ([(100, 80, 180, 100)], [0])
    assert place_labels([(80, 20)], [None], [], IMAGE) == ([(0, 0, 80, 20)], [0])


def test_without_room_there_is_no_place_but_one_that_covers_least() -> None:
    face = (0, 0, 320, 235)
    assert place_labels([(80, 20)], [face], [face], IMAGE) is None
    assert place_labels([(400, 20)], [None], [], IMAGE) is None
    place = least_covering((80, 20), [face], [], IMAGE)
    assert not overlap(place, shrunk(face))
    other = least_covering((80, 20), [face], [place], IMAGE)
    assert not overlap(place, other) and not overlap(other, shrunk(face))
