"""The colours that people have in all pictures of a result."""

_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167))  # Okabe, Ito


def person_colour(person: int | None) -> tuple[int, int, int]:
    """RGB, 0 to 255, of a person's number, from 1; None is the whole picture."""
    return _COLOURS[((person or 1) - 1) % len(_COLOURS)]
