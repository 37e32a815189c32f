"""Fonts for class names in any script: matplotlib's own has no Chinese, Japanese, Korean or Indian signs."""
import logging
from functools import cache, lru_cache

from matplotlib import font_manager, ft2font
from matplotlib.figure import Figure
from matplotlib.text import Text

_FAMILY = 'DejaVu Sans'  # comes with matplotlib


def set_fonts(figure: Figure) -> None:
    """Let an installed font draw the signs in a figure that matplotlib's own font lacks; without one they are boxes."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    fallback = font_file(''.join(text.get_text() for text in texts))
    if fallback != _own_file():
        font_manager.fontManager.addfont(fallback)  # matplotlib's list of fonts may be older than the font
        logging.getLogger(font_manager.__name__).setLevel(logging.ERROR)  # it has not all weights: a line for each text
        family = font_manager.FontProperties(fname=fallback).get_name()
        for text in texts:
            text.set_fontfamily([_FAMILY, family])


@lru_cache(maxsize=512)  # texts of figures are many, and long
def font_file(text: str) -> str:
    """File of matplotlib's own font, or of the installed one that has most of the signs of a text that it lacks."""
    lacking = {ord(sign) for sign in text if not sign.isspace()} - _signs(_own_file())[0]
    best, most = _own_file(), (0, False)
    for path in sorted(font_manager.findSystemFonts()) if lacking else ():
        signs, style = _signs(path)
        found = len(lacking & signs), style == 'Regular'
        if found[0] and found > most:
            best, most = path, found
    return best


def _own_file() -> str:
    return font_manager.findfont(_FAMILY)


@cache
def _signs(path: str) -> tuple[frozenset[int], str]:
    """Numbers of the signs that a font has, and its style; none of a file that FreeType cannot read."""
    try:
        font = ft2font.FT2Font(path)
        return frozenset(font.get_charmap()), font.style_name
    except (OSError, RuntimeError):
        return frozenset(), ''
