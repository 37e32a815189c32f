"""Dosed adapters: 0 is the frozen model and 1 the trained one, to the last digit; in between, the weights between."""
import copy
from collections.abc import Callable

import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualRecognizer
from claip_emo_mm.models.layers.lora import ExactMerging, merge_adapters, scale_adapters
from claip_emo_mm.models.weights.formats import without_adapters

VISION = dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8, quick_gelu=True)
VISUAL_LORA = dict(targets=['q_proj', 'c_fc', 'c_proj'], rank=2, alpha=4)
AUDIO = dict(type='CLAPAudioBackbone',
             arch=dict(embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64),
             spec_augment=False)


def build(build_both: Callable[..., AudioVisualRecognizer], adapted: bool, **options: object) -> AudioVisualRecognizer:
    """A recognizer whose adapters, where it has any, were trained."""
    model = build_both(
        visual_backbone=dict(type='CLIPVisualBackbone', arch=VISION, lora=VISUAL_LORA if adapted else None),
        audio_backbone=dict(AUDIO, lora=dict(targets=['proj', 'fc1'], rank=2, alpha=4) if adapted else None),
        frame_chunk_size=None, **options)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if '.lora_B.' in name:
            nn.init.normal_(parameter)
    return model


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    """So many frames that the layers behind the attention work in chunks."""
    generator = torch.Generator().manual_seed(0)
    return dict(frames=torch.randn(120, 3, 3, 10, 10, generator=generator),
                mel=torch.randn(120, 1, 256, 16, generator=generator))


@torch.inference_mode()
def test_0_is_the_frozen_model_and_1_the_trained_one(build_both: Callable, inputs: dict[str, Tensor]) -> None:
    model, frozen = build(build_both, True), build(build_both, False)
    frozen.load_state_dict(without_adapters(model.state_dict()))
    trained = model(inputs)
    for scale, expected in ((0, frozen(inputs)), (1, trained), (0, frozen(inputs)), (1, trained)):
        scale_adapters(model, scale)
        assert torch.equal(model(inputs), expected)
    assert (trained - frozen(inputs)).abs().max() > .1
    by_option = build(build_both, True, adapter_scale=0.)  # before the checkpoint is loaded
    by_option.load_state_dict(model.state_dict())
    assert torch.equal(by_option(inputs), frozen(inputs))


@torch.inference_mode()
def test_in_between_are_the_weights_in_between(build_both: Callable, inputs: dict[str, Tensor]) -> None:
    model = build(build_both, True)
    expected = copy.deepcopy(model)
    for layer in expected.modules():
        if isinstance(layer, ExactMerging):
            layer.lora_B['default'].weight.mul_(.3)
    scale_adapters(model, .8)
    scale_adapters(model, .3)  # in place of the former one
    torch.testing.assert_close(model(inputs), expected(inputs), rtol=1e-4, atol=1e-5)
    merge_adapters(model)
    torch.testing.assert_close(model(inputs), expected(inputs), rtol=1e-4, atol=1e-5)
    scale_adapters(model, 0)
    merge_adapters(model)  # as an export does: nothing is added
    assert not any(layer.merged for layer in model.modules() if isinstance(layer, ExactMerging))


def test_what_makes_no_sense_is_refused(build_both: Callable, inputs: dict[str, Tensor]) -> None:
    model = build(build_both, True, adapter_scale=.5)
    with pytest.raises(InputError, match='adapter_scale=0.5 is for tests. Leave it out to train'):
        model(inputs, [ActionDataSample().set_gt_label(0)], mode='loss')
    with pytest.raises(InputError, match='adapter_scale is 1.5. Expected 0 to 1'):
        scale_adapters(model, 1.5)
    with pytest.raises(InputError, match='adapter_scale is 0.5, but the model has no adapters'):
        scale_adapters(build(build_both, False), .5)
