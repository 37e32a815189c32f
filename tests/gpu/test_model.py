"""The recognizer on the device beside itself on the CPU: losses, scores, chunks, layouts, devices that do not match."""
from collections.abc import Callable

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualRecognizer

Build = Callable[..., AudioVisualRecognizer]


def batch(clips: int = 3) -> dict:
    """Packed samples as the loader gives them: 2 views of 3 distinct frames; the second clip lacks audio."""
    generator, inputs = torch.Generator().manual_seed(0), dict(frames=[], frame_index=[], mel=[], audio_index=[])
    for number in range(clips):
        inputs['frames'].append(torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8, generator=generator))
        inputs['frame_index'].append(torch.tensor([[0, 1, 2], [1, 2, 3]]))
        has_audio = number != 1
        inputs['mel'].append(torch.randn(int(has_audio), 1, 256, 16, generator=generator))
        inputs['audio_index'].append(torch.tensor([0, 0]) if has_audio else torch.tensor([-1, -1]))
    return dict(inputs=inputs, data_samples=[ActionDataSample().set_gt_label(number) for number in range(clips)])


def single_views(data: dict) -> dict:
    """The same with one view, as training takes them."""
    inputs = dict(data['inputs'], frame_index=[index[:1] for index in data['inputs']['frame_index']],
                  audio_index=[index[:1] for index in data['inputs']['audio_index']])
    return dict(data, inputs=inputs)


def scores(model: AudioVisualRecognizer, data: dict) -> Tensor:
    with torch.no_grad():
        return torch.stack([sample.pred_score for sample in model.eval().test_step(data)]).float().cpu()


def test_scores_are_the_cpus(device: torch.device, build: Build) -> None:
    torch.testing.assert_close(scores(build(), batch()), scores(build(to='cpu'), batch()), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(('dtype', 'near'), [(torch.float16, .02), (torch.bfloat16, .1)], ids=str)
def test_half_precision_is_near(device: torch.device, build: Build, dtype: torch.dtype, near: float) -> None:
    model = build()
    with torch.autocast(device.type, dtype):
        half = scores(model, batch())
    torch.testing.assert_close(half, scores(model, batch()), rtol=0, atol=near)


def test_chunks_give_what_all_at_once_gives(device: torch.device, build: Build) -> None:
    whole = scores(build(frame_chunk_size=None, audio_chunk_size=None), batch())
    chunked = scores(build(frame_chunk_size=3, audio_chunk_size=1), batch())
    torch.testing.assert_close(chunked, whole, rtol=1e-3, atol=1e-5)


def loss_and_gradients(model: AudioVisualRecognizer, data: dict) -> list[Tensor]:
    model.train()
    losses = model(**model.data_preprocessor(data, training=True), mode='loss')
    losses['loss_cls'].backward()
    return [losses['loss_cls'].detach().cpu(), losses['top1_acc'].cpu(),
            *(parameter.grad.cpu() for parameter in model.parameters() if parameter.requires_grad)]


@pytest.mark.parametrize('blending', [None, dict(num_classes=5)], ids=['classes', 'mixup'])
def test_loss_and_gradients_are_the_cpus(device: torch.device, build: Build, blending: dict | None,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('numpy.random.beta', lambda *parameters: .3)
    monkeypatch.setattr('numpy.random.rand', lambda: .7)  # mixup rather than cutmix
    preprocessor = dict(type='AudioVisualDataPreprocessor', blending=blending)
    found, expected = (loss_and_gradients(build(to=to, data_preprocessor=preprocessor), single_views(batch()))
                       for to in (device, 'cpu'))
    assert len(found) > 20
    for value, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(value, wanted, rtol=1e-2, atol=1e-3 * max(float(wanted.abs().max()), 1e-2))


@pytest.mark.parametrize('layout', ['channels_last', 'strided'])
def test_layout_in_memory_changes_nothing(device: torch.device, build: Build, layout: str) -> None:
    model = build().eval()
    frames, mel = torch.randn(2, 3, 3, 32, 32, device=device), torch.randn(2, 1, 256, 16, device=device)
    if layout == 'channels_last':
        other = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, (2, 3))
        other_mel = mel.contiguous(memory_format=torch.channels_last)
        assert not other.is_contiguous()
    else:
        other, other_mel = torch.stack([frames, frames], -1)[..., 0], mel.mT.contiguous().mT
        assert not other.is_contiguous() and not other_mel.is_contiguous()
    with torch.no_grad():
        expected = model(dict(frames=frames, mel=mel))
        torch.testing.assert_close(model(dict(frames=other, mel=other_mel)), expected, rtol=1e-4, atol=1e-4)
    model.train()
    torch.testing.assert_close(model(dict(frames=other, mel=other_mel)), model(dict(frames=frames, mel=mel)), rtol=1e-2,
                               atol=1e-2)


def test_nothing_waits_for_the_gpu_before_the_backward_pass(device: torch.device, build: Build) -> None:
    if device.type != 'cuda':
        pytest.skip('a CPU does not wait; tests/models/test_devices.py shows it with tensors that have no values')
    model = build(dropout=.1, data_preprocessor=dict(type='AudioVisualDataPreprocessor', blending=dict(num_classes=5)))
    data = single_views(batch())
    data['inputs']['mel'][1], data['inputs']['audio_index'][1] = data['inputs']['mel'][0], torch.tensor([0])
    loss_and_gradients(model, data)  # the first call may wait
    data['inputs'] = {key: [value.pin_memory() for value in values] for key, values in data['inputs'].items()}
    torch.cuda.set_sync_debug_mode('error')
    try:
        losses = model.train()(**model.data_preprocessor(data, training=True), mode='loss')
        losses['loss_cls'].backward()
    finally:
        torch.cuda.set_sync_debug_mode('default')


def test_inputs_on_another_device_are_named(device: torch.device, build: Build) -> None:
    model = build()
    other = 'meta' if device.type == 'cpu' else 'cpu'
    inputs = dict(frames=torch.zeros(1, 3, 3, 32, 32, device=other), mel=torch.zeros(1, 1, 256, 16, device=other))
    with pytest.raises(InputError, match=f'frames are on {other}, but the model is on {device}'):
        model(inputs)
    inputs['frames'] = inputs['frames'].new_zeros(1, 3, 3, 32, 32, device=device)
    with pytest.raises(InputError, match=f'mel are on {other}, but the model is on {device}'):
        model(inputs)
