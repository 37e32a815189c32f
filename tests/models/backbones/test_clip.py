from pathlib import Path

import open_clip
import pytest
import safetensors.torch
import torch

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone

ARCH = dict(image_size=20, patch_size=5, width=24, layers=3, head_width=8, mlp_ratio=2., quick_gelu=True)
LORA = dict(targets=['q_proj', 'k_proj', 'v_proj', 'out_proj', 'c_fc', 'c_proj'], rank=2)


def open_clip_encoder(seed: int = 0) -> torch.nn.Module:
    """open_clip's own encoder with weights that leave no layer without effect."""
    torch.manual_seed(seed)
    settings = {key: value for key, value in ARCH.items() if key != 'quick_gelu'}
    clip = open_clip.CLIP(16, settings, dict(context_length=4, vocab_size=9, width=8, heads=2, layers=1),
                          quick_gelu=True)
    for parameter in clip.visual.parameters():
        parameter.data += .1 * torch.randn_like(parameter)
    return clip.eval()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / 'clip.safetensors'
    safetensors.torch.save_file({key: value.contiguous() for key, value in open_clip_encoder().state_dict().items()},
                                path)
    return path


def test_feature_is_open_clips_before_its_projection(weights: Path) -> None:
    backbone = CLIPVisualBackbone(ARCH, pretrained=str(weights), lora=LORA).eval()
    visual = open_clip_encoder().visual
    visual.proj = None
    frames = torch.randn(3, 3, 20, 20)
    with torch.no_grad():
        features = backbone(frames)
        expected = visual(frames)
    assert features.shape == (3, 24)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(('name', 'width'), [('ViT-B-32-quickgelu', 768), ('ViT-L-14-quickgelu', 1024)])
def test_encoders_of_open_clip_are_found_by_name(name: str, width: int) -> None:
    from claip_emo_mm.models.backbones.clip import build_vision_transformer
    with torch.device('meta'):
        encoder = build_vision_transformer(name)
    assert encoder.ln_post.normalized_shape == (width,)
    assert type(encoder.transformer.resblocks[0].mlp.gelu).__name__ == 'QuickGELU'


def test_only_adapters_are_trained_and_each_gets_a_gradient() -> None:
    backbone = CLIPVisualBackbone(ARCH, lora=LORA)
    trained = {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    # 3 blocks x 6 layers x (A, B)
    assert len(trained) == 36 and all('.lora_' in name for name in trained)
    # rank 2: four projections 24 -> 24, and 24 -> 48 -> 24
    assert sum(p.numel() for p in backbone.parameters() if p.requires_grad) == 3 * 2 * (4 * 48 + 2 * 72)
    backbone(torch.randn(2, 3, 20, 20)).square().sum().backward()
    assert {name for name, parameter in backbone.named_parameters() if parameter.grad is not None} == trained


def test_frozen_without_adapters_trains_nothing_and_unfrozen_everything() -> None:
    assert not any(p.requires_grad for p in CLIPVisualBackbone(ARCH).parameters())
    assert all(p.requires_grad for p in CLIPVisualBackbone(ARCH, frozen=False).parameters())


def test_recomputing_activations_changes_no_gradient(weights: Path) -> None:
    gradients = []
    for checkpoint_blocks in (False, True):
        torch.manual_seed(1)
        backbone = CLIPVisualBackbone(ARCH, pretrained=str(weights), lora=dict(**LORA, dropout=0.),
                                      checkpoint_blocks=checkpoint_blocks)
        backbone(torch.linspace(-1, 1, 2400).view(2, 3, 20, 20)).square().sum().backward()
        gradients.append([p.grad for p in backbone.parameters() if p.grad is not None])
    assert len(gradients[0]) == 36
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, recomputed)


def test_random_encoders_differ_with_the_seed_and_are_finite() -> None:
    frames = torch.randn(2, 3, 20, 20)
    features = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        features.append(CLIPVisualBackbone(ARCH)(frames))
    assert torch.equal(features[0], features[1])
    assert not torch.allclose(features[0], features[2])
    assert features[0].isfinite().all()


@pytest.mark.parametrize(('arch', 'message'), [
    ('ViT-B-16-quickgel', 'is not a model of open_clip. Close to it: .*ViT-B-16-quickgelu'),
    ('RN50', 'is not a plain ViT with a class token')])
def test_other_encoders_are_refused(arch: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CLIPVisualBackbone(arch)


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match=r'\(3, 24, 20\) arrived, but this encoder takes \(3, 20, 20\)'):
        CLIPVisualBackbone(ARCH)(torch.zeros(1, 3, 24, 20))


def test_misspelt_adapter_key_names_itself() -> None:
    with pytest.raises(TypeError, match='dropuot'):
        CLIPVisualBackbone(ARCH, lora=dict(targets=['c_fc'], dropuot=.1))


def test_views_are_no_frames() -> None:
    backbone = CLIPVisualBackbone(ARCH, pretrained=None)
    with pytest.raises(InputError, match=r'an input of shape \(2, 3, 4, 20, 20\) arrived, .* Recognizer2D'):
        backbone(torch.zeros(2, 3, 4, 20, 20))
