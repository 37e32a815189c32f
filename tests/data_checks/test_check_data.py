"""A set like DFEW, broken in every way that the checks name."""
import copy
import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import soundfile
from mmengine.config import Config

from claip_emo_mm.data_checks import clip_probe
from claip_emo_mm.data_checks.check_data import DataCheck, check_data, write_issues
from claip_emo_mm.data_checks.checked_split import ERROR, NOTE, WARNING, Issue
from claip_emo_mm.data_checks.clip_probe import ClipJob, ClipProbe, probe_clip
from claip_emo_mm.data_checks.file_checks import is_usable
from claip_emo_mm.data_checks.list_checks import find_class_order
from claip_emo_mm.datasets.annotations import read_annotation_list
from claip_emo_mm.datasets.labels import DFEW, MAFW, OTHER_MAFW_ORDER
from claip_emo_mm.datasets.official_splits import OfficialSplit, official_counts
from claip_emo_mm.errors import InputError
from claip_emo_mm.faces.detector import FaceBox
from claip_emo_mm.media.image_folder import FrameFolder


class FixedDetector:
    """Finds one face of a given ratio of the frame's side in every frame."""

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio

    def find(self, frame: np.ndarray) -> list[FaceBox]:
        side = self.ratio * frame.shape[0]
        return [FaceBox(0, 0, side, side, .9)] if side else []


def check(cfg: Config, tree: Path, **options: object) -> DataCheck:
    return check_data(cfg, tree.parent / 'clips.jsonl', detector=FixedDetector(.8), **options)


def found_by(outcome: DataCheck, name: str) -> list[Issue]:
    return [issue for issue in outcome.issues if issue.check == name and issue.severity != NOTE]


def only(outcome: DataCheck, name: str) -> Issue:
    """The one issue that is no note."""
    grave = [issue for issue in outcome.issues if issue.severity != NOTE]
    assert [issue.check for issue in grave] == [name], grave
    return grave[0]


def rewrite(path: Path, change: Callable[[list[dict]], list[dict]]) -> None:
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, ('frames', 'audio', 'label'))
        writer.writeheader()
        writer.writerows(change(rows))


def fixed_names(outcome: DataCheck, split: str) -> list[str]:
    """Clips of the corrected list of a split."""
    written = {checked.name: path for checked, (path, _) in outcome.write_fixed_lists().items()}
    return [clip.frames[-5:] for clip in read_annotation_list(written[split])]


TRAIN = [f'{number:05d}' for number in range(1, 15)]


def test_nothing_is_wrong(tree: Path, make_config) -> None:
    outcome = check(make_config(tree), tree)
    assert {issue.severity for issue in outcome.issues} == {NOTE}
    assert outcome.write_fixed_lists() == {}
    assert 'happy 2, sad 2, neutral 2' in next(issue.found for issue in outcome.issues)


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


def test_numbers_in_steps_are_no_gaps(tmp_path: Path) -> None:
    for number in (2, 4, 6, 10):
        cv2.imwrite(str(tmp_path / f'7_{number}.png'), np.zeros((4, 4, 3), np.uint8))
    assert probe_clip(ClipJob(str(tmp_path), '', needs_audio=False)).missing_numbers == 1


def test_times_in_names_have_no_gaps(tmp_path: Path) -> None:
    for name in ('0.04', '0.4', '0.12', '7'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.zeros((4, 4, 3), np.uint8))
    assert probe_clip(ClipJob(str(tmp_path), '', needs_audio=False)).missing_numbers == 0


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


@pytest.mark.parametrize('transform', ['DecodeFrames', 'LoadAudioWindows'])  # with frames, and by its name alone
def test_a_clip_in_training_and_test(tree: Path, make_config, transform: str) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [
        *rows, dict(frames='frames/00016', audio='audio/00016.wav', label=DFEW.classes[2])])
    outcome = check(make_config(tree, **{f'{split}_dataloader.dataset.pipeline': [dict(type=transform)]
                                         for split in ('train', 'test')}), tree)
    issue = only(outcome, 'train and test')
    assert issue.severity == ERROR and list(issue.clips) == ['frames/00016']
    assert fixed_names(outcome, 'train') == TRAIN


def test_a_clip_under_two_names(tree: Path, make_config) -> None:
    shutil.rmtree(tree / 'frames/00012')
    shutil.copytree(tree / 'frames/00017', tree / 'frames/00012')
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'identical clips')
    assert issue.severity == ERROR and set(issue.clips) == {'frames/00012', 'frames/00017'}
    assert '1 groups of clips have the same frames (1 of them in training and in validation or test' in issue.found
    assert fixed_names(outcome, 'train') == [name for name in TRAIN if name != '00012']


def test_the_same_audio_twice(tree: Path, make_config) -> None:
    shutil.copy(tree / 'audio/00001.wav', tree / 'audio/00002.wav')
    issue = only(check(make_config(tree), tree), 'identical clips')
    assert issue.severity == WARNING and 'the same audio (0 of them in training and' in issue.found
    assert '1 with different labels' in issue.found


def test_rows_that_repeat_a_clip(tree: Path, make_config) -> None:
    def repeat(rows: list[dict]) -> list[dict]:
        return [*rows, rows[0], dict(rows[1], label='fear')]

    rewrite(tree / 'lists/fold1_train.csv', repeat)
    outcome = check(make_config(tree), tree)
    several, again = found_by(outcome, 'repeated clips')
    assert list(several.clips) == ['frames/00002'] and 'with several labels' in several.found
    assert list(again.clips) == ['frames/00001'] and 'several times' in again.found
    assert fixed_names(outcome, 'train') == [name for name in TRAIN if name != '00002']


def test_labels_that_are_no_class(tree: Path, make_config) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [dict(rows[0], label='3'), *rows[1:]])
    outcome = check(make_config(tree), tree)
    issue = only(outcome, 'labels')
    assert "'3' (1)" in issue.found and list(issue.clips) == ['frames/00001']
    assert fixed_names(outcome, 'train') == TRAIN[1:]


def test_a_class_that_is_never_shown(tree: Path, make_config) -> None:
    rewrite(tree / 'lists/fold1_train.csv', lambda rows: [row for row in rows if row['label'] != 'fear'])
    issue = only(check(make_config(tree), tree), 'counts')
    assert issue.severity == ERROR and 'no clip of fear' in issue.found


def test_classes_that_differ(tree: Path, make_config) -> None:
    other = [DFEW.classes[1], DFEW.classes[0], *DFEW.classes[2:]]
    cfg = make_config(tree, **{'test_dataloader.dataset.classes': other, 'model.cls_head.num_classes': 11})
    issues = found_by(check(cfg, tree), 'class order')
    assert [issue.where for issue in issues] == ['test_dataloader', 'model.cls_head']
    assert 'num_classes is 11, the data have 7 classes' in issues[1].found


def list_of_counts(tree: Path, order: list[str], make_config) -> Config:
    """A test list of fold 1 with the published counts, its class names permuted; all rows show a few folders."""
    counts = official_counts(DFEW, 1, 'test')
    rows = [order[label] for label, count in enumerate(counts) for _ in range(count)]
    with open(tree / 'lists/fold1_test.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('frames', 'audio', 'label'))
        writer.writerows((f'frames/{number:05d}', '', label) for number, label in enumerate(rows, 1000))
    cfg = make_config(tree)
    dataset = cfg.test_dataloader.dataset
    return Config(dict(test_dataloader=dict(dataset=dict(
        type='DFEWDataset', fold=1, split='test', data_root=str(tree), pipeline=dataset.pipeline))))


def test_published_counts(tree: Path, make_config) -> None:
    outcome = check(list_of_counts(tree, list(DFEW.classes), make_config), tree)
    assert any(issue.check == 'counts' and '2341 clips, in each class as many as published' in issue.found
               for issue in outcome.issues)
    assert not found_by(outcome, 'class order')


@pytest.mark.parametrize(('order', 'title'), [
    ([*DFEW.classes[1:], DFEW.classes[0]], 'one too high'), ([DFEW.classes[-1], *DFEW.classes[:-1]], 'one too low')])
def test_labels_that_are_shifted(tree: Path, make_config, order: list[str], title: str) -> None:
    outcome = check(list_of_counts(tree, order, make_config), tree)
    issue, = found_by(outcome, 'class order')
    assert issue.severity == ERROR and title in issue.found and 'happy' in issue.found


def test_labels_in_alphabetical_order(tree: Path, make_config) -> None:
    # label 0 was written for 'angry', the first by the alphabet, and read as 'happy'
    alphabet = sorted(DFEW.classes)
    order = [DFEW.classes[alphabet.index(name)] for name in DFEW.classes]
    cfg = list_of_counts(tree, order, make_config)
    for number in range(1000, 1000 + 2341):
        (tree / f'frames/{number:05d}').symlink_to(tree / 'frames/00001')
    cfg.test_dataloader.dataset.pipeline = [dict(type='DecodeFrames')]
    outcome = check(cfg, tree)
    assert 'alphabetical' in found_by(outcome, 'class order')[0].found
    written, = outcome.write_fixed_lists().values()
    labels = [clip.label for clip in read_annotation_list(written[0])]
    assert labels == [name for name, count in zip(DFEW.classes, official_counts(DFEW, 1, 'test'), strict=True)
                      for _ in range(count)]


def test_labels_in_the_other_order_of_mafw() -> None:
    """Numbers of a list that begins with happiness, read as ours."""
    counts = dict(zip(MAFW.classes, official_counts(MAFW, 1, 'test'), strict=True))
    labels = [MAFW.classes[number] for number, name in enumerate(OTHER_MAFW_ORDER) for _ in range(counts[name])]
    order = find_class_order(labels, OfficialSplit(MAFW, 1, 'test'))
    assert 'begins with happiness' in order.title
    assert [order.names[name] for name in MAFW.classes] == list(OTHER_MAFW_ORDER)


def test_other_counts(tree: Path, make_config) -> None:
    cfg = list_of_counts(tree, list(DFEW.classes), make_config)
    rewrite(tree / 'lists/fold1_test.csv', lambda rows: rows[5:])
    issue, = found_by(check(cfg, tree), 'counts')
    assert issue.severity == WARNING and 'happy 484 (489)' in issue.found


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


def test_the_owners_list(shared: Path, tree: Path, make_config) -> None:
    """MAFW's audiovisual list leaves out three clips of the official one, and one label was changed here."""
    lists = shared / 'annotations/MAFW'
    rows = [row.split() for row in (lists / 'audio_visual/single/split01/test.csv').read_text().splitlines()]
    rows[0][2] = '3'
    (tree / 'mine.csv').write_text('\n'.join(' '.join(row) for row in rows))
    cfg = Config(dict(test_dataloader=dict(dataset=dict(
        type='MAFWDataset', fold=1, split='test', data_root=str(tree), ann_file='mine.csv', pipeline=[]))))
    outcome = check(cfg, tree, official=lists / 'single/no_caption')
    absent, = found_by(outcome, 'official list')
    assert list(absent.clips) == ['00903', '03414', '03724'] and '3 of its 1839 clips are not here' in absent.found
    wrong, = found_by(outcome, 'labels')
    assert list(wrong.clips) == ['00025'] and 'is happiness here, anger there' in wrong.found


def test_an_interrupted_check_goes_on(tree: Path, make_config, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []
    probe = clip_probe.probe_clip

    def stop_after_five(job):
        if len(looked_at) == 5:
            raise KeyboardInterrupt
        looked_at.append(job.frames)
        return probe(job)

    monkeypatch.setattr(clip_probe, 'probe_clip', stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        check(make_config(tree), tree)
    monkeypatch.setattr(clip_probe, 'probe_clip', lambda job: looked_at.append(job.frames) or probe(job))
    check(make_config(tree), tree)
    assert len(looked_at) == len(set(looked_at)) == 21
    image = tree / 'frames/00001/00003.jpg'
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    check(make_config(tree), tree)
    assert looked_at[21:] == [str(tree / 'frames/00001')]


def test_corrected_lists_are_not_replaced_unasked(tree: Path, make_config) -> None:
    shutil.rmtree(tree / 'frames/00003')
    outcome = check(make_config(tree), tree)
    outcome.write_fixed_lists()
    with pytest.raises(InputError, match=r'fold1_train\.fixed\.csv: there is a corrected list already'):
        outcome.write_fixed_lists()
    assert len(outcome.write_fixed_lists(overwrite=True)) == 1


def test_a_config_without_data_of_ours() -> None:
    with pytest.raises(InputError, match='The config has no data set to check'):
        check_data(Config(dict(train_dataloader=dict(dataset=dict(type='VideoDataset')))), Path('clips.jsonl'))
