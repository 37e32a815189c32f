"""Which device computes what. The meta device is the GPU: its tensors have no values, so nothing can wait for one."""
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.layers import cpu_ops
from claip_emo_mm.models.layers.views import encode_in_chunks

_COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class OneDevice(TorchDispatchMode):
    """Fails where an operation takes tensors of two devices, as CUDA does; the meta device lets it pass."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor) and value.ndim]
        devices = {value.device.type for value in tensors}
        assert len(devices) < 2 or func in _COPIES, f'{func} takes tensors of {devices}'
        return func(*args, **kwargs or {})


def no_cpu_kernel(*args: object) -> None:
    raise AssertionError('a kernel for CPUs was called')


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Autocast knows no meta device; what is for CPUs alone fails."""
    monkeypatch.setattr(torch, 'is_autocast_enabled', lambda device: False)
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    monkeypatch.setattr(cpu_ops, '_ONEDNN', no_cpu_kernel)
    with OneDevice():
        yield


def loaded(views: int, soft: bool) -> dict[str, Any]:
    """Three clips on the CPU, as a data loader gives them."""
    inputs = dict(frames=[torch.zeros(4, 3, 10, 10, dtype=torch.uint8)] * 3, mel=[torch.zeros(1, 1, 256, 16)] * 3,
                  frame_index=[torch.tensor([[0, 1, 2], [1, 2, 3]])[:views]] * 3,
                  audio_index=[torch.zeros(views, dtype=torch.int64)] * 3)
    return dict(inputs=inputs, data_samples=[
        ActionDataSample().set_gt_label(torch.full((5,), .2) if soft else number) for number in range(3)])


def head(**options: object) -> dict:
    return dict(dict(type='ConcatFusionHead', num_classes=5, visual_channels=16, audio_channels=12), **options)


WEIGHTS = [1., 2., 3., 4., 5.]
MIXED = dict(data_preprocessor=dict(type='AudioVisualDataPreprocessor', blending=dict(num_classes=5)))


@pytest.mark.parametrize('options', [
    dict(), MIXED, dict(modality_dropout=dict(visual=.3, audio=.3)),
    dict(cls_head=head(loss_cls=dict(type='CrossEntropyLoss', class_weight=WEIGHTS), label_smooth_eps=.1)),
    dict(cls_head=head(loss_cls=dict(type='LogitAdjustedLoss', class_counts=WEIGHTS), topk=(1, 9))),
    dict(MIXED, cls_head=head(loss_cls=dict(type='SoftmaxFocalLoss', class_weight=WEIGHTS))),
    dict(cls_head=head(type='GatedFusionHead')), dict(cls_head=head(type='FiLMFusionHead')),
    dict(MIXED, visual_backbone=None, visual_neck=None, cls_head=head(visual_channels=0)),
], ids=lambda options: ' '.join(options) or 'plain')
@pytest.mark.parametrize('soft', [False, True], ids=['classes', 'soft labels'])
def test_training_step_stays_on_the_device(build_both: Callable[..., AudioVisualRecognizer], options: dict,
                                           soft: bool) -> None:
    model = build_both(**options).to('meta').train()
    losses = model(**model.data_preprocessor(loaded(1, soft), training=True), mode='loss')
    losses['loss_cls'].backward()
    assert {value.device.type for value in losses.values()} == {'meta'} and losses['top1_acc'].shape == ()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert trainable and all(parameter.grad.device.type == 'meta' for parameter in trainable)


def test_random_layers_sample_on_the_device(build_both: Callable[..., AudioVisualRecognizer]) -> None:
    model = build_both(audio_backbone=dict(
        type='CLAPAudioBackbone', lora=dict(targets=['proj'], dropout=.5), drop_path_rate=.5, checkpoint_blocks=True,
        arch=dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64)))
    model.to('meta').train()
    model(**model.data_preprocessor(loaded(1, False), training=True), mode='loss')['loss_cls'].backward()


def test_test_step_stays_on_the_device(build_both: Callable[..., AudioVisualRecognizer],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, 'unique', lambda self, dim, return_inverse: (
        self, torch.arange(len(self), device=self.device)))  # how many there are, only values say
    samples = build_both().to('meta').test_step(loaded(2, False))
    assert [sample.pred_score.shape for sample in samples] == [(5,)] * 3
    assert {sample.pred_score.device.type for sample in samples} == {'meta'}


class Counter(nn.Module):
    """A backbone that notes how many inputs it gets at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        return x


@pytest.mark.parametrize(('device', 'sizes'), [('cpu', [16, 4]), ('meta', [20])])
def test_small_chunks_are_for_cpus(device: str, sizes: list[int]) -> None:
    backbone = Counter().eval()
    encode_in_chunks(backbone, None, torch.zeros(20, 2, device=device), 64)
    assert backbone.sizes == sizes


def test_cpu_kernels_are_for_cpus() -> None:
    x, first = torch.zeros(3000, 8, device='meta'), nn.Linear(8, 8, device='meta')
    with torch.no_grad():
        assert cpu_ops.linear(x, first.weight, first.bias, silu=True).device.type == 'meta'
        assert cpu_ops.QuickGELU()(x) is not x  # in place on a CPU
    mask, keep = cpu_ops.sample_mask(x, .3)
    assert mask.device.type == 'meta' and keep == .7  # on a CPU a multiple of 2 ** -16
    assert [len(rows) for rows, _ in cpu_ops._row_chunks(torch.zeros(3000, 4096, device='meta'), None)] == [3000]
    with pytest.raises(AssertionError, match='a kernel for CPUs was called'):
        cpu_ops.linear(torch.zeros(1, 8), torch.zeros(8, 8), None)


def test_mixed_devices_are_seen() -> None:
    with pytest.raises(AssertionError, match='takes tensors of'):
        torch.zeros(3, device='meta') + torch.zeros(3)
