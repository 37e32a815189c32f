import copy
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from rotation import rotate
from safetensors.torch import load_file, save_file

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.engine.checkpoints import META_KEY, publish
from claip_emo_mm.errors import InputError
from claip_emo_mm.media.video import VideoFile
from claip_emo_mm.models.weights.resolve import find_file


@pytest.fixture(scope='session')
def infer(checkpoint: Path) -> EmotionInferencer:
    return EmotionInferencer(checkpoint)


def test_scores_are_those_of_the_test(infer: EmotionInferencer, checkpoint: Path, toy_set: Path, tmp_path: Path,
                                      config: Config) -> None:
    cfg = copy.deepcopy(config)
    cfg.merge_from_dict({'test_dataloader.dataset.data_root': str(toy_set), 'test_dataloader.num_workers': 0})
    runner = Runner(cfg.model, str(tmp_path), test_dataloader=cfg.test_dataloader, test_evaluator=cfg.test_evaluator,
                    test_cfg=cfg.test_cfg, load_from=str(checkpoint), default_scope='mmaction',
                    experiment_name='inferencer')
    runner.load_or_resume()
    runner.model.eval()
    with torch.no_grad():
        tested = runner.model.test_step(next(iter(runner.test_dataloader)))
    assert len(tested) == 7
    for sample in tested[:3]:
        scores = infer.infer(sample.filename, face='none').scores
        assert tuple(scores) == DFEW.classes
        assert sum(scores.values()) == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(list(scores.values()), sample.pred_score.numpy(), atol=1e-6)


def test_averaged_logits_are_shown_as_probabilities(checkpoint: Path, toy_set: Path) -> None:
    video = next((toy_set / 'videos').glob('test*.mp4'))
    infer = EmotionInferencer(checkpoint, cfg_options={'model.cls_head.average_clips': 'score'})
    with torch.no_grad():
        infer.model.cls_head.fc.weight *= 40  # logits far above 1
    scores = infer.infer(video, face='none').scores
    assert sum(scores.values()) == pytest.approx(1, abs=1e-6) and 0 <= min(scores.values()) <= max(scores.values()) <= 1


def test_real_video_with_audio(infer: EmotionInferencer, shared: Path) -> None:
    result = infer(shared / 'media' / 'talking_head_with_sound.mp4', return_datasamples=True)['predictions'][0]
    assert sum(result.scores.values()) == pytest.approx(1, abs=1e-6)
    assert [(row.from_s, row.to_s, row.person) for row in result.rows] == [
        (0, 4, 1), (2, 6, 1), (4, 8, 1), (4.75, 8.75, 1)]  # the last one covers the end
    assert result.warnings == []
    for row in result.rows:  # the man's face, measured on the frame
        assert .5 < row.box[0] < .6 and .05 < row.box[1] < .15 and .1 < row.box[2] < .17


def test_video_without_audio_is_predicted_from_frames(infer: EmotionInferencer, toy_set: Path, tmp_path: Path) -> None:
    silent = tmp_path / 'silent.mp4'
    with av.open(str(next((toy_set / 'videos').glob('test*.mp4')))) as clip, av.open(str(silent), 'w') as copy:
        stream = copy.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    result = infer.infer(silent)
    assert result.warnings == ['no audio: predicted from frames alone']
    assert sum(result.scores.values()) == pytest.approx(1, abs=1e-6)


def test_a_turned_clip_is_the_clip_that_the_test_reads(infer: EmotionInferencer, toy_set: Path,
                                                        tmp_path: Path) -> None:
    video, turned = str(next((toy_set / 'videos').glob('test*.mp4'))), tmp_path / 'turned.mp4'
    with av.open(video) as clip, av.open(str(turned), 'w') as copy:
        stream = copy.add_stream_from_template(clip.streams.video[0])
        rotate(stream, 90)
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    reader = VideoFile(video)
    frames = np.rot90(reader.decode(np.arange(reader.num_frames)), axes=(1, 2))
    expected = infer.infer(dict(frames=np.ascontiguousarray(frames), fps=25), face='none').scores
    assert infer.infer(turned, face='none').scores == pytest.approx(expected, abs=1e-6)


def test_arrays_give_the_scores_of_their_file(infer: EmotionInferencer, toy_set: Path) -> None:
    video = str(next((toy_set / 'videos').glob('test*.mp4')))
    reader = VideoFile(video)
    samples, rate_hz = reader.audio()
    frames = reader.decode(np.arange(reader.num_frames))
    arrays = dict(frames=frames, fps=25, audio=samples, sample_rate_hz=rate_hz)
    file, array = infer([video, arrays], face='none', return_datasamples=True)['predictions']
    np.testing.assert_allclose(list(array.scores.values()), list(file.scores.values()), atol=1e-5)
    left = infer.infer(dict(arrays, audio=None), face='none')  # it does read the audio
    assert max(abs(left.scores[name] - file.scores[name]) for name in file.classes) > .01
    for change, message in ((dict(fps=None), 'fps is None'), (dict(frames=frames[0]), r'\(T, H, W, 3\)'),
                            (dict(rate=1), 'unknown rate')):
        with pytest.raises(InputError, match=message):
            infer(arrays | change)


def test_unknown_options_are_named(infer: EmotionInferencer, tmp_path: Path) -> None:
    for options in (dict(face='some'), dict(window_s=0), dict(window_s=61), dict(stride_s=-1), dict(batch_size=0)):
        with pytest.raises(InputError, match=f'{next(iter(options))} is'):
            infer('video.mp4', **options)
    with pytest.raises(InputError, match='no video, audio or image in this folder'):
        infer(tmp_path)


def test_other_files_are_refused(infer: EmotionInferencer, toy_set: Path, tmp_path: Path) -> None:
    whole = next((toy_set / 'videos').glob('test*.mp4')).read_bytes()
    contents = {'empty.mp4': b'', 'text.mp4': b'not a video', 'cut.mp4': whole[:len(whole) // 9]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in (*contents, 'gone.mp4'):
        with pytest.raises(InputError, match=name):
            infer(tmp_path / name)


def test_checkpoints_that_do_not_say_what_they_are_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    loaded = torch.load(checkpoint, weights_only=True)
    for name, change, message in (
            ('bare.pth', lambda saved: saved['meta'].clear(), 'does not say how its model is built'),
            ('old.pth', lambda saved: saved['meta'][META_KEY].update(format=99), 'has checkpoint format 99'),
            ('part.pth', lambda saved: saved['state_dict'].pop('cls_head.fc.bias'),
             r'1 missing in the checkpoint:\n    cls_head\.fc\.bias')):
        changed = dict(meta={META_KEY: dict(loaded['meta'][META_KEY])}, state_dict=dict(loaded['state_dict']))
        change(changed)
        torch.save(changed, tmp_path / name)
        with pytest.raises(InputError, match=f'(?s){name}: .*{message}'):
            EmotionInferencer(tmp_path / name)
    text = shutil.copy(__file__, tmp_path / 'text.pth')
    with pytest.raises(InputError, match='text.pth'):
        EmotionInferencer(text)


def test_published_checkpoint_gives_the_same_scores(infer: EmotionInferencer, checkpoint: Path, toy_set: Path,
                                                    tmp_path: Path) -> None:
    publish(checkpoint, tmp_path / 'shared.safetensors')
    video = next((toy_set / 'videos').glob('test*.mp4'))
    published = EmotionInferencer(tmp_path / 'shared.safetensors')
    shared, own = (each(video)['predictions'][0] for each in (published, infer))
    assert (shared.pop('model')['data'], shared) == (own.pop('model')['data'], own)


def test_whole_model_of_format_1_is_refused(infer: EmotionInferencer, checkpoint: Path, tmp_path: Path) -> None:
    metadata = torch.load(checkpoint, weights_only=True)['meta'][META_KEY]
    old = {key: metadata[key] for key in ('version', 'classes', 'config')} | dict(format=1)
    torch.save(dict(state_dict=infer.model.state_dict(), meta={META_KEY: old}), tmp_path / 'old.pth')
    with pytest.raises(InputError, match=r'old\.pth: has checkpoint format 1, .* expects format 3\. Train again'):
        EmotionInferencer(tmp_path / 'old.pth')


def test_frozen_weights_elsewhere(checkpoint: Path, tmp_path: Path) -> None:
    options = {'model.visual_backbone.pretrained': str(tmp_path / 'clip.safetensors')}
    with pytest.raises(InputError, match=r'(?s)clip\.safetensors.*options model\.visual_backbone\.pretrained=FILE'):
        EmotionInferencer(checkpoint, cfg_options=options)
    shutil.copy(find_file('toy', ['toy_clip.safetensors']), tmp_path / 'clip.safetensors')
    EmotionInferencer(checkpoint, cfg_options=options)
    weights = load_file(tmp_path / 'clip.safetensors')
    weights['visual.ln_post.bias'] += 1
    save_file(weights, tmp_path / 'clip.safetensors')
    with pytest.raises(InputError, match=r"visual_backbone\.pretrained: '.*' \(sha256 .*clip\.safetensors' \(sha256"):
        EmotionInferencer(checkpoint, cfg_options=options)


def test_errors_of_other_options_say_nothing_of_frozen_weights(checkpoint: Path) -> None:
    with pytest.raises(InputError) as caught:
        EmotionInferencer(checkpoint, 'cpu', {'model.visual_backbone.merged_tokens': 500})
    assert 'merged_tokens is 500' in str(caught.value) and 'frozen' not in str(caught.value)
