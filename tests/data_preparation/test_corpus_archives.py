"""RAVDESS from the zip archives of its download, and archives that are broken."""
import zipfile
from pathlib import Path

import pytest
from corpus_runs import prepare, reasons, rows
from made_media import gray_of, loudness_of, write_video, write_wav

from claip_emo_mm.datasets.known_corpora import meld, ravdess
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import read_json


def write_performance(folder: Path, name: str, files: dict[str, tuple[int, float]]) -> None:
    """Write the files of a performance of RAVDESS: modality -> gray and loudness."""
    for kind, (gray, loudness) in files.items():
        if kind == '03':
            write_wav(folder / f'03-{name}.wav', loudness, 48000)
        else:
            write_video(folder / f'{kind}-{name}.mp4', gray, loudness)


@pytest.fixture
def ravdess_download(tmp_path: Path) -> Path:
    """Zips as zenodo has them, some unpacked: each emotion by an actor of each fold."""
    source, unpacked = tmp_path / 'RAVDESS', tmp_path / 'unpacked'
    all_files = {'01': (60, .3), '02': (120, 0), '03': (0, .7)}
    for actor in ('01', '05', '09', '13', '17', '21'):
        write_performance(unpacked / f'Actor_{actor}', f'01-03-01-01-01-{actor}', all_files)
    write_performance(unpacked / 'Actor_01', '01-02-01-01-01-01', all_files)  # calm
    write_performance(unpacked / 'Actor_01', '02-03-01-01-01-01', all_files)  # a song
    write_performance(source / 'Actor_02', '01-08-01-01-01-02', {'01': (60, .3), '02': (120, 0)})  # no 03
    write_performance(source / 'Actor_03', '01-08-01-01-01-03', {'01': (60, .3)})  # 01 alone
    write_performance(source / 'Actor_04', '01-08-01-01-01-04', {'03': (0, .7)})  # audio alone
    for name, pattern in (('Video_Speech_Actor_01.zip', 'Actor_01/*.mp4'), ('Video_rest.zip', 'Actor_[!0]*/*.mp4'),
                          ('Video_Speech_05_09.zip', 'Actor_0[59]/*.mp4'),
                          ('Audio_Speech_Actors_01-24.zip', '*/*.wav')):
        with zipfile.ZipFile(source / name, 'w') as archive:
            for path in sorted(unpacked.glob(pattern)):
                archive.write(path, path.relative_to(unpacked))
                archive.writestr(f'__MACOSX/{path.parent.name}/._{path.name}', b'\0')
    return source


def test_ravdess_takes_each_performance_once(ravdess_download: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    report = prepare(ravdess(), ravdess_download, out)
    assert (report.listed, report.failures, report.without_audio) == (9, (), ())
    listed = {fold: {Path(row[0]).name: row[2] for row in rows(out / f'lists/fold{fold}_test.csv')}
              for fold in range(1, 7)}
    assert listed[1] == {'02-01-02-01-01-01-01': 'calm', '02-01-03-01-01-01-01': 'happy',
                         '02-01-08-01-01-01-02': 'surprised', '02-01-08-01-01-01-03': 'surprised'}
    assert [len(listed[fold]) for fold in range(2, 7)] == [1] * 5
    for clip_id, gray, loudness in (('02-01-03-01-01-01-21', 120, .7), ('02-01-08-01-01-01-02', 120, .3),
                                    ('02-01-08-01-01-01-03', 60, .3)):
        assert (gray_of(out, clip_id), loudness_of(out, clip_id)) == (gray, loudness)
    notes = rows(out / 'notes.csv')
    assert len([row for row in notes if row[1] == 'left out: a song: --songs takes them']) == 3
    assert ('02-01-08-01-01-01-04', f'{ravdess_download}/Actor_04/03-01-08-01-01-01-04.wav: audio without a video'
            ) in notes
    assert not list(out.glob('*/*.part')) and sorted(path.name for path in out.iterdir()) == [
        'audio', 'corpus.json', 'failures.csv', 'frames', 'lists', 'notes.csv', 'preparation.json']


def test_variants_of_ravdess(ravdess_download: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    prepare(ravdess(7, songs=True), ravdess_download, out)
    ids = {Path(row[0]).name: row[2] for row in rows(out / 'lists/fold1_test.csv')}
    assert ids == {'02-01-03-01-01-01-01': 'happy', '02-02-03-01-01-01-01': 'happy',
                   '02-01-08-01-01-01-02': 'surprised', '02-01-08-01-01-01-03': 'surprised'}
    assert read_json(out / 'corpus.json')['protocol'].startswith('speech and songs, 7 classes')


def test_broken_archives_and_files_in_them(ravdess_download: Path, tmp_path: Path) -> None:
    data = bytearray((ravdess_download / 'Video_rest.zip').read_bytes())
    data[200:400] = b'\0' * 200  # in the first video, of actor 13
    (ravdess_download / 'Video_rest.zip').write_bytes(data)
    half = (ravdess_download / 'Video_Speech_05_09.zip').read_bytes()
    (ravdess_download / 'Video_Speech_05_09.zip').write_bytes(half[:len(half) // 2])
    (ravdess_download / 'more.tar.gz').write_bytes(b'')
    out = tmp_path / 'out'
    report = prepare(ravdess(), ravdess_download, out)
    found = reasons(out)
    assert set(found) == {'Video_Speech_05_09.zip'} | {failure.clip_id for failure in report.failures}
    assert 'the archive is broken, cut off' in found['Video_Speech_05_09.zip']
    assert report.with_audio + len(report.failures) - 1 == 7
    assert all(str(ravdess_download) in reason and '.part' not in reason for reason in found.values())
    assert reasons(out, 'notes.csv')[str(ravdess_download / 'more.tar.gz')].endswith('unpack it with tar -xf')


def test_one_zip_and_what_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / 'Video.zip', 'w') as archive:
        archive.write(write_video(tmp_path / 'clip.mp4'), 'Actor_02/01-01-03-01-01-01-02.mp4')
    report = prepare(ravdess(), tmp_path / 'Video.zip', tmp_path / 'out')
    assert report.with_audio == 1 and not report.failures
    (tmp_path / 'tars').mkdir()
    (tmp_path / 'tars/MELD.Raw.tar.gz').write_bytes(b'')
    with pytest.raises(InputError, match='no video of MELD .*MELD.Raw.tar.gz: an archive that is not read: unpack it'):
        prepare(meld(), tmp_path / 'tars', tmp_path / 'out2')
    with pytest.raises(InputError, match='MELD.Raw.tar.gz: no zip. Expected the folder'):
        prepare(meld(), tmp_path / 'tars/MELD.Raw.tar.gz', tmp_path / 'out2')


def test_a_video_that_is_broken_in_an_archive(tmp_path: Path) -> None:
    source = tmp_path / 'RAVDESS'
    source.mkdir()
    with zipfile.ZipFile(source / 'Video.zip', 'w') as archive:
        archive.writestr('Actor_01/02-01-03-01-01-01-01.mp4', b'no video')
        archive.write(write_video(tmp_path / 'clip.mp4'), 'Actor_02/02-01-03-01-01-01-02.mp4')
    report = prepare(ravdess(), source, tmp_path / 'out')
    assert report.with_audio == 1
    failure, = report.failures
    assert failure.file == f'{source}/Video.zip/Actor_01/02-01-03-01-01-01-01.mp4'
    assert failure.reason.startswith(f'{failure.file}: ') and failure.stage == 'video'
