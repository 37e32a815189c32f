import pytest

from claip_emo_mm.datasets.annotation_list import ListedClip, read_annotation_list
from claip_emo_mm.errors import InputError


def test_video_rows_of_a_spreadsheet_with_other_columns(write_list) -> None:
    path = write_list('identity,video,label\r', '7,"a, b.mp4", sad \r', '\r', '8,c.mp4,happy\r', encoding='utf-8-sig')
    assert read_annotation_list(path) == [ListedClip(line=2, label='sad', video='a, b.mp4'),
                                          ListedClip(line=4, label='happy', video='c.mp4')]


def test_frame_rows_may_lack_sound(write_list) -> None:
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
])
def test_bad_lists(write_list, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_annotation_list(write_list(*lines))


def test_other_encoding(write_list) -> None:
    with pytest.raises(InputError, match='not a csv file in UTF-8'):
        read_annotation_list(write_list('video,label', '高兴.mp4,happy', encoding='gb18030'))


def test_missing_list_names_the_command(tmp_path) -> None:
    with pytest.raises(InputError, match=r'train\.csv: there is no such .*tools/prepare_data\.py'):
        read_annotation_list(tmp_path / 'train.csv')
