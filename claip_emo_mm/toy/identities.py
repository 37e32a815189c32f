"""Random streams and looks of the toy set's identities."""
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

RGB = tuple[int, int, int]

SPLITS = ('train', 'val', 'test', 'pretrain')
SKINS: dict[str, RGB] = {
    'pale': (238, 200, 172), 'fair': (228, 182, 144), 'tan': (210, 160, 120), 'bronze': (185, 132, 92),
    'brown': (148, 100, 68), 'dark': (112, 73, 52)}
HAIRS: dict[str, RGB] = {
    'black': (32, 28, 30), 'brown': (88, 55, 36), 'chestnut': (145, 88, 50), 'blond': (218, 172, 98),
    'red': (158, 62, 34), 'grey': (138, 134, 134)}
CLOTHS: dict[str, RGB] = {
    'red': (190, 45, 45), 'orange': (225, 130, 45), 'yellow': (222, 200, 75), 'green': (65, 145, 75),
    'teal': (45, 150, 150), 'blue': (55, 90, 185), 'purple': (125, 70, 160), 'pink': (222, 130, 165),
    'white': (225, 225, 222), 'grey': (125, 128, 132), 'black': (45, 45, 50)}
HAIR_STYLES = ('short', 'long', 'parted', 'curly')


class Paint(NamedTuple):
    """A color, as captions name it and as it is drawn."""
    name: str
    rgb: RGB


@dataclass(frozen=True)
class FaceIdentity:
    """One person's looks; sizes are factors around 1."""
    feminine: bool  # fuller lips, and no beard
    skin: Paint
    hair: Paint
    hair_style: str
    glasses: bool
    beard: bool
    iris: RGB
    face_width: float
    face_height: float
    eye_size: float
    eye_gap: float  # distance between the eyes
    nose: float
    mouth: float
    brow: float  # thickness
    shirt: Paint
    background: Paint

    @classmethod
    def sample(cls, rng: np.random.Generator) -> 'FaceIdentity':
        feminine = bool(rng.random() < .5)
        return cls(
            feminine=feminine, skin=_pick(rng, SKINS, .05), hair=_pick(rng, HAIRS, .08),
            hair_style=HAIR_STYLES[rng.integers(len(HAIR_STYLES))],
            glasses=bool(rng.random() < .25), beard=bool(rng.random() < .35) and not feminine,
            iris=(int(rng.integers(30, 110)), int(rng.integers(40, 120)), int(rng.integers(30, 140))),
            face_width=float(rng.uniform(.88, 1.1)), face_height=float(rng.uniform(.94, 1.1)),
            eye_size=float(rng.uniform(.88, 1.18)), eye_gap=float(rng.uniform(.9, 1.12)),
            nose=float(rng.uniform(.8, 1.25)), mouth=float(rng.uniform(.88, 1.15)), brow=float(rng.uniform(.8, 1.35)),
            shirt=_pick(rng, CLOTHS, .12), background=_pick(rng, CLOTHS, .12))


def identity_stream(seed: int, split: str, index: int) -> np.random.Generator:
    """Return the random stream of one identity; split 'pretrain' is of those that no toy clip shows."""
    if split not in SPLITS:
        raise ValueError(f'split {split!r} of the toy set is not one of {", ".join(SPLITS)}')
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index)))


def _pick(rng: np.random.Generator, palette: dict[str, RGB], spread: float) -> Paint:
    name = tuple(palette)[rng.integers(len(palette))]
    light = rng.uniform(1 - spread, 1 + spread)
    red, green, blue = (round(min(255, value * light)) for value in palette[name])
    return Paint(name, (red, green, blue))
