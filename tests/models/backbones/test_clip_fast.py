"""CLIP's vision transformer with merged tokens, and by 8-bit integers."""
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from slow_merging import slowly
from torch import Tensor, nn
from torch.nn import functional as F

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone
from claip_emo_mm.models.layers.int8 import has_int8

ARCH = dict(image_size=16, patch_size=4, width=16, layers=3, head_width=8, quick_gelu=True)
LORA = dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=2, alpha=4)
needs_int8 = pytest.mark.skipif(not has_int8(), reason='PyTorch without oneDNN')


def build(lora: dict | None = LORA, **options: object) -> CLIPVisualBackbone:
    torch.manual_seed(0)
    backbone = CLIPVisualBackbone(ARCH, lora=lora, **options).eval()
    for name, parameter in backbone.named_parameters():
        if '.lora_B.' in name:
            nn.init.normal_(parameter, std=.3)
    return backbone


@pytest.fixture
def frames() -> Tensor:
    return torch.randn(19, 3, 16, 16, generator=torch.Generator().manual_seed(1))  # two chunks


def by_definition(backbone: CLIPVisualBackbone, frame: Tensor, num_merged: int) -> Tensor:
    """Encode a frame (3, H, W), with a logit more for each patch that a token stands for."""
    tower = backbone.tower
    x = tower._embeds(frame[None])[0]  # (N, D)
    sizes = torch.ones(len(x))
    for number, block in enumerate(tower.transformer.resblocks):
        normed = block.ln_1(x)
        q, k, v = (project(normed).view(len(x), 2, 8).transpose(0, 1) for project in (
            block.attn.q_proj, block.attn.k_proj, block.attn.v_proj))
        weights = (q @ k.transpose(1, 2) / 8 ** .5).exp() * sizes  # (heads, N, N)
        x = x + block.attn.out_proj((weights / weights.sum(-1, keepdim=True) @ v).transpose(0, 1).flatten(1))
        if number < 2:
            x, sizes = slowly(x, k.mean(0), sizes, num_merged)
        x = x + block.mlp(block.ln_2(x))
    return tower.ln_post(x[0])


def test_merging_is_its_definition(frames: Tensor) -> None:
    backbone = build(merged_tokens=5)
    with torch.no_grad():
        found = backbone(frames)
        expected = torch.stack([by_definition(backbone, frame, 5) for frame in frames[:3]])
        plain = build()(frames)
    torch.testing.assert_close(found[:3], expected, rtol=0, atol=1e-4)
    assert (found - plain).abs().max() > 1e-3


def test_gradients_pass_merging(frames: Tensor) -> None:
    backbone = build(merged_tokens=2)
    assert backbone(frames[:2]).sum().requires_grad


def test_options_that_are_off_change_nothing(frames: Tensor) -> None:
    plain = build()
    off = build(merged_tokens=0, int8=False)
    with torch.no_grad():
        assert torch.equal(off(frames), plain(frames))


@pytest.mark.parametrize('options', [dict(merged_tokens=3), pytest.param(dict(int8=True), marks=needs_int8)])
def test_weights_are_those_of_the_plain_encoder(frames: Tensor, options: dict) -> None:
    plain, fast = build(), CLIPVisualBackbone(ARCH, lora=LORA, **options).eval()
    with torch.no_grad():
        fast(frames)
    assert fast.state_dict().keys() == plain.state_dict().keys()
    fast.load_state_dict(plain.state_dict())
    back = CLIPVisualBackbone(ARCH, lora=LORA).eval()
    back.load_state_dict(fast.state_dict())
    with torch.no_grad():
        assert torch.equal(back(frames), plain(frames))
        assert torch.equal(fast(frames), build(**options)(frames))


@needs_int8
@pytest.mark.parametrize('lora', [None, LORA, dict(LORA, targets=['v_proj', 'c_fc'])])
def test_integers_are_close(frames: Tensor, lora: dict | None) -> None:
    with torch.no_grad():
        plain, found = build(lora)(frames), build(lora, int8=True)(frames)
    error = (found - plain).abs().max()
    assert 1e-5 < error < .15  # features after a layer norm: of variance 1
    assert F.cosine_similarity(found, plain).min() > .998


@needs_int8
def test_a_frame_does_not_depend_on_the_others(frames: Tensor) -> None:
    backbone = build(int8=True)
    with torch.no_grad():
        assert torch.equal(backbone(frames)[:1], backbone(frames[:1]))


@needs_int8
def test_integers_follow_the_weights(frames: Tensor) -> None:
    backbone = build(int8=True)
    changed = build()
    with torch.no_grad():
        before = backbone(frames)
        for net in (backbone, changed):
            dict(net.named_parameters())['tower.transformer.resblocks.0.attn.v_proj.lora_B.default.weight'].mul_(-1)
        after = backbone(frames)
        assert (after - before).abs().max() > 5 * (after - changed(frames)).abs().max()
        for copied in (copy.deepcopy(backbone), pickle.loads(pickle.dumps(backbone))):
            assert torch.equal(copied(frames), after)


@needs_int8
def test_integers_follow_what_the_adapters_do(frames: Tensor) -> None:
    backbone, without = build(int8=True), build(int8=True)
    with torch.no_grad():
        for name, value in without.named_parameters():
            if '.lora_B.' in name:
                value.zero_()
        backbone(frames)
        for layer in backbone.modules():
            if hasattr(layer, 'enable_adapters'):
                layer.enable_adapters(False)
        assert torch.equal(backbone(frames), without(frames))


@needs_int8
def test_integers_of_a_model_that_was_built_for_inference(frames: Tensor) -> None:
    with torch.inference_mode():
        assert torch.equal(build(int8=True)(frames), build(int8=True).eval()(frames))


@needs_int8
def test_what_is_not_finite_stays_so(frames: Tensor) -> None:
    for value in (torch.nan, torch.inf):
        with torch.no_grad():
            found = build(int8=True)(torch.stack([frames[0], frames[1].clone().fill_(value)]))
        assert found[0].isfinite().all() and not found[1].isfinite().any()


@needs_int8
def test_threads_that_share_an_encoder_do_not_disturb_each_other(frames: Tensor) -> None:
    backbone = build(int8=True)

    def encode(number: int) -> Tensor:
        with torch.no_grad():
            return backbone(frames[number % len(frames)][None])

    expected = [encode(number) for number in range(len(frames))]
    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(encode, range(60))):
            assert torch.equal(found, expected[number % len(frames)])


@pytest.mark.parametrize(('options', 'message'), [
    (dict(merged_tokens=1.5), 'CLIPVisualBackbone: merged_tokens is 1.5. Expected a whole number'),
    (dict(merged_tokens=-1), 'CLIPVisualBackbone: merged_tokens is -1. Expected at least 0'),
    (dict(merged_tokens=6), 'merged_tokens is 6, but this encoder has tokens for at most 5 in each'),
    (dict(int8='yes'), "CLIPVisualBackbone: int8 is 'yes'. Expected False or True")])
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CLIPVisualBackbone(ARCH, **options)


def test_no_training(frames: Tensor) -> None:
    with pytest.raises(InputError, match='merged_tokens and int8 cannot be trained with. Leave it out'):
        build(merged_tokens=1, int8=True).train()(frames)


def test_integers_are_for_cpus() -> None:
    with pytest.raises(InputError, match='int8=True is for CPUs, but the model is on meta'):
        build(int8=True).to('meta')(torch.zeros(1, 3, 16, 16, device='meta'))
