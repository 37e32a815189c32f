"""Face boxes with labels, and what the model was trained on, drawn on the frames of a video."""
import textwrap
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from claip_emo_mm.structures import Box, EmotionResult, EmotionRow
from claip_emo_mm.visualization.fonts import font_file
from claip_emo_mm.visualization.label_layout import Rect, Size, least_covering, place_labels, shrunk
from claip_emo_mm.visualization.plots import person_color

_MAX_GAP_S = .7  # between two boxes of a face over which they are interpolated
_HOLD_S = .13  # that a box stays where no newer one is known: the usual distance of boxes
_TEXT_RATIO = 1 / 26  # height of the letters' line, of the shorter side of the image
_SMALLEST = 11  # pixels of that height, where there is room
_SHRINK = (1., .8, .65)  # tried one after the other where labels have no room
_TINY = 8  # pixels below which nobody can read
_NOTE_RATIO = .7  # size of the note's letters, of the labels'
_NOTE_COLOR = (32, 32, 32)
_UNSURE_COLOR = (205, 205, 205)  # behind the label; the box keeps the color of the person
_FEW_LETTERS = 4

Color = tuple[int, int, int]
_Shown = tuple[EmotionRow, Rect | None]  # a row and its face
_Label = tuple[Rect, str, int]  # place, text, size of the letters
_Note = tuple[np.ndarray, Rect]  # image, place


class FrameLabels:
    """Boxes and labels at a time: of the people of the window whose middle is nearest.

    No label covers another one or a face. Where they have no room they get smaller and shorter; only where faces fill
    the image a label lies over the edge of a face.
    """

    def __init__(self, result: EmotionResult) -> None:
        self._paths = {person.number: (np.array([time_s for time_s, _ in person.path]),
                                       np.array([box for _, box in person.path]).reshape(-1, 4))
                       for person in result.people}
        windows: dict[tuple[float, float], list[EmotionRow]] = {}
        for row in result.rows:
            windows.setdefault((row.from_s, row.to_s), []).append(row)
        self._windows = list(windows.values())
        self._middles = np.array([sum(times) / 2 for times in windows])
        data = f'trained on {result.model.data}' if result.model.data else ''
        self._note, self._kind = (result.note, result.kind) if result.note else (result.about, data)
        self._places: dict[int | None, int] = {}  # where each person's label was, beside the face

    def draw(self, image: np.ndarray, time_s: float) -> np.ndarray:
        """Draw on a copy of (H, W, 3) RGB uint8."""
        image = image.copy()
        height, width = image.shape[:2]
        shown: list[_Shown] = []
        for row in self._windows[np.abs(self._middles - time_s).argmin()]:
            box = None if row.person is None else self._box(row.person, time_s)
            if row.from_s <= time_s <= row.to_s and (row.person is None or box is not None):
                shown.append((row, box and _pixels(box, width, height)))
        faces = [face for _, face in shown if face is not None]
        note, labels = self._arrange(shown, faces, (width, height))
        for row, face in shown:
            if face is not None:
                cv2.rectangle(image, face[:2], (face[2] - 1, face[3] - 1), person_color(row.person),
                              max(1, round(min(height, width) / 300)))
        for (row, _), (place, text, size) in zip(shown, labels, strict=True):
            _paste(image, _render(text, size, (0, 0, 0), _UNSURE_COLOR if row.unsure else person_color(row.person)),
                   place)
        if note is not None:
            _paste(image, *note)
        return image

    def _arrange(self, shown: list[_Shown], faces: list[Rect], image: Size) -> tuple[_Note | None, list[_Label]]:
        """Choose the note and the labels: whole ones if they have room, else short ones."""
        notes = self._notes(faces, image) or [None]
        for note in notes:
            taken = [] if note is None else [note[1]]
            labels = self._fit(shown, faces + taken, image, lengths=(0,))
            if labels is not None:
                return note, labels
        labels = (self._fit(shown, faces + taken, image, lengths=(1, 2))
                  or self._fit(shown, [shrunk(face) for face in faces] + taken, image, lengths=(0, 1, 2))
                  or self._cover(shown, faces, taken, image))
        return notes[-1], labels

    def _fit(self, shown: list[_Shown], taken: list[Rect], image: Size, lengths: tuple[int, ...]) -> (
            list[_Label] | None):
        """The longest and largest labels for which all have a place; None where they have none."""
        largest = max(_SMALLEST, round(_TEXT_RATIO * min(image)))
        before = [self._places.get(row.person, -1) for row, _ in shown]
        for length in lengths:
            texts = [self._texts(row)[length] for row, _ in shown]
            for size in sorted({max(_TINY, round(ratio * largest)) for ratio in _SHRINK}, reverse=True):
                found = place_labels([_size(text, size) for text in texts], [face for _, face in shown], taken, image,
                                     before)
                if found is not None:
                    self._places = {row.person: number for (row, _), number in zip(shown, found[1], strict=True)}
                    return [(place, text, size) for place, text in zip(found[0], texts, strict=True)]
        return None

    def _cover(self, shown: list[_Shown], faces: list[Rect], taken: list[Rect], image: Size) -> list[_Label]:
        """Labels over the edges of faces that fill the image, or beyond that over their middle."""
        labels: list[_Label] = []
        for row, _ in shown:
            texts = [text for text in self._texts(row) if _size(text, _TINY)[0] <= image[0]] or ['']
            place = least_covering(_size(texts[0], _TINY), faces, taken + [place for place, *_ in labels], image)
            labels.append((place, texts[0], _TINY))
        return labels

    def _notes(self, faces: list[Rect], image: Size) -> list[_Note]:
        """The note and where it stands, the best first: below, above, its first words alone."""
        if not self._note:
            return []
        width, height = image
        size = max(_TINY + 1, round(_NOTE_RATIO * max(_SMALLEST, _TEXT_RATIO * min(image))))
        whole, short = (_render(_wrapped(text, size, width), size, (255, 255, 255), _NOTE_COLOR)[:height, :width]
                        for text in (self._note, self._kind))
        notes = [(patch, (0, top, patch.shape[1], top + patch.shape[0])) for patch in (whole, short)
                 for top in (height - patch.shape[0], 0)]
        free = [note for note in notes if not any(_overlaps(note[1], face) for face in faces)]
        return free or [(short, least_covering(short.shape[1::-1], faces, [], image))]

    def _texts(self, row: EmotionRow) -> tuple[str, str, str]:
        """Label of a row, the longest first."""
        number = f'{row.person}: ' if len(self._paths) > 1 and row.person else ''
        return f'{number}{row.label}', f'{number}{row.verdict}', number.strip(': ') or row.verdict[:_FEW_LETTERS]

    def _box(self, person: int, time_s: float) -> Box | None:
        times, boxes = self._paths[person]
        after = int(np.searchsorted(times, time_s))
        near = times[max(after - 1, 0):after + 1]
        if len(near) == 2 and near[1] - near[0] <= _MAX_GAP_S:
            return tuple(float(np.interp(time_s, times, column)) for column in boxes.T)
        if len(near) and np.abs(near - time_s).min() <= _HOLD_S:
            return tuple(boxes[int(np.abs(times - time_s).argmin())].tolist())
        return None


def _pixels(box: Box, width: int, height: int) -> Rect:
    """Pixels of a box of fractions, within the image."""
    left, top = max(round(box[0] * width), 0), max(round(box[1] * height), 0)
    right, bottom = round((box[0] + box[2]) * width), round((box[1] + box[3]) * height)
    return min(left, width - 1), min(top, height - 1), min(max(right, left + 1), width), min(
        max(bottom, top + 1), height)


def _overlaps(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@lru_cache(maxsize=32)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _wrapped(text: str, size: int, width: int) -> str:
    """Break a text into lines that fit into a width in pixels."""
    length = max(_font(font_file(text), size).getlength(text), 1.)
    return textwrap.fill(text, max(int(.92 * len(text) * (width - 2 * size) / length), 8))


def _size(text: str, size: int) -> Size:
    """Width and height of a rendered text."""
    return _render(text, size, (0, 0, 0), (0, 0, 0)).shape[1::-1]


@lru_cache(maxsize=512)
def _render(text: str, size: int, color: Color, background: Color) -> np.ndarray:
    """Render a text with a margin: (h, w, 3) uint8 RGB."""
    pad = max(2, size // 4)
    font = _font(font_file(text), size)
    probe = ImageDraw.Draw(Image.new('RGB', (1, 1)))
    left, top, right, bottom = probe.multiline_textbbox((0, 0), text, font=font, spacing=pad)
    _, rise, _, fall = probe.textbbox((0, 0), 'Ålp', font=font)  # all labels of one line are equally high
    top, bottom = min(top, rise), max(bottom, fall)
    patch = Image.new('RGB', (round(right - left) + 2 * pad, round(bottom - top) + 2 * pad), background)
    ImageDraw.Draw(patch).multiline_text((pad - left, pad - top), text, fill=color, font=font, spacing=pad)
    return np.asarray(patch)


def _paste(image: np.ndarray, patch: np.ndarray, place: Rect) -> None:
    left, top, right, bottom = place
    image[top:bottom, left:right] = patch[:bottom - top, :right - left]
