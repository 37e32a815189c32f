"""Class names in signs that matplotlib's own font lacks."""
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from claip_emo_mm.visualization import fonts
from claip_emo_mm.visualization.frame_labels import _render
from claip_emo_mm.visualization.plots import figure_bytes, plot_confusion_matrix

OWN = Path(font_manager.findfont('DejaVu Sans'))
SIGN = '\U00012345'  # of cuneiform, which few machines have a font for


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A font that has one sign, a full square."""
    pen = TTGlyphPen(None)
    for step, corner in enumerate([(0, 0), (0, 1000), (1000, 1000), (1000, 0)]):
        (pen.lineTo if step else pen.moveTo)(corner)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(['.notdef', 'square'])
    builder.setupCharacterMap({ord(SIGN): 'square'})
    builder.setupGlyf({'.notdef': empty, 'square': square})
    builder.setupHorizontalMetrics({'.notdef': (1000, 0), 'square': (1000, 0)})
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable(dict(familyName='One Square', styleName='Regular'))
    builder.setupOS2(sTypoAscender=1000, usWinAscent=1000, usWeightClass=400)
    builder.setupPost()
    path = tmp_path / 'square.ttf'
    builder.save(path)
    broken = tmp_path / 'broken.ttf'
    broken.write_bytes(b'no font')
    monkeypatch.setattr(font_manager, 'findSystemFonts', lambda: [str(broken), str(path)])
    monkeypatch.setattr(font_manager.fontManager, 'ttflist', [*font_manager.fontManager.ttflist])
    for function in (fonts.font_file, _render):
        function.cache_clear()
    yield path
    for function in (fonts.font_file, _render):
        function.cache_clear()


def test_a_text_is_drawn_by_matplotlibs_font_where_that_has_its_signs(installed: Path) -> None:
    assert fonts.font_file('wütend, 7 %\n') == str(OWN)
    assert fonts.font_file(f'a {SIGN}') == str(installed)
    assert fonts.font_file('\U000f0000') == str(OWN)  # a private sign, which no font has


@pytest.mark.filterwarnings('error:Glyph')
def test_plots_and_overlays_show_the_sign(installed: Path) -> None:
    assert (_render(SIGN, 20, (255, 0, 0), (0, 0, 0)) == (255, 0, 0)).all(-1).sum() >= 18 * 18  # a square of 20 pixels
    figure = plot_confusion_matrix(np.eye(2), ['calm', SIGN])
    assert b'One Square' in figure_bytes(figure, 'svg')
    plain, shown = (figure_bytes(plot_confusion_matrix(np.eye(2), ['calm', name]), 'png') for name in (SIGN, 'i'))
    assert plain != shown

