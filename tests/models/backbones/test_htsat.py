"""HTSAT beside two other implementations: laion_clap's, and ClapAudioModel of transformers."""
import pytest
import torch
from torch import Tensor, nn
from transformers import ClapAudioConfig, ClapAudioModel

from benchmarks.plain_model import build_htsat
from claip_emo_mm.models import CLAPAudioBackbone
from claip_emo_mm.models.backbones.htsat import NAMED_ARCHS, HTSATArch, HTSATEncoder, PatchEmbed, SpecAugment

SMALL = HTSATArch(8, (2, 3), (2, 4), mel_bins=16, spec_size=128, window_size=4, num_classes=5)
ARCHS = {'small': SMALL, **{name: NAMED_ARCHS[name] for name in ('HTSAT-tiny', 'HTSAT-tiny-fusion', 'HTSAT-base')}}


@pytest.fixture(scope='module', params=ARCHS)
def arch(request: pytest.FixtureRequest) -> HTSATArch:
    return ARCHS[request.param]


def random_htsat(arch: HTSATArch, drop_path_rate: float) -> nn.Module:
    """laion_clap's HTSAT with norms and biases that are not neutral."""
    torch.manual_seed(0)
    htsat = build_htsat(arch, drop_path_rate)
    for parameter in htsat.parameters():
        if parameter.ndim == 1:
            parameter.data += .1 * torch.randn_like(parameter)
    htsat.bn0.running_mean.normal_(), htsat.bn0.running_var.uniform_(.5, 2.)
    return htsat


def spectrograms(arch: HTSATArch, clips: int) -> Tensor:
    return torch.randn(clips, 1, arch.num_frames, arch.mel_bins, generator=torch.Generator().manual_seed(1))


def ours_with(htsat: nn.Module, arch: HTSATArch, drop_path_rate: float = 0.) -> CLAPAudioBackbone:
    backbone = CLAPAudioBackbone(vars(arch), drop_path_rate=drop_path_rate)
    backbone.tower.load_state_dict(htsat.state_dict())  # strict: the same keys and shapes
    return backbone


def embed(htsat: nn.Module, mel: Tensor) -> Tensor:
    """The embedding (A, D) of laion_clap's HTSAT, no clip marked as longer, from its own parts."""
    x = htsat.bn0(mel.transpose(1, 3)).transpose(1, 3)
    if htsat.training:
        x = htsat.spec_augmenter(x)
    return htsat.forward_features(htsat.reshape_wav2img(x), longer_idx=[])['embedding']


@pytest.mark.usefixtures('laion_clap')
def test_names_and_buffers_are_laion_clap_s(arch: HTSATArch) -> None:
    theirs = build_htsat(arch, drop_path_rate=.1)
    ours = HTSATEncoder(arch, drop_path_rate=.1)
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == {
        name: tensor.shape for name, tensor in theirs.state_dict().items()}
    buffers = dict(theirs.named_buffers())
    assert len(buffers) > 8
    for name, buffer in ours.named_buffers():
        assert buffer.dtype == buffers[name].dtype and torch.equal(buffer, buffers[name]), name


@pytest.mark.usefixtures('laion_clap')
def test_features_are_laion_clap_s(arch: HTSATArch) -> None:
    htsat, mel = random_htsat(arch, 0.).eval(), spectrograms(arch, 2)
    with torch.no_grad():
        ours, theirs = ours_with(htsat, arch).eval()(mel).mean((2, 3)), embed(htsat, mel)
    assert theirs.std() > .05
    assert (ours - theirs).abs().max() < 2e-6


@pytest.mark.usefixtures('laion_clap')
def test_a_training_of_the_same_seed_is_laion_clap_s(arch: HTSATArch) -> None:
    htsat, mel = random_htsat(arch, .5).train(), spectrograms(arch, 3)
    backbone = ours_with(htsat, arch, .5).train()
    with torch.no_grad():
        torch.manual_seed(5)
        theirs = embed(htsat, mel.clone())
        torch.manual_seed(5)
        ours = backbone(mel).mean((2, 3))
        after = torch.rand(1)
        torch.manual_seed(6)
        other = backbone(mel).mean((2, 3))
    assert (ours - theirs).abs().max() < 2e-6
    assert (other - theirs).abs().max() > 1e-3  # what is random matters
    torch.manual_seed(5)
    embed(htsat, mel.clone())
    assert torch.equal(torch.rand(1), after)  # as many random numbers were taken


@pytest.mark.parametrize('name', ['HTSAT-tiny', 'HTSAT-tiny-fusion', 'HTSAT-base'])
def test_features_are_those_of_transformers(name: str, tmp_path) -> None:
    arch = NAMED_ARCHS[name]
    torch.manual_seed(0)
    model = ClapAudioModel(ClapAudioConfig(
        patch_embeds_hidden_size=arch.embed_dims, depths=list(arch.depths), num_attention_heads=list(arch.num_heads),
        hidden_size=arch.out_channels, enable_fusion=arch.fusion, fusion_type='aff_2d' if arch.fusion else None)).eval()
    torch.save({f'audio_model.{key}': value for key, value in model.state_dict().items()}, tmp_path / 'clap.pt')
    encoder = CLAPAudioBackbone(name, pretrained=str(tmp_path / 'clap.pt')).eval()
    mel = spectrograms(arch, 2)
    with torch.no_grad():
        theirs = model(mel, is_longer=torch.zeros(2, 1)).last_hidden_state
        assert (encoder(mel) - theirs).abs().max() < 5e-6


def test_patches_become_tokens_row_by_row() -> None:
    embed, image = PatchEmbed(3, fusion=False), torch.zeros(1, 1, 8, 12)
    image[0, 0, 5, 9] = 1.  # the patch of row 1, column 2
    with torch.no_grad():
        tokens = embed(image)
        still = embed(torch.zeros_like(image))
    assert tokens.shape == (1, 6, 3)
    assert (tokens != still).any(-1).tolist() == [[False] * 5 + [True]]


def test_no_stripes() -> None:
    x = torch.ones(2, 1, 30, 8)
    assert SpecAugment(0, 2, 5, 0)(x).all()
    assert not SpecAugment(20, 3, 0, 2)(x).all() and x.all(3).any()
