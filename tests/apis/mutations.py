"""Damage to files, drawn by a seed: what broken disks, networks and programs do, and what an attacker would try."""
import numpy as np

_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(data: bytes, draw: np.random.Generator, other: bytes = b'') -> bytes:
    """Return a damaged copy, by one to four of the ways below.

    Args:
        data: the file.
        draw: where the damage comes from.
        other: another file, of which pieces get in.
    """
    out = bytearray(data)
    for _ in range(draw.integers(1, 5)):
        if not out:
            break
        start = int(draw.integers(len(out)))
        if draw.random() < .5:  # most of what a reader believes stands at the beginning
            start = int(draw.integers(min(len(out), 600)))
        length = int(min(len(out) - start, 2 ** draw.integers(0, 12)))
        _WAYS[draw.integers(len(_WAYS))](out, start, length, draw, other)
    return bytes(out)


def _flip(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    for place in draw.integers(start, start + length, min(length, 20)):
        out[place] ^= 1 << int(draw.integers(8))


def _noise(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    out[start:start + length] = draw.bytes(length)


def _fill(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    out[start:start + length] = bytes([int(draw.choice([0, 0xFF, 0x20]))]) * length


def _cut(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    del out[max(start, 1):]


def _delete(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    del out[start:start + length]


def _repeat(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    out[start:start] = out[start:start + length] * int(draw.integers(1, 4))


def _number(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    size = int(draw.choice([1, 2, 4]))
    value = int(draw.choice(_EXTREMES)) & (256 ** size - 1)
    out[start:start + size] = value.to_bytes(size, str(draw.choice(['big', 'little'])))


def _splice(out: bytearray, start: int, length: int, draw: np.random.Generator, other: bytes) -> None:
    place = int(draw.integers(max(len(other), 1)))
    out[start:start + length] = other[place:place + length]


_WAYS = (_flip, _noise, _fill, _cut, _delete, _repeat, _number, _number, _splice)
