"""Exported files: what they compute, what they say of themselves, and what is not written."""
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from claip_emo_mm.engine.checkpoints import TrainedModel
from claip_emo_mm.errors import InputError
from claip_emo_mm.export import Exported, FrontEnd, export_onnx
from claip_emo_mm.export import onnx as onnx_module
from claip_emo_mm.export.wrappers import MediaModel
from claip_emo_mm.models.recognizer import AudioVisualRecognizer

Trainer = Callable[..., TrainedModel]


@pytest.fixture(scope='module')
def session(exported: Exported) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(exported.path))


def sample_clips(trained: TrainedModel, *sizes: tuple[int, int, int]) -> list[dict]:
    model = trained.model
    front_end = FrontEnd(trained.cfg, model.visual_backbone is not None, model.audio_backbone is not None)
    generator = torch.Generator().manual_seed(5)
    return [front_end.sample(generator, *size) for size in sizes]


@torch.no_grad()
def pytorch_scores(trained: TrainedModel, clips: list[dict]) -> np.ndarray:
    """Scores as tools/test.py computes them."""
    samples = trained.model.test_step(pseudo_collate(clips))
    return torch.stack([sample.pred_score for sample in samples]).numpy()


def test_other_numbers_of_everything_give_the_scores_of_the_test(trained: TrainedModel,
                                                                 session: onnxruntime.InferenceSession) -> None:
    clips = sample_clips(trained, (3, 5, 2), (7, 5, 1), (2, 5, 4))
    one, two, three = (clip['inputs'] for clip in clips)
    scores, logits = session.run(None, dict(
        frames=np.concatenate([inputs['frames'] for inputs in (one, two, three)]),
        frame_index=np.stack([one['frame_index'], two['frame_index'] + 3, three['frame_index'] + 10]),
        audio=np.concatenate([clip['inputs']['audio'] for clip in clips]),
        audio_index=np.stack([one['audio_index'], two['audio_index'] + 2, three['audio_index'] + 3])))
    np.testing.assert_allclose(scores, pytorch_scores(trained, clips), atol=1e-5)
    assert logits.shape == (3, 5, 3)
    np.testing.assert_allclose(torch.tensor(logits).softmax(-1).mean(1), scores, atol=1e-6)
    assert np.ptp(scores, axis=0).max() > 1e-3  # the clips differ, so equality says something


def test_averaged_logits_are_probabilities_everywhere(make_trained: Trainer) -> None:
    trained = make_trained()
    trained.model.cls_head.average_clips = 'score'
    clips = sample_clips(trained, (3, 5, 2), (7, 5, 1))
    exported = MediaModel(trained.model, FrontEnd(trained.cfg, True, True))
    with torch.no_grad():
        scores, logits = exported(**exported.inputs(clips))
    odds = logits.double().mean(1).exp()
    torch.testing.assert_close(scores.double(), odds / odds.sum(1, keepdim=True), rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores, pytorch_scores(trained, clips), atol=1e-5)


def test_audio_may_be_longer(trained: TrainedModel, session: onnxruntime.InferenceSession) -> None:
    clip, = sample_clips(trained, (1, 1, 1))
    audio = .3 * torch.randn(1, 70001, generator=torch.Generator().manual_seed(1))  # 4.4 s, 4.1 s fill the spectrogram
    mel = FrontEnd(trained.cfg, True, True).log_mel(dict(audios=list(audio.numpy()), sample_rate_hz=16000))['mel']
    packed = dict(clip, inputs=dict(clip['inputs'], mel=mel))
    scores, _ = session.run(None, dict(frames=packed['inputs']['frames'].numpy(), audio=audio.numpy(),
                                       frame_index=packed['inputs']['frame_index'][None].numpy(),
                                       audio_index=np.zeros((1, 1), np.int64)))
    np.testing.assert_allclose(scores, pytorch_scores(trained, [packed]), atol=1e-5)


def test_the_file_says_what_it_is(exported: Exported, session: onnxruntime.InferenceSession) -> None:
    onnx.checker.check_model(str(exported.path), full_check=True)
    model = onnx.load(str(exported.path))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [('', 18)]
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import)  # for older runtimes
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about['classes']) == ['calm', 'loud', 'odd'] and about['checkpoint'] == 'epoch_1.pth'
    assert json.loads(about['front_end'])['LogMel']['shift_ms'] == 16
    usage = json.loads(about['usage'])
    assert usage['num_clips'] == 2 and list(usage['inputs']) == ['frames', 'frame_index', 'audio', 'audio_index']
    assert 'does not say what a person feels' in about['intended_use'] and 'Apache-2.0' in about['license']
    assert [entry.shape for entry in session.get_inputs()] == [
        ['distinct_frames', 3, 10, 10], ['clips', 'views', 4], ['distinct_audio', 'samples'], ['clips', 'views']]
    assert exported.difference < 1e-5 and exported.clips == 7  # 2 + 1 + 2 of noise, the drawn face, the video
    assert sorted(path.name for path in exported.path.parent.iterdir()) == ['model.int8.onnx', 'model.onnx']
    assert exported.size == exported.path.stat().st_size


def test_adapters_are_merged(exported: Exported) -> None:
    names = {entry.name for entry in onnx.load(str(exported.path)).graph.initializer}
    assert names and not [name for name in names if 'lora' in name]


def test_8_bit_weights(trained: TrainedModel, exported: Exported) -> None:
    change = exported.int8
    integers = onnxruntime.InferenceSession(str(change.path))
    meta = integers.get_modelmeta().custom_metadata_map
    assert meta == onnxruntime.InferenceSession(str(exported.path)).get_modelmeta().custom_metadata_map
    assert onnx.load(str(change.path)).ir_version == 8
    kinds = [node.op_type for node in onnx.load(str(change.path)).graph.node]
    assert 'MatMulInteger' in kinds and 0 < change.difference < .1 and change.agreeing <= change.clips == 7
    clip, = sample_clips(trained, (3, 2, 1))
    inputs = clip['inputs']
    scores, _ = integers.run(None, dict(frames=inputs['frames'].numpy(), audio=clip['inputs']['audio'].numpy(),
                                        frame_index=inputs['frame_index'][None].numpy(),
                                        audio_index=inputs['audio_index'][None].numpy()))
    np.testing.assert_allclose(scores, pytorch_scores(trained, [clip]), atol=.1)


@pytest.mark.parametrize(('components', 'shapes'), [
    (dict(audio=False, neck=False), [['distinct_frames', 3, 10, 10], ['clips', 'views', 'frames_of_a_view']]),
    (dict(visual=False), [['distinct_audio', 'samples'], ['clips', 'views']])])
def test_one_modality(make_trained: Trainer, tmp_path: Path, components: dict[str, bool], shapes: list[list]) -> None:
    trained = make_trained(**components)
    done = export_onnx(trained, tmp_path / 'one.onnx', num_samples=2)
    session = onnxruntime.InferenceSession(str(done.path))
    assert [entry.shape for entry in session.get_inputs()] == shapes
    clip, = sample_clips(trained, (3, 2, 2))
    arrays = {key: value.numpy() for key, value in clip['inputs'].items()}
    feed = dict(frames=arrays['frames'], frame_index=arrays['frame_index'][None]) if 'frames' in arrays else dict(
        audio=clip['inputs']['audio'].numpy(), audio_index=arrays['audio_index'][None])
    np.testing.assert_allclose(session.run(None, feed)[0], pytorch_scores(trained, [clip]), atol=1e-5)


def test_the_models_own_tensors(trained: TrainedModel, make_trained: Trainer, tmp_path: Path) -> None:
    done = export_onnx(make_trained(), tmp_path / 'tensors.onnx', 'tensors', num_samples=2)
    session = onnxruntime.InferenceSession(str(done.path))
    assert [entry.shape for entry in session.get_inputs()] == [['clips', 4, 3, 10, 10], ['clips', 1, 256, 16]]
    frames, mel = torch.randn(5, 4, 3, 10, 10), torch.randn(5, 1, 256, 16)
    with torch.no_grad():
        wanted = trained.model(dict(frames=frames, mel=mel), mode='tensor')
    logits, = session.run(None, dict(frames=frames.numpy(), mel=mel.numpy()))
    np.testing.assert_allclose(logits, wanted, atol=1e-5)


def test_a_file_that_differs_is_not_kept(make_trained: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                         ) -> None:
    run_file = onnx_module.run_file

    def run_wrongly(path: Path, batches: list[dict[str, np.ndarray]]) -> list[list[np.ndarray]]:
        assert path.name.startswith('model.onnx.') and path.suffix == '.part'
        results = run_file(path, batches)
        results[-1][0] = results[-1][0] + 2e-4
        return results

    monkeypatch.setattr(onnx_module, 'run_file', run_wrongly)
    out = tmp_path / 'model.onnx'
    out.write_text('old')
    with pytest.raises(InputError, match=r'model\.onnx: onnxruntime and PyTorch differ by 2\.0e-04'):
        export_onnx(make_trained(audio=False, neck=False), out, num_samples=2, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx'] and out.read_text() == 'old'


class SpecialisedRecognizer(AudioVisualRecognizer):
    """It keeps the number of audio that it saw first."""

    def extract_feat(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        audio = len(inputs['mel'])
        return super().extract_feat(dict(inputs, mel=inputs['mel'].reshape(audio, 1, 256, 16)))


class StubbornRecognizer(AudioVisualRecognizer):
    """Its features depend on numbers that an export does not know."""

    def extract_feat(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        features = super().extract_feat(inputs)
        return {key: value if value.sum() > 0 else -value for key, value in features.items()}


def test_what_cannot_be_exported(make_trained: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, out = make_trained(visual=False), tmp_path / 'model.onnx'

    def refused(message: str, changed: TrainedModel = trained, path: Path = out, **options: object) -> None:
        with pytest.raises(InputError, match=message):
            export_onnx(changed, path, num_samples=2, **options)

    refused(r'model\.pt: expected the name of a file that ends in \.onnx', path=tmp_path / 'model.pt')
    refused(r'gone\.mp4: there is no such file', videos=['gone.mp4'])
    refused('model.type is Linear; expected an AudioVisualRecognizer', trained._replace(model=torch.nn.Linear(1, 1)))
    cfg = trained.cfg.copy()
    cfg.test_dataloader.dataset.pipeline = cfg.test_dataloader.dataset.pipeline[:2]
    refused('holds OpenAudioVisualClip, SampleFrameViews; expected LoadAudioWindows', trained._replace(cfg=cfg))
    stubborn = make_trained(visual=False)
    stubborn.model.__class__ = StubbornRecognizer
    refused('a component of the model cannot be exported: .*', stubborn)
    stubborn.model.__class__ = SpecialisedRecognizer
    refused(r'cannot run the exported file: .*shape in it that must not change', stubborn)
    broken = make_trained(visual=False)
    next(value for name, value in broken.model.named_parameters() if '.lora_B.' in name).data.fill_(torch.nan)
    refused('an adapter holds values that are not finite', broken)
    quick = make_trained(audio=False, neck=False)
    quick.cfg.model.precision = 'bf16'
    quick.cfg.model.visual_backbone.update(merged_tokens=2, int8=True)
    refused(r'exact model: set model\.precision=fp32 model\.visual_backbone\.merged_tokens=0 '
            r'model\.visual_backbone\.int8=False\. --int8 writes', quick)
    quick = make_trained(audio=False, neck=False)
    broken = make_trained(audio=False, neck=False)
    broken.model.cls_head.fc.weight.data[1, 2] = torch.nan
    refused(r"model\.onnx: the scores of 2 of 2 clips are not finite.* 1 of the model's weights .* NaN, cls_head\.fc",
            broken)
    with monkeypatch.context() as patch:
        patch.setattr(onnx_module, '_MAX_SIZE', 1000)
        refused('one ONNX file holds at most 2 GB', quick)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'onnxruntime', None)
        refused('the export needs the package onnxruntime, .* pip install')
    assert not list(tmp_path.iterdir())
    refused(r'conftest\.py/a/model\.onnx: cannot be written \(Not a directory\)\. Part of the path is a file',
            path=Path(__file__).with_name('conftest.py') / 'a' / 'model.onnx')
    out.with_suffix('.int8.onnx').touch()
    refused(r'model\.int8\.onnx: is there already.*--overwrite', int8=True)
