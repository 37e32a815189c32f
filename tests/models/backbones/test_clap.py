from pathlib import Path

import pytest
import safetensors.torch
import torch
from clean_forks import run_forks

from benchmarks.plain_model import build_htsat
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLAPAudioBackbone
from claip_emo_mm.models.backbones.htsat import find_arch

ARCH = dict(embed_dims=8, depths=[2, 1], num_heads=[2, 4], mel_bins=16, spec_size=64, num_classes=5)
FUSION_ARCH = dict(ARCH, fusion=True)
LORA = dict(targets=['proj', 'fc1', 'fc2'], rank=2)
MEL = torch.randn(3, 1, 256, 16, generator=torch.Generator().manual_seed(0))


def perturbed_htsat(arch: dict) -> torch.nn.Module:
    torch.manual_seed(0)
    htsat = build_htsat(find_arch(arch), drop_path_rate=0.)
    for tensor in (*htsat.parameters(), htsat.bn0.running_mean):
        tensor.data += .1 * torch.randn_like(tensor)
    return htsat.eval()


def laion_clap_file(path: Path, arch: dict, prefix: str = 'audio_branch.') -> Path:
    """A file in the published format, with the weights that we do not use."""
    state = {f'{prefix}{key}': value for key, value in perturbed_htsat(arch).state_dict().items()}
    state |= {f'{prefix}spectrogram_extractor.stft.conv_real.weight': torch.zeros(3),
              f'{prefix}logmel_extractor.melW': torch.zeros(2)}
    if prefix:
        state['text_branch.embeddings.weight'] = torch.zeros(4)
    safetensors.torch.save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    return path


@pytest.mark.usefixtures('laion_clap')
@pytest.mark.parametrize('prefix', ['audio_branch.', 'module.audio_branch.', ''])
def test_latent_map_is_htsats(tmp_path: Path, prefix: str) -> None:
    path = laion_clap_file(tmp_path / 'clap.safetensors', FUSION_ARCH, prefix)
    backbone = CLAPAudioBackbone(FUSION_ARCH, pretrained=str(path), lora=LORA).eval()
    with torch.no_grad():
        latent = backbone(MEL)
        # HTSAT's own forward: one channel of mel, no clip longer than its window
        theirs = perturbed_htsat(FUSION_ARCH)(dict(mel_fusion=MEL, longer=torch.zeros(3, 1, dtype=torch.bool)))
    # 64 x 64 patches of 4 pixels, halved once: 8 x 8; four pieces of time lie below each other
    assert latent.shape == (3, 16, 2, 32)
    torch.testing.assert_close(latent.mean((2, 3)), theirs['embedding'])
    fine = latent.mean(2).transpose(1, 2).repeat_interleave(32, 1)  # theirs is repeated to the frames' rate
    torch.testing.assert_close(fine, theirs['fine_grained_embedding'])


def test_random_encoders_differ_with_the_seed_and_have_htsats_spread() -> None:
    latents = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        backbone = CLAPAudioBackbone(FUSION_ARCH).eval()
        latents.append(backbone(MEL))
    assert torch.equal(latents[0], latents[1])
    assert not torch.allclose(latents[0], latents[2])
    assert not any(parameter.is_meta for parameter in backbone.parameters())
    weight = backbone.tower.layers[1].blocks[0].mlp.fc1.weight  # 16 x 64 values sampled with 0.02
    assert .019 < weight.std() < .021
    assert not backbone.tower.layers[1].blocks[0].mlp.fc1.bias.any()


def test_training_augments_and_follows_the_data_but_changes_no_input() -> None:
    torch.manual_seed(0)
    backbone = CLAPAudioBackbone(FUSION_ARCH, lora=LORA)
    mel = MEL.clone()
    running_mean = backbone.tower.bn0.running_mean.clone()
    first, second = backbone(mel), backbone(mel)
    assert torch.equal(mel, MEL)
    assert not torch.equal(first, second)
    # torch's momentum of 0.1, twice, from 0
    torch.testing.assert_close(backbone.tower.bn0.running_mean, running_mean + .19 * MEL.mean((0, 1, 2)))
    still = CLAPAudioBackbone(FUSION_ARCH, spec_augment=False, drop_path_rate=0.)
    assert torch.equal(still(mel), still(mel))


@pytest.mark.parametrize('arch', [ARCH, FUSION_ARCH])
@pytest.mark.parametrize('frozen', [True, False])
def test_whatever_is_trained_gets_a_gradient(arch: dict, frozen: bool) -> None:
    backbone = CLAPAudioBackbone(arch, lora=LORA, frozen=frozen, drop_path_rate=0.)
    backbone(MEL).square().sum().backward()
    trained = {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}
    assert {name for name, parameter in backbone.named_parameters() if parameter.grad is not None} == trained
    # 3 blocks x (proj, fc1, fc2) and the patch embedding, (A, B) each
    assert sum('.lora_' in name for name in trained) == 20
    assert frozen == all('.lora_' in name for name in trained)


def test_adapters_of_htsat_tiny_have_the_references_size() -> None:
    backbone = CLAPAudioBackbone('HTSAT-tiny-fusion', lora=dict(LORA, rank=8))
    assert sum(p.numel() for p in backbone.parameters() if p.requires_grad) == 424_832
    assert backbone.out_channels == 768 and backbone.arch.num_frames == 1024


def test_recomputing_activations_changes_no_gradient() -> None:
    gradients = []
    for checkpoint_blocks in (False, True):
        torch.manual_seed(0)
        backbone = CLAPAudioBackbone(ARCH, lora=dict(LORA, dropout=0.), spec_augment=False, drop_path_rate=0.,
                                     checkpoint_blocks=checkpoint_blocks)
        backbone(MEL).square().sum().backward()
        gradients.append([p.grad for p in backbone.parameters() if p.grad is not None])
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, recomputed)


@pytest.mark.parametrize('shape', [(1, 1, 260, 16), (1, 1, 128, 16), (1, 4, 256, 16), (1, 1, 16, 256)])
def test_other_spectrograms_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match='num_frames=256 and num_mel_bins=16 in LogMel'):
        CLAPAudioBackbone(ARCH)(torch.zeros(shape))


def test_unknown_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="arch='HTSAT-huge' is not known. Expected one of HTSAT-tiny"):
        CLAPAudioBackbone('HTSAT-huge')


@pytest.mark.usefixtures('laion_clap')
def test_laion_clap_itself_is_never_imported(tmp_path: Path) -> None:
    (tmp_path / 'imports.py').write_text('import sys; from claip_emo_mm.models import CLAPAudioBackbone; '
        'assert not any(name.startswith(("laion_clap", "torchlibrosa")) for name in sys.modules); '
        'from benchmarks.plain_model import import_htsat; import_htsat(); '
        'assert "laion_clap" not in sys.modules and "laion_clap.clap_module" not in sys.modules; '
        'assert "laion_clap.clap_module.htsat" in sys.modules')
    [done] = run_forks([tmp_path / 'imports.py'], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


WIDE_MEL = dict(ARCH, mel_bins=64, spec_size=256)  # 1024 frames of 64 bins, as HTSAT-tiny's


def read_by(backbone: CLAPAudioBackbone, mel: torch.Tensor) -> torch.Tensor:
    """What the patch embedding is given, unfolded to (A, F, M)."""
    given = []
    hook = backbone.tower.patch_embed.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    with torch.no_grad():
        backbone(mel)
    hook.remove()
    [folded] = given  # (A, 1, 256, 256): four pieces of time below each other
    return torch.cat(folded[:, 0].unflatten(1, (4, 64)).unbind(1), -1)


def test_stripes_of_time_and_frequency_are_masked_in_training() -> None:
    torch.manual_seed(0)
    backbone = CLAPAudioBackbone(WIDE_MEL)
    backbone.tower.layers = torch.nn.ModuleList()  # not needed
    backbone.tower.norm = torch.nn.Identity()
    read = torch.cat([read_by(backbone, torch.randn(50, 1, 1024, 64)) for _ in range(6)])
    frames, bins = (read == 0).all(1).sum(1), (read == 0).all(2).sum(1)  # masked ones of each of 300 spectrograms
    # 2 stripes of 0 to 63 frames, 31.5 in the mean, and 2 of 0 to 7 bins, 3.5 in the mean; few of them overlap
    assert 56 < frames.float().mean() < 66 and 64 < frames.max() <= 126
    assert 6 < bins.float().mean() < 7.4 and 10 < bins.max() <= 14
    runs = torch.nn.functional.pad((read == 0).all(1).int(), (1, 1)).diff().eq(1).sum(1)
    assert set(runs.tolist()) <= {0, 1, 2} and (runs == 2).float().mean() > .7
    assert not torch.equal(read[:50] == 0, read[50:100] == 0)
    assert (read_by(backbone.eval(), torch.randn(50, 1, 1024, 64)) != 0).all()


def test_branches_are_dropped_at_the_rate_of_their_block() -> None:
    torch.manual_seed(0)
    backbone = CLAPAudioBackbone(dict(ARCH, depths=[2, 2]), drop_path_rate=.3, spec_augment=False)
    blocks = [block for stage in backbone.tower.layers for block in stage.blocks]
    kept: list[list[torch.Tensor]] = [[] for _ in blocks]

    for block, ratios in zip(blocks, kept, strict=True):  # 0 of a clip that is dropped, else 1 / (1 - rate)
        block.drop_path.register_forward_hook(lambda module, inputs, output, ratios=ratios: ratios.append(
            (output / inputs[0]).flatten(1).nanmean(1)))
    mel = torch.randn(500, 1, 256, 16)
    with torch.no_grad():
        backbone(mel)
    for number, ratios in enumerate(kept):
        rate = .1 * number
        assert len(ratios) == 2  # behind the attention and behind the MLP
        for ratio in ratios:
            assert (ratio == 0).float().mean() == pytest.approx(rate, abs=.08)  # 4 standard errors
            torch.testing.assert_close(ratio[ratio != 0], torch.full_like(ratio[ratio != 0], 1 / (1 - rate)))
        assert not number or not torch.equal(*ratios)
    for ratios in kept:
        ratios.clear()
    with torch.no_grad():
        backbone.eval()(mel[:20])
    assert all((ratio == 1).all() for ratios in kept for ratio in ratios)
