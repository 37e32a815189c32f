"""Places for labels in an image: over no face, over no other label, as near to their own face as can be."""
from collections.abc import Sequence

import numpy as np

Rect = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom are behind the last pixel
Size = tuple[int, int]  # width and height in pixels

_STEP = 4  # pixels between the places that are tried away from the face


def place_labels(sizes: Sequence[Size], anchors: Sequence[Rect | None], faces: Sequence[Rect], image: Size,
                 preferred: Sequence[int] = ()) -> tuple[list[Rect], list[int]] | None:
    """Find a place for every label, one after the other.

    Args:
        sizes: of the labels.
        anchors: face that a label belongs to; None of a label for the whole image.
        faces: rectangles that stay free.
        image: size of the image.
        preferred: number of the place beside its face that each label had in the image before, which it keeps if it
            can, so that it does not jump; -1 for none.
    Returns: rectangles, and the number of each place (-1: away from the face); None where a label has no place.
    """
    taken, numbers = list(faces), []
    for position, (size, anchor) in enumerate(zip(sizes, anchors, strict=True)):
        if size[0] > image[0] or size[1] > image[1]:
            return None
        beside = _beside(size, anchor, image)
        order = list(range(len(beside)))
        if position < len(preferred) and 0 <= preferred[position] < len(beside):
            order.sort(key=lambda number, first=preferred[position]: number != first)
        number = next((number for number in order if not _covered(beside[number], taken)), -1)
        place = beside[number] if number >= 0 else _elsewhere(size, beside[0], taken, image)
        if place is None:
            return None
        taken.append(place)
        numbers.append(number)
    return taken[len(faces):], numbers


def least_covering(size: Size, faces: Sequence[Rect], labels: Sequence[Rect], image: Size) -> Rect:
    """The place that covers least of the middle of faces, and of labels before all, where no place is free."""
    places = _grid(size, image)
    middles = [shrunk(face) for face in faces]
    cost = sum((_shared(places, middle) for middle in middles), np.zeros(len(places)))
    cost += 100. * sum((_shared(places, label) for label in labels), np.zeros(len(places)))
    cost += 1e-3 * sum((_shared(places, face) for face in faces), np.zeros(len(places)))
    return tuple(places[int(cost.argmin())].tolist())


def shrunk(face: Rect, ratio: float = .15) -> Rect:
    """The rectangle without a margin on each side, where a face's box holds hair and background."""
    left, top, right, bottom = face
    across, down = round(ratio * (right - left)), round(ratio * (bottom - top))
    return left + across, top + down, right - across, bottom - down


def _beside(size: Size, anchor: Rect | None, image: Size) -> list[Rect]:
    """Places above, below, and at the sides of a face, moved into the image; the corners of it without a face."""
    width, height = size
    if anchor is None:
        corners = [(0, 0), (image[0] - width, 0), (0, image[1] - height), (image[0] - width, image[1] - height)]
    else:
        left, top, right, bottom = anchor
        corners = [(left, top - height), (right - width, top - height), (left, bottom), (right - width, bottom),
                   (right, top), (left - width, top), (right, bottom - height), (left - width, bottom - height)]
    places = []
    for x, y in corners:
        x, y = min(max(x, 0), image[0] - width), min(max(y, 0), image[1] - height)
        places.append((x, y, x + width, y + height))
    return places


def _elsewhere(size: Size, near: Rect, taken: Sequence[Rect], image: Size) -> Rect | None:
    places = _grid(size, image)
    free = places[sum((_shared(places, rect) for rect in taken), np.zeros(len(places))) == 0]
    if not len(free):
        return None
    return tuple(free[int(np.abs(free - np.array(near)).sum(axis=1).argmin())].tolist())


def _grid(size: Size, image: Size) -> np.ndarray:
    """(P, 4) places all over the image, its edges among them."""
    ends = [max(whole - own, 0) for whole, own in zip(image, size, strict=True)]
    x, y = (axis.ravel() for axis in np.meshgrid(*(np.append(np.arange(0, end, _STEP), end) for end in ends)))
    return np.stack([x, y, x + size[0], y + size[1]], axis=1)


def _shared(places: np.ndarray, rect: Rect) -> np.ndarray:
    """(P,) area that each place shares with a rectangle."""
    shared = np.minimum(places[:, 2:], rect[2:]) - np.maximum(places[:, :2], rect[:2])
    return shared.clip(0).prod(axis=1)


def _covered(place: Rect, taken: Sequence[Rect]) -> bool:
    return any(place[0] < right and left < place[2] and place[1] < bottom and top < place[3]
               for left, top, right, bottom in taken)
