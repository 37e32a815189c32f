"""Every format of list, in small and from the data sets' owners."""
from collections import Counter
from pathlib import Path

import pytest

from claip_emo_mm.datasets.annotations import ListedClip
from claip_emo_mm.datasets.labels import DFEW, MAFW, MAFW_COMPOUND
from claip_emo_mm.datasets.official_lists import OfficialList, read_official_list
from claip_emo_mm.errors import InputError


@pytest.fixture
def write(tmp_path: Path):
    def write_text(text: str, encoding: str = 'utf-8') -> Path:
        path = tmp_path / 'list.txt'
        path.write_bytes(text.encode(encoding))
        return path
    return write_text


def missing_in(other: OfficialList, complete: OfficialList) -> list[ListedClip]:
    there = {clip.clip_id for clip in other.clips}
    return [clip for clip in complete.clips if clip.clip_id not in there]


def test_dfew_csv_from_1(write) -> None:
    found = read_official_list(write('video_name,label\n00001,7\n23,1\n'), DFEW)
    assert found.format == "DFEW's csv, labels from 1"
    assert found.clips == (ListedClip(2, 'fear', bare_name='00001'), ListedClip(3, 'happy', bare_name='23'))
    assert [clip.clip_id for clip in found.clips] == ['00001', '00023']


def test_dfew_csv_from_0(write) -> None:
    found = read_official_list(write('video_name,label\r\n00001,6\r\n00002,0\r\n'), DFEW)
    assert found.format == "DFEW's csv, labels from 0"
    assert [clip.label for clip in found.clips] == ['fear', 'happy']


@pytest.mark.parametrize('text', [
    '"video_name","label"\n"00001","7"\n"23","1"\n', '"","video_name","label"\n"1","00001","7"\n"2","23","1"\n',
    'Video_Name ; Label\r\n00001;7\r\n23; 1\r\n', 'video_name\tlabel\r00001\t7\r23\t1',
    'label,video_name\n7,00001\n1,23'])
def test_dfew_csv_from_other_programs(write, text: str) -> None:
    for encoding in ('utf-8', 'utf-8-sig', 'utf-16'):
        found = read_official_list(write(text, encoding), DFEW)
        assert (found.format, found.has_paths) == ("DFEW's csv, labels from 1", False)
        assert found.clips == (ListedClip(2, 'fear', bare_name='00001'), ListedClip(3, 'happy', bare_name='23'))
        assert [clip.clip_id for clip in found.clips] == ['00001', '00023']


def test_labels_that_may_count_either_way(write) -> None:
    path = write('video_name,label\n00001,1\n00002,6\n')
    with pytest.raises(InputError, match='labels 1 to 6 found: .*may count from 0 or from 1. Say which: first_number'):
        read_official_list(path, DFEW)
    assert [clip.label for clip in read_official_list(path, DFEW, first_number=0).clips] == ['sad', 'fear']
    assert [clip.label for clip in read_official_list(path, DFEW, first_number=1).clips] == ['happy', 'disgust']


@pytest.mark.parametrize(('labels', 'first', 'message'), [
    ('0 7', None, 'labels 0 to 7 found, 0 to 6 or 1 to 7 expected'), ('8 9', None, 'labels 8 to 9 found'),
    ('0 3', 1, 'labels 0 to 3 found, 1 to 7 expected'), ('3 7', 0, 'labels 3 to 7 found, 0 to 6 expected')])
def test_labels_that_count_in_no_way(write, labels: str, first: int | None, message: str) -> None:
    path = write('\n'.join(f'0000{label},{label}' for label in labels.split()))
    with pytest.raises(InputError, match=message):
        read_official_list(path, DFEW, first)


def test_mafw_txt(write) -> None:
    found = read_official_list(write('00025.mp4 anger\r\n10021.mp4 Fear\r\n'), MAFW)
    assert found.format == "MAFW's txt"
    assert found.clips == (ListedClip(1, 'anger', video='00025.mp4'),
                           ListedClip(2, 'fear', video='10021.mp4'))


def test_mafw_captions(write) -> None:
    text = '00025.mp4\tanger_disgust\t一个男人大声讲话。\tA man talks loudly, 3 times.\r\n'
    found = read_official_list(write(text, 'gb18030'), MAFW_COMPOUND)
    assert found.format == "MAFW's txt with captions"
    assert found.clips == (ListedClip(1, 'anger_disgust', video='00025.mp4'),)


def test_rows_end_at_line_ends_alone(write) -> None:
    rows = ['00025.mp4\tanger\ta man\u2028talks\x0bloudly', '00026.mp4\tfear\tanother\x85one']
    for end in ('\n', '\r\n', '\r'):
        found = read_official_list(write(end.join([*rows, '']), 'gb18030'), MAFW)
        assert [(clip.line, clip.clip_id, clip.label) for clip in found.clips] == [
            (1, '00025', 'anger'), (2, '00026', 'fear')]


def test_audiovisual_list(write) -> None:
    path = write('data/D F/frames/00002 data/wav/2.wav 0\n\ndata/D F/frames/00004 data/wav/4.wav 6')
    found = read_official_list(path, DFEW)
    assert found.format == 'audiovisual list, labels from 0'
    assert found.clips[1] == ListedClip(3, 'fear', frames='data/D F/frames/00004', audio='data/wav/4.wav')


def test_counted_frames(write) -> None:
    found = read_official_list(write('clips/00002 31 1\nclips/00004 8 11'), MAFW)
    assert found.format == 'list of counted frames, labels from 1'
    assert found.clips[1] == ListedClip(2, 'disappointment', frames='clips/00004', num_frames=8)


def test_paths(write) -> None:
    found = read_official_list(write('clips/2.mp4 0\nframes/00004 3'), DFEW)
    assert found.format == 'list of paths, labels from 0'
    assert found.clips == (ListedClip(1, 'happy', video='clips/2.mp4'),
                           ListedClip(2, 'angry', frames='frames/00004'))


def test_paths_of_videos_may_hold_blanks(write) -> None:
    found = read_official_list(write('my clips/no 2.mp4 0\nmy clips/no 3.M4V 6'), DFEW)
    assert [(clip.video, clip.frames, clip.audio, clip.label) for clip in found.clips] == [
        ('my clips/no 2.mp4', '', '', 'happy'), ('my clips/no 3.M4V', '', '', 'fear')]


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'no clip is listed'), ('video_name,label\n', 'no clip is listed'),
    ('{"a": 1}', r"list.txt:1: '\{\"a\": 1\}' is a row of no known format. Expected the header video,label or"),
    ('00001.mp4 anger\n00002.mp4 angst', r"list.txt:2: 'angst' is no class of MAFW single; expected one of anger"),
    ('00001.mp4 anger\n00002.mp4', r"list.txt:2: '00002.mp4' does not have the format of the rows above it: video"),
    ('00001.mp4 anger\n\n00001.mp4 anger_disgust', r"list.txt:3: 'anger_disgust' is no class of MAFW single")])
def test_bad_lists(write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_official_list(write(text), MAFW)


def test_no_text(write, tmp_path: Path) -> None:
    path = write('')
    path.write_bytes(b'\x00\xff\x80PNG\x00')
    with pytest.raises(InputError, match='not a text in UTF-8 or GB18030'):
        read_official_list(path, MAFW)
    with pytest.raises(InputError, match='there is no such list'):
        read_official_list(tmp_path / 'gone.txt', MAFW)


def test_clips_missing_in_another_list(write) -> None:
    complete = read_official_list(write('00025.mp4 anger\n00026.mp4 fear\n'), MAFW)
    split = read_official_list(write('frames/00026 wav/26.wav 0\n'), MAFW)
    assert [clip.clip_id for clip in missing_in(split, complete)] == ['00025']
    assert not missing_in(complete, split)


def test_real_dfew(shared: Path) -> None:
    lists = shared / 'annotations' / 'DFEW'
    for fold in range(1, 6):
        for split in ('train', 'test'):
            official = read_official_list(
                lists / f'EmoLabel_DataSplit/{split}(single-labeled)/{split}_set_{fold}.csv', DFEW)
            spread = read_official_list(lists / f'audio_visual/split0{fold}/{split}.csv', DFEW)
            assert official.format == "DFEW's csv, labels from 0"  # a copy: the owners' own count from 1
            assert spread.format == 'audiovisual list, labels from 0'
            assert {clip.clip_id: clip.label for clip in official.clips} == {
                clip.clip_id: clip.label for clip in spread.clips}


def test_real_dfew_as_its_owners_count(shared: Path, write) -> None:
    lists = shared / 'annotations' / 'DFEW'
    header, *rows = (lists / 'EmoLabel_DataSplit/test(single-labeled)/test_set_1.csv').read_text().splitlines()
    shifted = [f'{row.split(",")[0]},{int(row.split(",")[1]) + 1}' for row in rows]
    official = read_official_list(write('\n'.join([header, *shifted])), DFEW)
    assert official.format == "DFEW's csv, labels from 1"
    spread = read_official_list(lists / 'audio_visual/split01/test.csv', DFEW)
    assert [clip.label for clip in official.clips] == [clip.label for clip in spread.clips]


def test_real_mafw(shared: Path) -> None:
    lists = shared / 'annotations' / 'MAFW'
    missing = []
    for fold in range(1, 6):
        for split in ('train', 'test'):
            official = read_official_list(lists / f'single/no_caption/set_{fold}/{split}.txt', MAFW)
            spread = read_official_list(lists / f'audio_visual/single/split0{fold}/{split}.csv', MAFW)
            labels = {clip.clip_id: clip.label for clip in official.clips}
            assert all(labels[clip.clip_id] == clip.label for clip in spread.clips)
            if split == 'test':
                missing.append([clip.clip_id for clip in missing_in(spread, official)])
            compound = read_official_list(lists / f'compound/no_caption/set_{fold}/{split}.txt', MAFW_COMPOUND)
            spread = read_official_list(lists / f'audio_visual/compound/no_caption/split0{fold}/{split}.csv',
                                         MAFW_COMPOUND)
            assert {clip.clip_id: clip.label for clip in compound.clips} == {
                clip.clip_id: clip.label for clip in spread.clips}
    assert [len(clips) for clips in missing] == [3, 4, 6, 3, 0]
    assert sorted(missing[0]) == ['00903', '03414', '03724']


@pytest.mark.parametrize(('kind', 'schema', 'sizes'), [('single', MAFW, (6423, 1611)),
                                                      ('compound', MAFW_COMPOUND, (6268, 1590))])
def test_real_captions(shared: Path, kind: str, schema, sizes: tuple[int, int]) -> None:
    lists = shared / 'annotations' / 'MAFW' / kind
    for split, size in zip(('train', 'test'), sizes, strict=True):
        captions = read_official_list(lists / f'with_caption/set_1/{split}.txt', schema)
        names = read_official_list(lists / f'no_caption/set_1/{split}.txt', schema)
        assert captions.format == "MAFW's txt with captions" and len(captions.clips) == size
        assert not missing_in(names, captions)
        # Neutral clips have no caption; nothing else is left out.
        assert Counter(clip.label for clip in missing_in(captions, names)) == {
            'neutral': len(names.clips) - size}
