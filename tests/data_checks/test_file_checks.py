"""A set like DFEW whose frames, audio files or folders are broken in every way that the checks name."""
import copy
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from checked_tree import TRAIN, FixedDetector, check, fixed_names, found_by, only, rewrite

from claip_emo_mm.data_checks.check_data import check_data, write_issues
from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING
from claip_emo_mm.data_checks.clip_probe import ClipProbe
from claip_emo_mm.data_checks.file_checks import is_usable
from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.media.image_folder import FrameFolder


def test_missing_frames_and_audio_files(tree: Path, make_config) -> None:
    shutil.rmtree(tree / 'frames/00003')
    (tree / 'audio/00005.wav').unlink()
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'missing files')
    assert issue.severity == ERROR and list(issue.clips) == ['frames/00003', 'frames/00005']
    assert f'files of 2 of 14 clips are missing, {tree}/frames/00003' in issue.found
    assert fixed_names(outcome, 'train') == [name for name in TRAIN if name not in ('00003', '00005')]


@pytest.mark.parametrize('frame', ['00001.jpg', '00012.jpg', '00004.jpg'])
def test_an_image_that_is_cut_off(tree: Path, make_config, frame: str) -> None:
    path = tree / 'frames/00002' / frame
    path.write_bytes(path.read_bytes()[:200])
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'unreadable frames')
    assert str(path) in issue.found and list(issue.clips) == ['frames/00002']
    assert fixed_names(outcome, 'train') == [name for name in TRAIN if name != '00002']


def test_a_frame_that_is_no_image_between_those_that_are_looked_at(tree: Path, make_config) -> None:
    (tree / 'frames/00002/00004.jpg').write_bytes(b'text' * 50)
    assert not found_by(check(make_config(tree), tree, faces=False), 'unreadable frames')
    assert found_by(check(make_config(tree), tree, every_frame=True), 'unreadable frames')


def test_a_frame_that_is_a_link_to_nowhere(tree: Path, make_config) -> None:
    frame = tree / 'frames/00002/00012.jpg'
    frame.unlink()
    frame.symlink_to('gone.jpg')
    issue = only(check(make_config(tree), tree), 'unreadable frames')
    assert f'{frame}: cannot be read (No such file or directory)' in issue.found
    frame.unlink()
    shutil.copy(tree / 'frames/00002/00011.jpg', frame)
    assert not found_by(check(make_config(tree), tree), 'unreadable frames')


def test_data_sets_that_read_different_things_of_the_same_clips(tree: Path, make_config) -> None:
    cfg = make_config(tree)
    cfg.val_dataloader = copy.deepcopy(cfg.test_dataloader)
    cfg.test_dataloader.dataset.pipeline = [dict(type='DecodeFrames')]
    cfg.train_dataloader.dataset.pipeline = [dict(type='LoadAudioWindows')]
    (tree / 'frames/00016/00001.jpg').write_bytes(b'text')
    (tree / 'audio/00017.wav').write_bytes(b'text')
    issues = check(cfg, tree).issues
    assert [(issue.check, list(issue.clips)) for issue in issues if issue.severity == ERROR] == [
        ('unreadable frames', ['frames/00016']), ('unreadable audio', ['frames/00017'])]


def test_an_empty_folder(tree: Path, make_config) -> None:
    for file in (tree / 'frames/00009').iterdir():
        file.unlink()
    assert 'no frame found' in only(check(make_config(tree), tree), 'unreadable frames').found


def test_a_frame_that_only_the_look_for_faces_meets(tree: Path, make_config) -> None:
    (tree / 'frames/00007/00004.jpg').write_bytes(b'\xff\xd8 no frames \xff\xd9')  # the 4th of 12
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'unreadable frames')
    assert '1 of 14 sampled clips' in issue.found and '00007/00004.jpg: an image of' in issue.found
    assert list(issue.clips) == ['frames/00007']
    assert '13 of 13 sampled clips show a face and little else' in [
        note for note in outcome.issues if note.check == 'faces'][0].found


def test_what_a_library_cannot_read_is_one_clip_s_error(tree: Path, make_config, monkeypatch) -> None:
    decode = FrameFolder.decode

    def refuse(clip: FrameFolder, indices: np.ndarray) -> np.ndarray:
        if clip.path.endswith('00003'):
            raise MemoryError
        return decode(clip, indices)

    monkeypatch.setattr(FrameFolder, 'decode', refuse)
    issue = only(check(make_config(tree), tree), 'unreadable frames')
    assert list(issue.clips) == ['frames/00003'] and 'cannot be read (no memory for it)' in issue.found


def test_a_folder_of_another_encoding_beside_the_clips(tree: Path, make_config, tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tree / 'frames') + b'/caf\xe9')
    issues = check(make_config(tree), tree).issues
    assert [issue for issue in issues if r'frames/caf\xe9 for instance' in issue.found]
    write_issues(tmp_path / 'issues.csv', issues)
    assert r'frames/caf\xe9' in (tmp_path / 'issues.csv').read_text(encoding='utf-8')


def test_gaps_in_a_folder(tree: Path, make_config) -> None:
    for number in (5, 6, 9):
        (tree / f'frames/00007/{number:05d}.jpg').unlink()
    issue = only(check(make_config(tree), tree), 'frame folders')
    assert issue.severity == WARNING and issue.found.endswith('frames/00007 lacks 3')


def test_a_list_that_counts_other_frames(tree: Path, make_config) -> None:
    rows = [f'frames/{number:05d} {12 if number != 4 else 13} {number % 7}' for number in range(1, 15)]
    (tree / 'counted.txt').write_text('\n'.join(rows))
    cfg = make_config(tree, **{f'{split}_dataloader.dataset.pipeline': [dict(type='DecodeFrames')]
                               for split in ('train', 'test')},
                      **{'train_dataloader.dataset.ann_file': 'counted.txt'})
    issue = only(check(cfg, tree), 'frame folders')
    assert issue.severity == ERROR and 'frames/00004 has 12, the list 13' in issue.found


def test_folders_that_are_in_no_list(tree: Path, make_config) -> None:
    shutil.copytree(tree / 'frames/00001', tree / 'frames/00099')
    note, = [issue for issue in check(make_config(tree), tree).issues if issue.check == 'frame folders']
    assert note.severity == NOTE and f'1 folders beside those that are listed are in none of the lists, {tree}' in (
        note.found)


def test_audio_that_is_missing(tree: Path, make_config) -> None:
    rewrite(tree / 'lists/fold1_train.csv',
            lambda rows: [dict(row, audio='') if row['frames'] == 'frames/00006' else row for row in rows])
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'missing audio')
    assert issue.severity == ERROR and list(issue.clips) == ['frames/00006'] and 'on_missing' in issue.hint
    assert '00006' not in fixed_names(outcome, 'train')
    outcome = check(make_config(tree, on_missing='silence'), tree)
    assert only(outcome, 'missing audio').severity == WARNING and not outcome.write_fixed_lists()


def test_clips_of_audio_alone(tree: Path, make_config) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [
        dict(row, frames='') if row['frames'].endswith(('00003', '00005')) else row for row in rows])
    cfg = make_config(tree)
    issue = only(check(cfg, tree), 'unreadable frames')
    assert issue.severity == ERROR and list(issue.clips) == ['audio/00003.wav', 'audio/00005.wav']
    assert "00003.wav: audio without frames. Set on_missing='mask' in DecodeFrames" in issue.found
    for split in ('train', 'test'):
        cfg[f'{split}_dataloader'].dataset.pipeline[2]['on_missing'] = 'mask'
    assert {issue.severity for issue in check(cfg, tree).issues} == {NOTE}


def test_audio_that_is_silent(tree: Path, make_config) -> None:
    soundfile.write(tree / 'audio/00006.wav', np.full(8000, 1e-4, np.float32), 16000)
    soundfile.write(tree / 'audio/00007.wav', np.zeros(8000, np.float32), 16000)
    click = np.zeros(8000, np.float32)
    click[4000] = .5
    soundfile.write(tree / 'audio/00008.wav', click, 16000)  # this is audible
    issue = only(check(make_config(tree), tree), 'silent audio')
    assert issue.severity == WARNING and list(issue.clips) == ['frames/00006', 'frames/00007']


def test_channels_that_cancel_each_other(tree: Path, make_config) -> None:
    voice = np.random.default_rng(0).uniform(-.5, .5, 8000)
    soundfile.write(tree / 'audio/00006.wav', np.stack([voice, -voice], axis=1), 16000)
    soundfile.write(tree / 'audio/00007.wav', np.stack([voice, voice], axis=1)[::-1], 16000)
    issue = only(check(make_config(tree), tree), 'cancelled audio')
    assert issue.severity == WARNING and list(issue.clips) == ['frames/00006']
    assert 'frames/00006: the 2 channels of the audio cancel each other' in issue.found


def test_audio_that_does_not_say_how_long_it_is(tree: Path, make_config) -> None:
    data = bytearray((tree / 'audio/00006.wav').read_bytes())
    for place in (4, data.find(b'data') + 4):
        data[place:place + 4] = b'\xff' * 4  # as it is written into a pipe
    (tree / 'audio/00006.wav').write_bytes(data)
    notes = [issue for issue in check(make_config(tree), tree).issues if issue.check == 'unstated length']
    assert [(note.severity, list(note.clips)) for note in notes] == [(NOTE, ['frames/00006'])]


@pytest.mark.parametrize('samples', [1000, 2900])  # 0.06 s; 66 frames a second
def test_audio_that_is_too_short(tree: Path, make_config, samples: int) -> None:
    soundfile.write(tree / 'audio/00008.wav', np.random.uniform(-1, 1, samples), 16000)
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'short audio')
    assert issue.severity == ERROR and list(issue.clips) == ['frames/00008']
    assert '00008' not in fixed_names(outcome, 'train')


@pytest.mark.parametrize(('audio_s', 'usable'), [(.9, False), (1.1, True)])
def test_the_audio_of_a_video_lasts_for_half_of_it(audio_s: float, usable: bool) -> None:
    split = SimpleNamespace(needs_audio=True, silence_allowed=False)
    assert is_usable(split, ClipProbe(num_frames=50, frames_s=2., has_audio=True, audio_s=audio_s)) is usable


def test_audio_that_is_much_longer_than_the_frames(tree: Path, make_config) -> None:
    soundfile.write(tree / 'audio/00008.wav', np.random.uniform(-1, 1, 16000 * 4), 16000)
    assert only(check(make_config(tree), tree), 'short audio').severity == WARNING


def test_audio_that_is_cut_off(tree: Path, make_config) -> None:
    path = tree / 'audio/00010.wav'
    path.write_bytes(path.read_bytes()[:9000])
    issue = only(check(make_config(tree), tree), 'unreadable audio')
    assert 'the audio file is cut off: 9000 bytes found, 16044 expected' in issue.found


@pytest.mark.parametrize(('ratio', 'severity', 'text'), [(.2, ERROR, 'the frames are scenes'),
                                                      (0, WARNING, 'no face found in any')])
def test_frames_that_are_no_faces(tree: Path, make_config, ratio: float, severity: str, text: str) -> None:
    outcome = check_data(make_config(tree), tree.parent / 'clips.jsonl', detector=FixedDetector(ratio))
    issue = only(outcome, 'faces')
    assert issue.severity == severity and text in issue.found
    assert not check_data(make_config(tree), tree.parent / 'clips.jsonl', faces=False).write_fixed_lists()


def test_frames_of_which_some_show_a_face(tree: Path, make_config) -> None:
    class SomeFaces(FixedDetector):
        """Finds the face in 10 clips, looking at 3 frames of each, and none in those behind them."""

        looks = 0

        def find(self, frame: np.ndarray) -> list[FaceBox]:
            self.looks += 1
            return super().find(frame) if self.looks <= 3 * 10 else []

    outcome = check_data(make_config(tree), tree.parent / 'clips.jsonl', detector=SomeFaces(.8))
    note, = [issue for issue in outcome.issues if issue.check == 'faces']
    assert note.severity == NOTE and note.found == '10 of 14 sampled clips show a face and little else, 0 a scene'
