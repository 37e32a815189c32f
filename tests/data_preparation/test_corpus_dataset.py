"""Public corpora from trees in the form of their downloads, with every trap that the real ones hold."""
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from corpus_runs import prepare, reasons, rows
from made_media import gray_of, loudness_of, write_pointer, write_video, write_wav

from claip_emo_mm.data_preparation import clips as clips_module
from claip_emo_mm.datasets.known_corpora import cremad, enterface05, meld, savee
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.utils.io import read_json

PULL = 'git lfs install && git lfs pull'


@pytest.fixture
def crema(tmp_path: Path) -> Path:
    """A clone of CREMA-D with a clip of each trap; clip ANG of each actor is sound."""
    source = tmp_path / 'CREMA-D'
    flv, wav = source / 'VideoFlash', source / 'AudioWAV'
    for actor, gray in ((1001, 60), (1019, 80), (1037, 100), (1055, 120), (1091, 140)):
        write_video(flv / f'{actor}_IEO_ANG_HI.flv', gray, .3)
        write_wav(wav / f'{actor}_IEO_ANG_HI.wav', .7)
    write_video(flv / '1002_DFA_SAD_XX.flv', 100, 0)  # no audio in the flv, in the wav there is
    write_wav(wav / '1002_DFA_SAD_XX.wav', .9)
    write_video(flv / '1003_DFA_SAD_XX.flv', 100, 0)  # none at all
    write_video(flv / '1004_DFA_SAD_XX.flv', 100, .3)  # a pointer for audio
    write_pointer(wav / '1004_DFA_SAD_XX.wav')
    write_pointer(flv / '1005_DFA_SAD_XX.flv')
    write_wav(wav / '1005_DFA_SAD_XX.wav', .7)
    whole = write_video(flv / '1006_DFA_SAD_XX.flv').read_bytes()
    (flv / '1006_DFA_SAD_XX.flv').write_bytes(whole[:300])
    write_video(flv / '1007_DFA_SAD_XX.flv', 0)  # no face
    write_video(flv / '1064_IEO_DIS_MD.flv')
    write_wav(wav / '1064_IEO_DIS_MD.wav', .7)
    write_video(flv / '1040_ITH_SAD_XX.flv', 100, 0)
    write_wav(wav / '1040_ITH_SAD_X.wav', .8)
    (flv / '._1001_IEO_ANG_HI.flv').write_bytes(b'\0' * 100)
    shutil.copytree(flv, source / 'copy/VideoFlash', ignore=shutil.ignore_patterns('10[0-4]*'))  # 1055, 1064, 1091
    write_video(source / 'VideoFlash/practice.flv')
    return source


def test_cremad_with_its_traps(crema: Path, tmp_path: Path) -> None:
    out = tmp_path / 'data/cremad'
    report = prepare(cremad(), crema, out)
    ready = {f'{actor}_IEO_ANG_HI' for actor in (1001, 1019, 1037, 1055, 1091)} | {
        f'{actor}_DFA_SAD_XX' for actor in (1002, 1003, 1004)}
    listed = {fold: {Path(row[0]).name: row for row in rows(out / f'lists/fold{fold}_test.csv')}
              for fold in range(1, 6)}
    assert {fold: len(clips) for fold, clips in listed.items()} == {1: 4, 2: 1, 3: 1, 4: 1, 5: 1}
    assert set().union(*listed.values()) == ready
    assert listed[1]['1001_IEO_ANG_HI'] == ('frames/1001_IEO_ANG_HI', 'audio/1001_IEO_ANG_HI.wav', 'anger')
    assert [row[2] for row in rows(out / 'lists/fold3_train.csv')].count('sad') == 3
    assert (report.listed, report.with_audio, report.without_audio) == (11, 7, ('1003_DFA_SAD_XX',))
    assert gray_of(out, '1019_IEO_ANG_HI') == 80
    assert loudness_of(out, '1019_IEO_ANG_HI') == .7  # of the wav, not the flv
    assert loudness_of(out, '1002_DFA_SAD_XX') == .9
    assert loudness_of(out, '1004_DFA_SAD_XX') == .3
    assert listed[1]['1003_DFA_SAD_XX'][1] == ''

    failures, notes = reasons(out), reasons(out, 'notes.csv')
    assert set(failures) == {'1005_DFA_SAD_XX', '1006_DFA_SAD_XX', '1007_DFA_SAD_XX'}
    assert 'git-lfs pointer in place of the video' in failures['1005_DFA_SAD_XX']
    assert PULL in failures['1005_DFA_SAD_XX'] and failures['1007_DFA_SAD_XX'] == 'no face'
    assert '1006_DFA_SAD_XX.flv' in failures['1006_DFA_SAD_XX']
    assert notes[str(crema / 'VideoFlash/1064_IEO_DIS_MD.flv')].startswith(
        "left out: a minute in which all emotions are acted (report 8 in the owners' repository")
    assert str(crema / 'AudioWAV/1064_IEO_DIS_MD.wav') in notes and str(crema / 'AudioWAV/1040_ITH_SAD_X.wav') in notes
    assert notes['1004_DFA_SAD_XX'].endswith('a git-lfs pointer; the audio of the video is used')
    assert notes['1003_DFA_SAD_XX'] == 'no audio: listed with an empty audio cell'
    assert notes['1055_IEO_ANG_HI'] == (f'{crema / "copy/VideoFlash/1055_IEO_ANG_HI.flv"}: not used, the same clip as '
                                        f'{crema / "VideoFlash/1055_IEO_ANG_HI.flv"}')
    assert notes[str(crema / 'VideoFlash/practice.flv')] == 'named like no clip of the set: not used'
    assert not any('._' in name for name in (*failures, *notes))
    assert report.lines()[-2].startswith('  left out            5')
    assert report.lines()[-1] == '  not used       1 media files of other names (practice.flv)'
    about = read_json(out / 'corpus.json')
    assert (about['clips'], about['protocol']) == (8, "HiCMAE's 7,437 clips, 5 folds of consecutive actors")
    assert about['classes'] == ['anger', 'disgust', 'fear', 'happy', 'neutral', 'sad']


def test_all_clips_of_cremad(crema: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    report = prepare(cremad(all_clips=True), crema, out)
    assert (report.listed, report.excluded) == (13, ())
    listed = {Path(row[0]).name: row for fold in range(1, 6) for row in rows(out / f'lists/fold{fold}_test.csv')}
    assert listed['1064_IEO_DIS_MD'][2] == 'disgust'
    assert loudness_of(out, '1040_ITH_SAD_XX') == .8  # under its other name
    assert "MAE-DFER's 7,442" in read_json(out / 'corpus.json')['protocol']


def test_votes_of_the_ready_clips_are_kept(crema: Path, tmp_path: Path) -> None:
    path = crema / 'processedResults/tabulatedVotes.csv'
    path.parent.mkdir()
    path.write_text(',A,D,F,H,N,S,fileName\n' + ''.join(
        f'{number}00001,{number},2,0,0,0,1,{name}\n' for number in (1, 2, 3)
        for name in ('1001_IEO_ANG_HI', '1064_IEO_DIS_MD', '1091_TSI_SAD_XX')))
    out = tmp_path / 'out'
    prepare(cremad(), crema, out)
    assert rows(out / 'votes.csv') == [('1001_IEO_ANG_HI', modality, number, '2', '0', '0', '0', '1')
                                       for modality, number in (('voice', '1'), ('face', '2'), ('both', '3'))]


def test_a_clone_without_git_lfs(crema: Path, tmp_path: Path) -> None:
    for path in crema.rglob('*.flv'):
        write_pointer(path)
    with pytest.raises(InputError, match=f'CREMA-D: all 13 videos are git-lfs pointers.*{PULL}'):
        prepare(cremad(all_clips=True), crema, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_the_owners_pointer(shared: Path, tmp_path: Path) -> None:
    target = tmp_path / 'VideoFlash/1001_IEO_ANG_HI.flv'
    target.parent.mkdir()
    target.write_bytes((shared / 'annotations/CREMA-D/owners/lfs_pointer_example.flv').read_bytes())
    with pytest.raises(InputError, match='all 1 videos are git-lfs pointers'):
        prepare(cremad(), tmp_path, tmp_path / 'out')


def test_a_second_run_makes_only_what_is_missing(crema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / 'out'
    prepare(cremad(), crema, out)
    made = {path: path.stat().st_mtime_ns for path in [*out.glob('frames/*/*'), *out.glob('audio/*')]}
    write_video(crema / 'VideoFlash/1005_DFA_SAD_XX.flv')  # git lfs pull
    opened = []
    monkeypatch.setattr(clips_module, 'VideoFile', lambda path: opened.append(Path(path).name) or VideoFile(path))
    report = prepare(cremad(), crema, out)
    assert opened == ['1003_DFA_SAD_XX.flv', '1005_DFA_SAD_XX.flv', '1006_DFA_SAD_XX.flv', '1007_DFA_SAD_XX.flv']
    assert report.failed == ('1006_DFA_SAD_XX',) and report.with_audio == 8
    assert {path: path.stat().st_mtime_ns for path in made} == made


MELD_HEADER = 'Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n'


@pytest.fixture
def meld_download(tmp_path: Path) -> Path:
    source = tmp_path / 'MELD.Raw'
    source.mkdir()
    for name, listed in (('train', [(0, 0, 'joy'), (125, 3, 'neutral')]),
                         ('dev', [(0, 0, 'anger'), (110, 7, 'neutral'), (7, 7, 'fear')]),
                         ('test', [(0, 0, 'disgust'), (38, 4, 'joy')])):
        (source / f'{name}_sent_emo.csv').write_text(MELD_HEADER + ''.join(
            f'{number},"Oh, {emotion} – “so”",Ross,{emotion},x,{dialogue},{utterance}\n'
            for number, (dialogue, utterance, emotion) in enumerate(listed)), encoding='utf-8')
    for path, gray in (('train/train_splits/dia0_utt0.mp4', 40), ('dev/dev_splits_complete/dia0_utt0.mp4', 80),
                       ('dev/dev_splits_complete/dia66_utt9.mp4', 80),
                       ('test/output_repeated_splits_test/dia0_utt0.mp4', 120),
                       ('test/output_repeated_splits_test/dia38_utt4.mp4', 120),
                       ('test/output_repeated_splits_test/final_videos_testdia101_utt0.mp4', 120)):
        write_video(source / path, gray)
    (source / 'train/train_splits/dia125_utt3.mp4').write_bytes(b'broken')
    (source / 'test/output_repeated_splits_test/._dia0_utt0.mp4').write_bytes(b'\0')
    return source


def test_meld(meld_download: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    report = prepare(meld(), meld_download, out)
    assert {path.name: rows(path) for path in (out / 'lists').iterdir()} == {
        'train.csv': [('frames/train_dia0_utt0', 'audio/train_dia0_utt0.wav', 'joy')],
        'val.csv': [('frames/val_dia0_utt0', 'audio/val_dia0_utt0.wav', 'anger')],
        'test.csv': [('frames/test_dia0_utt0', 'audio/test_dia0_utt0.wav', 'disgust')]}
    assert gray_of(out, 'val_dia0_utt0') == 80
    assert reasons(out) == {'val_dia7_utt7': 'in dev_sent_emo.csv, but its video is not there'}
    notes = reasons(out, 'notes.csv')
    assert notes['val_dia110_utt7'].startswith('in dev_sent_emo.csv, but the download has no video (report 27')
    assert notes['val_dia66_utt9'] == 'in no list: not prepared'
    assert {Path(name).name for name, note in notes.items() if note.startswith('left out: ')} == {
        'dia125_utt3.mp4', 'dia38_utt4.mp4'}
    assert [Path(name).name for name, note in notes.items() if note.startswith('named like no clip')] == [
        'final_videos_testdia101_utt0.mp4']
    assert report.unlisted == ('val_dia66_utt9',)


def test_a_video_of_meld_that_others_cut_is_taken(meld_download: Path, tmp_path: Path) -> None:
    write_video(meld_download / 'dev/dev_splits_complete/dia110_utt7.mp4', 160)
    prepare(meld(), meld_download, tmp_path / 'out')
    assert ('frames/val_dia110_utt7', 'audio/val_dia110_utt7.wav', 'neutral') in rows(tmp_path / 'out/lists/val.csv')


def test_meld_needs_its_lists(meld_download: Path, tmp_path: Path) -> None:
    path = meld_download / 'test_sent_emo.csv'
    path.write_text(path.read_text(encoding='utf-8').replace('Emotion,', 'Feeling,'), encoding='utf-8')
    with pytest.raises(InputError, match="test_sent_emo.csv: columns .*, feeling, .* found, 'emotion' missing"):
        prepare(meld(), meld_download, tmp_path / 'out')
    path.unlink()
    with pytest.raises(InputError, match='test_sent_emo.csv is not in it, .*declare-lab/MELD'):
        prepare(meld(), meld_download, tmp_path / 'out')


def test_blanks_in_names_of_enterface(tmp_path: Path) -> None:
    source, out = tmp_path / 'enterface database', tmp_path / 'out'
    write_video(source / 'subject 1/anger/sentence 1/s1_an_1.avi', 60, .3)
    write_video(source / 'subject 11/anger/sentence 1/s12_an_1.avi', 80, .3)  # the folder is right
    write_video(source / 'subject 12/anger/sentence 1/s12_an_1.avi', 120, .3)
    write_video(source / 'subject 6/anger/s6_an.avi', 60, .3)
    (source / 'subject 1/anger/sentence 1/Thumbs.db').touch()
    report = prepare(enterface05(), source, out)
    assert rows(out / 'lists/fold2_test.csv') == [
        ('frames/s11_anger_1', 'audio/s11_anger_1.wav', 'anger'),
        ('frames/s12_anger_1', 'audio/s12_anger_1.wav', 'anger')]
    assert (gray_of(out, 's11_anger_1'), gray_of(out, 's12_anger_1')) == (80, 120)
    assert loudness_of(out, 's1_anger_1') == .3 and not report.failures
    assert reasons(out, 'notes.csv') == {str(source / 'subject 6/anger/s6_an.avi'):
                                         "left out: subject 6 has no folders of sentences (MAE-DFER's lists)"}


def test_savee(tmp_path: Path) -> None:
    for person in ('DC', 'JE'):
        write_video(tmp_path / f'in/AudioVisualClip/{person}/su01.avi', 60, .3)
    write_wav(tmp_path / 'in/AudioData/DC_su01.wav', .7, 16000)
    prepare(savee(), tmp_path / 'in', tmp_path / 'out')
    assert rows(tmp_path / 'out/lists/fold1_test.csv') == [('frames/DC_su01', 'audio/DC_su01.wav', 'surprise')]
    assert [loudness_of(tmp_path / 'out', f'{person}_su01') for person in ('DC', 'JE')] == [.7, .3]


@pytest.mark.parametrize(('make', 'message'), [
    (lambda folder: folder / 'nowhere', 'there is no such folder.*git clone https://github.com/Cheyney'),
    (lambda folder: folder, 'no video of CREMA-D by its name; found no media file'),
    (lambda folder: write_video(folder / 'other/a.mp4').parent, 'no video of CREMA-D by its name; found .*a.mp4'),
    (lambda folder: write_video(folder / 'out/1001_IEO_ANG_HI.flv').parent, 'is the same as the one')])
def test_what_is_no_download(tmp_path: Path, make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare(cremad(), make(tmp_path), tmp_path / 'out')


def test_a_folder_that_cannot_be_read(crema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = os.walk

    def refuse(root, onerror, followlinks):
        onerror(PermissionError(13, 'Permission denied', str(crema / 'locked')))
        return walk(root, onerror=onerror, followlinks=followlinks)

    monkeypatch.setattr(os, 'walk', refuse)
    report = prepare(replace(cremad(), excluded=()), crema, tmp_path / 'out')
    assert report.folders == (str(crema / 'locked'),)
