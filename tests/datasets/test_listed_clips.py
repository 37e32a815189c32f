import pytest

from claip_emo_mm.datasets.annotation_list import ListedClip
from claip_emo_mm.datasets.label_schemas import DFEW, MAFW, LabelSchema
from claip_emo_mm.datasets.listed_clips import read_listed_clips
from claip_emo_mm.errors import InputError


def test_our_lists(write_list) -> None:
    path = write_list('audio,frames,label', '1.wav,f/1,sad')
    assert read_listed_clips(path, DFEW) == [ListedClip(2, 'sad', frames='f/1', audio='1.wav')]


def test_published_lists_with_paths(write_list) -> None:
    assert read_listed_clips(write_list('f/00001 s/1.wav 0', 'f/00002 s/2.wav 4'), DFEW) == [
        ListedClip(1, 'happy', frames='f/00001', audio='s/1.wav'),
        ListedClip(2, 'surprise', frames='f/00002', audio='s/2.wav')]
    assert read_listed_clips(write_list('a.mp4 0', 'b.mp4 1'), LabelSchema('', 'two', ('x', 'y'))) == [
        ListedClip(1, 'x', video='a.mp4'), ListedClip(2, 'y', video='b.mp4')]


@pytest.mark.parametrize(('schema', 'rows'), [(DFEW, ['video_name,label', '00001,0']), (MAFW, ['00001.mp4 anger'])])
def test_lists_without_paths(write_list, schema: LabelSchema, rows: list[str]) -> None:
    with pytest.raises(InputError, match=r'names clips, but not where .* lie. tools/prepare_data.py'):
        read_listed_clips(write_list(*rows), schema)


def test_a_header_that_was_meant_to_be_ours(write_list) -> None:
    with pytest.raises(InputError, match='columns video, emotion found, label missing'):
        read_listed_clips(write_list('video,emotion', 'a.mp4,sad'), DFEW)
