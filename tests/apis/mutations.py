"""Damage to files, sampled by a seed: what broken disks, networks and programs do, and what an attacker would try."""
import numpy as np

_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(data: bytes, rng: np.random.Generator, other: bytes = b'') -> bytes:
    """Return a damaged copy, by one to four of the ways below.

    Args:
        data: the file.
        rng: samples the damage.
        other: another file, of which pieces get in.
    """
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not out:
            break
        start = int(rng.integers(len(out)))
        if rng.random() < .5:  # most of what a reader believes stands at the beginning
            start = int(rng.integers(min(len(out), 600)))
        length = int(min(len(out) - start, 2 ** rng.integers(0, 12)))
        _WAYS[rng.integers(len(_WAYS))](out, start, length, rng, other)
    return bytes(out)


def _flip(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    for place in rng.integers(start, start + length, min(length, 20)):
        out[place] ^= 1 << int(rng.integers(8))


def _noise(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    out[start:start + length] = rng.bytes(length)


def _fill(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    out[start:start + length] = bytes([int(rng.choice([0, 0xFF, 0x20]))]) * length


def _cut(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    del out[max(start, 1):]


def _delete(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    del out[start:start + length]


def _repeat(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    out[start:start] = out[start:start + length] * int(rng.integers(1, 4))


def _number(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    size = int(rng.choice([1, 2, 4]))
    value = int(rng.choice(_EXTREMES)) & (256 ** size - 1)
    out[start:start + size] = value.to_bytes(size, str(rng.choice(['big', 'little'])))


def _splice(out: bytearray, start: int, length: int, rng: np.random.Generator, other: bytes) -> None:
    place = int(rng.integers(max(len(other), 1)))
    out[start:start + length] = other[place:place + length]


_WAYS = (_flip, _noise, _fill, _cut, _delete, _repeat, _number, _number, _splice)
