"""Subtitles, ELAN and Praat files, read by other people's libraries."""
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_result import NOTE, make_result

from claip_emo_mm.apis.formats import write_eaf, write_srt, write_textgrid, write_vtt

ABOUT = f'epoch_6.pth: trained on drawn faces. {NOTE}'
TIERS = {  # by hand: windows 0-4 and 2-6 meet at 3 s, person 2 is seen in 1.5-2 s
    'person 1': [(0, 3, 'happy'), (3, 6, 'in pain')], 'person 1 score': [(0, 3, '0.800'), (3, 6, '0.900')],
    'person 2': [(1.5, 2, 'unsure')], 'person 2 score': [(1.5, 2, '0.520')],
    'whole frame': [(6, 6.5, 'happy')], 'whole frame score': [(6, 6.5, '0.700')], 'model': [(0, 6.5, ABOUT)]}
CUES = [('00:00:00.000', '00:00:03.000', 'person 1: happy 80 % [zero-shot]'),
        ('00:00:01.500', '00:00:02.000', 'person 2: unsure: happy 52 % [zero-shot]'),
        ('00:00:03.000', '00:00:06.000', 'person 1: in pain 90 % [zero-shot]'),
        ('00:00:06.000', '00:00:06.500', 'whole frame: happy 70 % [zero-shot]')]


def test_elan(tmp_path: Path) -> None:
    elan = pytest.importorskip('pympi').Elan
    write_eaf(tmp_path / 'a.eaf', make_result())
    found = elan.Eaf(str(tmp_path / 'a.eaf'))
    assert {name: [(start / 1000, end / 1000, text) for start, end, text, *_ in
                   sorted(found.get_annotation_data_for_tier(name))] for name in found.get_tier_names()} == TIERS
    media, = found.get_linked_files()
    assert media['RELATIVE_MEDIA_URL'] == './../talk%20%26%20%22more%22%20%E7%AC%91.mp4'
    assert media['MIME_TYPE'] == 'video/mp4'
    root = ElementTree.parse(tmp_path / 'a.eaf').getroot()
    used = root.findtext('HEADER/PROPERTY[@NAME="lastUsedAnnotationId"]')
    assert int(used) == sum(map(len, TIERS.values())) == len(root.findall('.//ALIGNABLE_ANNOTATION'))


def test_praat(tmp_path: Path) -> None:
    textgrid = pytest.importorskip('praatio.textgrid')
    write_textgrid(tmp_path / 'a.TextGrid', make_result())
    for with_gaps in (False, True):
        found = textgrid.openTextgrid(str(tmp_path / 'a.TextGrid'), includeEmptyIntervals=with_gaps)
        entries = {name: [tuple(entry) for entry in found.getTier(name).entries] for name in found.tierNames}
        assert {name: [entry for entry in each if entry[2]] for name, each in entries.items()} == TIERS
        assert entries['person 2'] == [*[(0, 1.5, '')] * with_gaps, *TIERS['person 2'], *[(2, 6.5, '')] * with_gaps]
    assert (found.minTimestamp, found.maxTimestamp) == (0, 6.5)


def test_webvtt(tmp_path: Path) -> None:
    webvtt = pytest.importorskip('webvtt')
    write_vtt(tmp_path / 'a.vtt', make_result())
    assert [(cue.start, cue.end, cue.text) for cue in webvtt.read(str(tmp_path / 'a.vtt'))] == CUES
    text = (tmp_path / 'a.vtt').read_text(encoding='utf-8')
    assert text.startswith('WEBVTT\n\nNOTE epoch_6.pth: trained on drawn faces. zero-shot: ') and text.count('-->') == 4


def test_subrip(tmp_path: Path) -> None:
    webvtt = pytest.importorskip('webvtt')
    write_srt(tmp_path / 'a.srt', make_result())
    first, *others = [(cue.start, cue.end, cue.text) for cue in webvtt.from_srt(str(tmp_path / 'a.srt'))]
    assert first == (*CUES[0][:2], f'{CUES[0][2]}\ndata: drawn faces') and others == CUES[1:]


def test_long_videos_have_hours(tmp_path: Path) -> None:
    result = make_result(note='')
    result.people, result.rows = [], [result.rows[0]]
    result.rows[0].from_s, result.rows[0].to_s = 7199.9996, 7261.25
    write_vtt(tmp_path / 'a.vtt', result)
    assert '02:00:00.000 --> 02:01:01.250\nhappy 80 %\n' in (tmp_path / 'a.vtt').read_text()
