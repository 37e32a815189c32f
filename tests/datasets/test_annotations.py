import codecs

import pytest

from claip_emo_mm.datasets.annotations import ListedClip, read_annotation_list
from claip_emo_mm.errors import InputError


def test_video_rows_of_a_spreadsheet_with_other_columns(write_list) -> None:
    path = write_list('identity,video,label\r', '7,"a, b.mp4", sad \r', '\r', '8,c.mp4,happy\r', encoding='utf-8-sig')
    assert read_annotation_list(path) == [ListedClip(line=2, label='sad', video='a, b.mp4'),
                                          ListedClip(line=4, label='happy', video='c.mp4')]


def test_frame_rows_may_lack_audio(write_list) -> None:
    path = write_list('frames,audio,label', 'f/1,1.wav,sad', 'f/2,,sad')
    assert read_annotation_list(path) == [ListedClip(line=2, label='sad', frames='f/1', audio='1.wav'),
                                          ListedClip(line=3, label='sad', frames='f/2')]


@pytest.mark.parametrize(('lines', 'message'), [
    (['video,label'], 'no clip is listed'),
    (['video,emotion', 'a.mp4,sad'], ':1: columns video, emotion found, label missing'),
    (['frames,label', 'f/1,sad'], ':1: columns frames, label found, audio missing'),
    (['video,label', 'a.mp4,sad', 'a, b.mp4,sad'], r':3: the row has more cells than the header \(2\)'),
    (['video,label', 'a.mp4'], r':2: the row has fewer cells than the header \(2\)'),
    (['video,label', ' ,sad'], ':2: video is empty'),
    (['path,file,label', 'a,b,sad'], 'path and file may each be the clip. Call the right one video. Expected'),
    (['video,video,label', 'a,b,sad'], ':1: columns video, video, label found, video twice'),
    (['Path,Emotion', 'a,sad'], ':1: columns path, emotion found, label missing. Expected the header video,label or'),
    (['video,label', '"a.mp4,sad', 'b.mp4,sad'], r':3: not a csv file \(unexpected end of data\).*close these'),
    (['video,label', '2,a.mp4,sad', '1,b.mp4,sad'], r':2: the row has more cells than the header \(2\)'),
    ([''], ':1: columns \\(none\\) found, frames, audio, label missing'),
])
def test_bad_lists(write_list, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_annotation_list(write_list(*lines))


ROWS = [('videos/a, b.mp4', 'sad'), ('00001.mp4', 'very happy'), ('笑 字.mp4', 'happy')]
# Program -> text of a list of the rows above, each written out by hand.
TABLES = {
    'R': '"","video","label"\n"1","videos/a, b.mp4","sad"\n"2","00001.mp4","very happy"\n"3","笑 字.mp4","happy"\n',
    'R, write.table': '"video","label"\n"1","videos/a, b.mp4","sad"\n"2","00001.mp4","very happy"\n'
                      '"3","笑 字.mp4","happy"\n',
    'pandas': ',video,label\n0,"videos/a, b.mp4",sad\n1,00001.mp4,very happy\n2,笑 字.mp4,happy\n',
    'blanks': 'video , label\n"videos/a, b.mp4", sad\n00001.mp4,  very happy \n笑 字.mp4,happy\n',
    'semicolons': 'Video;Label;Note\r\nvideos/a, b.mp4;sad;\r\n00001.mp4;very happy;x\r\n笑 字.mp4;happy;\r\n;;\r\n',
    'a hint': 'sep=;\nvideo;label\nvideos/a, b.mp4;sad\n00001.mp4;very happy\n笑 字.mp4;happy\n',
    'tabs': 'VIDEO\tLABEL\nvideos/a, b.mp4\tsad\n00001.mp4\tvery happy\n笑 字.mp4\thappy',
    'an old Mac': 'video\tlabel\rvideos/a, b.mp4\tsad\r00001.mp4\tvery happy\r笑 字.mp4\thappy\r',
    'path': 'path,label\n"videos/a, b.mp4",sad\n00001.mp4,very happy\n笑 字.mp4,happy\n',
    'FileName': 'label;FileName\nsad;videos/a, b.mp4\nvery happy;00001.mp4\nhappy;笑 字.mp4\n',
    'both': 'name,video,label\nx,"videos/a, b.mp4",sad\ny,00001.mp4,very happy\nz,笑 字.mp4,happy\n'}


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-be'])
@pytest.mark.parametrize('program', TABLES)
def test_lists_of_other_programs(tmp_path, program: str, encoding: str) -> None:
    mark = codecs.BOM_UTF16_BE if encoding == 'utf-16-be' else b''
    (tmp_path / 'list.csv').write_bytes(mark + TABLES[program].encode(encoding))
    assert [(clip.video, clip.label) for clip in read_annotation_list(tmp_path / 'list.csv')] == ROWS


def test_a_path_is_what_its_suffix_says(write_list) -> None:
    path = write_list('File,Label', 'a.MTS,sad', 'b.m4a,sad', 'frames/00001,sad')
    assert read_annotation_list(path) == [
        ListedClip(2, 'sad', video='a.MTS'), ListedClip(3, 'sad', audio='b.m4a'),
        ListedClip(4, 'sad', frames='frames/00001')]


def test_lines_are_counted_from_the_top(write_list) -> None:
    with pytest.raises(InputError, match='list.csv:6: label is empty'):
        read_annotation_list(write_list('', 'sep=;', 'video;label', '', 'a.mp4;sad', 'b.mp4;'))


def test_other_encoding(write_list) -> None:
    with pytest.raises(InputError, match='list.csv: not a text in UTF-8. .*Save it as csv'):
        read_annotation_list(write_list('video,label', '高兴.mp4,happy', encoding='gb18030'))


def test_missing_list_names_the_command(tmp_path) -> None:
    with pytest.raises(InputError, match=r'train\.csv: there is no such .*tools/prepare_data\.py'):
        read_annotation_list(tmp_path / 'train.csv')
