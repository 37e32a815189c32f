import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate

from claip_emo_mm.errors import InputError
from claip_emo_mm.models.data_preprocessor import AudioVisualDataPreprocessor
from claip_emo_mm.structures import skipped_sample


def packed(num_distinct: int, frame_index: list[list[int]], audio_index: list[int], value: int = 0,
           size: int = 4) -> dict:
    num_windows = max(audio_index) + 1
    return dict(inputs=dict(frames=torch.full((num_distinct, 3, size, 5), value, dtype=torch.uint8),
                            frame_index=torch.tensor(frame_index),
                            mel=torch.full((num_windows, 1, 7, 6), float(value)),
                            audio_index=torch.tensor(audio_index)),
                data_samples=ActionDataSample().set_gt_label(value))


def test_clips_are_joined_and_indices_follow() -> None:
    clips = [packed(2, [[0, 1, 1], [1, 0, 0]], [0, 0], value=1), packed(3, [[2, 1, 0], [0, 1, 2]], [1, 0], value=2)]
    batch = MODELS.build(dict(type='AudioVisualDataPreprocessor', mean=[1, 2, 3], std=[2, 4, 8]))(pseudo_collate(clips))
    inputs = batch['inputs']
    assert inputs['frames'].shape == (5, 3, 4, 5) and inputs['frames'].dtype == torch.float32
    # brightness 1 in the first clip's two frames, 2 in the second's three
    assert inputs['frames'][:, :, 0, 0].tolist() == [[0, -1 / 4, -2 / 8]] * 2 + [[1 / 2, 0, -1 / 8]] * 3
    assert inputs['frame_index'].tolist() == [[[0, 1, 1], [1, 0, 0]], [[4, 3, 2], [2, 3, 4]]]
    assert inputs['mel'].shape == (3, 1, 7, 6) and inputs['mel'][:, 0, 0, 0].tolist() == [1, 2, 2]
    assert inputs['audio_index'].tolist() == [[0, 0], [2, 1]]
    assert [sample.gt_label.item() for sample in batch['data_samples']] == [1, 2]


def test_defaults_are_imagenets() -> None:
    batch = AudioVisualDataPreprocessor()(pseudo_collate([packed(1, [[0]], [0], value=255)]))
    expected = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    torch.testing.assert_close(batch['inputs']['frames'][0, :, 0, 0], expected)


def test_every_frame_by_its_own_mean_and_deviation() -> None:
    clip = packed(2, [[0, 1]], [0], value=77)
    clip['inputs']['frames'][0] = torch.tensor([10, 10, 30, 30], dtype=torch.uint8)[:, None]  # rows
    frames = AudioVisualDataPreprocessor(mean=None, std=None)(pseudo_collate([clip]))['inputs']['frames']
    # mean 20; 60 numbers that are 10 off have the deviation 10 sqrt(60 / 59); an even frame is divided by 1
    assert frames[0, 2, :, 4].tolist() == pytest.approx([-(59 / 60) ** .5] * 2 + [(59 / 60) ** .5] * 2)
    assert not frames[1].any()


def test_the_batch_given_is_left_alone() -> None:
    data = pseudo_collate([packed(1, [[0]], [0], value=9)])
    AudioVisualDataPreprocessor()(data)
    assert isinstance(data['inputs']['frames'], list) and data['inputs']['frames'][0].unique().tolist() == [9]


@pytest.mark.parametrize('keys', [('frames', 'frame_index'), ('mel', 'audio_index')])
def test_one_modality(keys: tuple[str, str]) -> None:
    clip = packed(1, [[0]], [0])
    clip['inputs'] = {key: clip['inputs'][key] for key in keys}
    assert set(AudioVisualDataPreprocessor()(pseudo_collate([clip]))['inputs']) == set(keys)


def test_nothing_of_it_is_saved() -> None:
    assert AudioVisualDataPreprocessor().state_dict() == {}


@pytest.mark.parametrize(('other', 'message'), [
    (packed(1, [[0], [0]], [0, 0]), r'frame_index of the clips in a batch have different shapes: \(1, 1\) and \(2, 1'),
    (packed(1, [[0]], [0], size=6), r'frames of the clips in a batch have different shapes: \(3, 4, 5\) and \(3, 6, 5'),
])
def test_clips_that_do_not_fit_together(other: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        AudioVisualDataPreprocessor()(pseudo_collate([packed(1, [[0]], [0]), other]))


def blended(clips: list[dict], training: bool = True) -> dict:
    return AudioVisualDataPreprocessor(mean=[0, 0, 0], std=[1, 1, 1], blending=dict(
        num_classes=3, cutmix_alpha=0, label_smoothing=0))(pseudo_collate(clips), training)


def test_training_mixes_frame_by_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, 'beta', lambda *alphas: .75)
    clips = [packed(2, [[0, 1, 1]], [0], value=0), packed(3, [[2, 1, 0]], [0], value=2)]
    clips[0]['inputs']['frames'][1] = 8
    clips[1]['inputs']['frames'][2] = 100
    batch = blended(clips)
    inputs = batch['inputs']
    # frames 0 8 8 and 100 2 2 of the two clips
    assert inputs['frames'].shape == (6, 3, 4, 5)
    assert inputs['frames'][:, 0, 0, 0].tolist() == [25, 6.5, 6.5, 75, 3.5, 3.5]
    assert inputs['frame_index'].tolist() == [[[0, 1, 2]], [[3, 4, 5]]]
    assert inputs['mel'][:, 0, 0, 0].tolist() == [.5, 1.5] and inputs['audio_index'].tolist() == [[0], [1]]
    assert [sample.gt_label.tolist() for sample in batch['data_samples']] == [[.75, 0, .25], [.25, 0, .75]]
    assert [clip['data_samples'].gt_label.tolist() for clip in clips] == [[0], [2]]


def test_evaluation_mixes_nothing() -> None:
    clips = [packed(2, [[0, 1, 1]], [0], value=0), packed(3, [[2, 1, 0]], [0], value=2)]
    batch = blended(clips, training=False)
    plain = AudioVisualDataPreprocessor(mean=[0, 0, 0], std=[1, 1, 1])(pseudo_collate(clips))
    assert all(torch.equal(batch['inputs'][key], plain['inputs'][key]) for key in plain['inputs'])
    assert [sample.gt_label.tolist() for sample in batch['data_samples']] == [[0], [2]]


def test_unreadable_clips_are_not_mixed() -> None:
    clip = packed(1, [[0]], [0], value=1)
    batch = blended([skipped_sample(dict(label=2), 'no frames', clip['inputs']), clip][::-1])
    assert [sample.gt_label.tolist() for sample in batch['data_samples']] == [[0, 1, 0], [2]]
    assert batch['inputs']['frames'].unique().tolist() == [1]
    assert blended([skipped_sample(dict(label=2), 'no frames', clip['inputs'])] * 2)['inputs'] == {}


def without(clip: dict, *keys: str) -> dict:
    """The clip as `PackAudioVisualInputs` gives it where a modality is missing."""
    inputs = dict(clip['inputs'])
    for key, index_key in zip(keys, ('frame_index' if key == 'frames' else 'audio_index' for key in keys), strict=True):
        inputs[key], inputs[index_key] = inputs[key][:0], torch.full_like(inputs[index_key], -1)
    return dict(clip, inputs=inputs)


def test_what_a_clip_lacks_stays_without_index() -> None:
    clips = [without(packed(2, [[0, 1, 1]], [0], value=1), 'mel'), packed(1, [[0, 0, 0]], [0], value=2),
             without(packed(1, [[0, 0, 0]], [0], value=3), 'frames'), packed(1, [[0, 0, 0]], [0], value=4)]
    inputs = AudioVisualDataPreprocessor()(pseudo_collate(clips))['inputs']
    assert len(inputs['frames']) == 4 and inputs['mel'][:, 0, 0, 0].tolist() == [2, 3, 4]
    assert inputs['frame_index'].tolist() == [[[0, 1, 1]], [[2, 2, 2]], [[-1, -1, -1]], [[3, 3, 3]]]
    assert inputs['audio_index'].tolist() == [[-1], [0], [1], [2]]
    nothing = AudioVisualDataPreprocessor(mean=None, std=None)(pseudo_collate([clips[2]]))['inputs']
    assert nothing['frames'].shape == (0, 3, 4, 5)


def test_only_what_both_clips_have_is_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, 'beta', lambda *alphas: .75)
    clips = [without(packed(1, [[0, 0]], [0], value=0), 'mel'), without(packed(1, [[0, 0]], [0], value=1), 'frames'),
             without(packed(1, [[0, 0]], [0], value=2), 'mel'), packed(1, [[0, 0]], [0], value=2)]
    batch = blended(clips)  # first with last: the frames alone; the two in the middle have nothing in common
    inputs = batch['inputs']
    assert inputs['frames'][:, 0, 0, 0].tolist() == [.5, .5, 2, 2, 1.5, 1.5]
    assert inputs['frame_index'].tolist() == [[[0, 1]], [[-1, -1]], [[2, 3]], [[4, 5]]]
    assert inputs['mel'][:, 0, 0, 0].tolist() == [1, 2] and inputs['audio_index'].tolist() == [[-1], [0], [-1], [1]]
    assert [sample.gt_label.tolist() for sample in batch['data_samples']] == [
        [.75, 0, .25], [0, 1, 0], [0, 0, 1], [.25, 0, .75]]


def test_a_modality_that_no_clip_has_is_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, 'beta', lambda *alphas: .75)
    batch = blended([without(packed(1, [[0, 0]], [0], value=value), 'mel') for value in (0, 2)])
    assert batch['inputs']['frames'][:, 0, 0, 0].tolist() == [.5, .5, 1.5, 1.5]
    assert batch['inputs']['mel'].shape == (0, 1, 7, 6) and batch['inputs']['audio_index'].tolist() == [[-1], [-1]]
    assert [sample.gt_label.tolist() for sample in batch['data_samples']] == [[.75, 0, .25], [.25, 0, .75]]


def test_soft_labels_of_people_are_batched_and_mixed() -> None:
    clips = [packed(1, [[0]], [0], value) for value in (0, 1)]
    for clip, label in zip(clips, ([.9, .1, 0], [0, .5, .5]), strict=True):
        clip['data_samples'].set_gt_label(torch.tensor(label))
    plain = AudioVisualDataPreprocessor()(pseudo_collate(clips), training=True)['data_samples']
    assert plain[0].gt_label.tolist() == pytest.approx([.9, .1, 0])
    mixed = [sample.gt_label for sample in blended(clips)['data_samples']]
    assert all(label.shape == (3,) and float(label.sum()) == pytest.approx(1) for label in mixed)
    torch.testing.assert_close(mixed[0] + mixed[1], torch.tensor([.9, .6, .5]))
