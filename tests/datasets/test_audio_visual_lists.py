import pytest

from claip_emo_mm.datasets import AudioVisualDataset, DFEWDataset, MAFWDataset
from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.datasets.audio_visual import read_listed_clips
from claip_emo_mm.datasets.labels import DFEW, MAFW, LabelSchema
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


@pytest.mark.parametrize('rows', [
    ['videos/a, b.mp4;0', 'videos/7.mp4;6'], ['"videos/a, b.mp4","0"', '"videos/7.mp4","6"'],
    ['"videos/a, b.mp4",happy', 'videos/7.mp4 , fear'], ['videos/a, b.mp4\thappy', 'videos/7.mp4\tfear'],
    ['"","video_name","label"', '"1","videos/a, b.mp4","0"', '"2","videos/7.mp4","6"'],
    ['Video_Name; Label', 'videos/a, b.mp4;Joy', 'videos/7.mp4;afraid'],
    ['videos/a, b.mp4 0', 'videos/7.mp4 6']])
def test_paths_without_our_header(write_list, rows: list[str]) -> None:
    for encoding in ('utf-8', 'utf-16', 'utf-8-sig'):
        clips = read_listed_clips(write_list(*rows, encoding=encoding), DFEW)
        assert [(clip.video, clip.label) for clip in clips] == [('videos/a, b.mp4', 'happy'), ('videos/7.mp4', 'fear')]
        assert [clip.line for clip in clips] == ([2, 3] if len(rows) == 3 else [1, 2])


def test_rows_of_all_kinds_without_a_header(write_list) -> None:
    assert read_listed_clips(write_list('frames/1,1.wav,happy', 'frames/2,2.m4a,sad'), DFEW) == [
        ListedClip(1, 'happy', frames='frames/1', audio='1.wav'),
        ListedClip(2, 'sad', frames='frames/2', audio='2.m4a')]
    own = LabelSchema('', 'mine', ('1', '0'))  # names, not numbers of classes
    assert [clip.label for clip in read_listed_clips(write_list('1.mp4,0', 'a/2.mp4,1'), own)] == ['0', '1']
    assert read_listed_clips(write_list('wav/a.wav 0', 'wav/b.mp3 6'), DFEW)[0] == ListedClip(
        1, 'happy', audio='wav/a.wav')


def test_a_short_list_of_numbers(write_list) -> None:
    path = write_list('a.mp4,1', 'b.mp4,2')
    with pytest.raises(InputError, match='Say which: first_number=0 or first_number=1 of the data set in the config'):
        read_listed_clips(path, DFEW)
    assert [clip.label for clip in read_listed_clips(path, DFEW, first_number=1)] == ['happy', 'sad']
    data = dict(ann_file=path, pipeline=[], lazy_init=True)
    assert [clip.label for clip in AudioVisualDataset(**data, first_number=0).listed_clips()] == ['sad', 'neutral']
    for dataset in (DFEWDataset(1, [], ann_file=path, lazy_init=True, data_root='', first_number=0),
                    MAFWDataset(1, [], ann_file=path, lazy_init=True, data_root='', first_number=0)):
        assert [clip.label for clip in dataset.listed_clips()] == list(dataset.schema.classes[1:3])
    with pytest.raises(InputError, match='first_number is 2. Expected 0, 1 or None'):
        AudioVisualDataset(**data, first_number=2)


def test_ours_are_the_first_formats_that_an_error_names(write_list) -> None:
    with pytest.raises(InputError, match='known format. Expected the header video,label or frames,audio,label. Known'):
        read_listed_clips(write_list('vid,lab', 'a.mp4,sad'), DFEW)


def test_a_header_that_was_meant_to_be_ours(write_list) -> None:
    with pytest.raises(InputError, match='columns video, emotion found, label missing'):
        read_listed_clips(write_list('video,emotion', 'a.mp4,sad'), DFEW)
