"""Small files of weights in every published format, made by the classes of their publishers."""
import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch
import transformers
from torch import Tensor, nn

from benchmarks.plain_model import import_htsat
from claip_emo_mm.models.backbones.htsat import HTSATArch

VISION = dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8, quick_gelu=True)
AUDIO = HTSATArch(embed_dims=16, depths=(2, 2), num_heads=(2, 4), mel_bins=16, spec_size=64, window_size=4,
                  fusion=True, num_classes=5)
FRAMES = torch.randn(3, 3, 10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
MEL = torch.randn(2, 1, 256, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
HF_VISION = dict(hidden_size=16, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=10,
                 patch_size=5, projection_dim=6)
Maker = Callable[[Path], Tensor]


def shaken(model: nn.Module) -> nn.Module:
    """Give every weight and statistic a value of its own: fresh norms and biases would hide a swap."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point() and not name.endswith('attn_mask'):
                value.add_(torch.rand_like(value).mul_(.2))
    return model.eval()


def last_norm(encoder: nn.Module) -> Tensor:
    """Class token after the last norm of open_clip's encoder, in the encoder's own forward and in float64."""
    encoder = copy.deepcopy(encoder).double()
    captured = []
    encoder.ln_post.register_forward_hook(lambda module, inputs, output: captured.append(output))
    with torch.no_grad():
        encoder(FRAMES)
    return captured[0][:, 0]


class OpenAI(nn.Module):
    """What OpenAI's archive holds: a traced model with half-precision weights and three numbers beside them."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        self.token_embedding = nn.Embedding(11, 4)
        for name in ('input_resolution', 'context_length', 'vocab_size'):
            self.register_buffer(name, torch.tensor(10))

    def forward(self, image: Tensor) -> Tensor:
        """Encode frames."""
        return self.visual(image)


def open_clip_model(half: bool = False) -> tuple[nn.Module, Tensor]:
    vision = {key: value for key, value in VISION.items() if key != 'quick_gelu'}
    text = dict(context_length=5, vocab_size=11, width=8, heads=2, layers=1)
    model = shaken(open_clip.model.CLIP(6, vision, text, quick_gelu=True))
    if half:
        model = model.half().float()
    return model, last_norm(model.visual)


def openai_archive(path: Path) -> Tensor:
    model, features = open_clip_model(half=True)
    torch.jit.trace(OpenAI(model.visual), FRAMES.float(), check_trace=False).half().save(path)
    return features


def openai_state_dict(path: Path) -> Tensor:
    model, features = open_clip_model(half=True)
    torch.save({key: value.half() for key, value in model.state_dict().items()}, path)
    return features


def open_clip_file(path: Path) -> Tensor:
    model, features = open_clip_model()
    if path.suffix == '.safetensors':
        safetensors.torch.save_file(model.state_dict(), path)
    elif path.suffix == '.bin':
        torch.save(model.state_dict(), path)
    else:
        state = {f'module.{key}': value for key, value in model.state_dict().items()}
        torch.save(dict(epoch=3, name='run', state_dict=state), path)
    return features


def hugging_face_clip(path: Path, complete: bool, prefix: str = '') -> Tensor:
    if complete:
        text = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=11,
                    max_position_embeddings=5, bos_token_id=0, eos_token_id=1, projection_dim=6)
        model = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=HF_VISION,
                                                               projection_dim=6))
    else:
        model = transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**HF_VISION))
    shaken(model)
    _save_as_hugging_face(model, path, prefix)
    with torch.no_grad():
        return (model.vision_model if complete else model).double()(pixel_values=FRAMES).pooler_output


def hugging_face_clap(path: Path) -> Tensor:
    text = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=11,
                max_position_embeddings=9)
    audio = dict(window_size=4, num_mel_bins=16, spec_size=64, hidden_size=32, depths=[2, 2], enable_fusion=True,
                 num_attention_heads=[2, 4], fusion_type='aff_2d', patch_embeds_hidden_size=16, num_hidden_layers=2)
    model = shaken(transformers.ClapModel(transformers.ClapConfig(text_config=text, audio_config=audio)))
    _save_as_hugging_face(model, path)
    with torch.no_grad():
        encoder = model.audio_model.audio_encoder.double()
        return encoder(MEL, is_longer=torch.zeros(len(MEL), 1), return_dict=True).last_hidden_state


def _save_as_hugging_face(model: nn.Module, path: Path, prefix: str = '') -> None:
    """Save as transformers does; CLIPVisionModel as its version 5 does, or with the prefix of version 4."""
    state = model.state_dict()
    if isinstance(model, transformers.CLIPVisionModel):  # has the prefix in early versions 5, too
        state = {prefix + key.removeprefix('vision_model.'): value for key, value in state.items()}
    if path.suffix == '.safetensors':
        state = {key: value.contiguous() for key, value in state.items()}
        safetensors.torch.save_file(state, path, metadata=dict(format='pt'))
    else:
        torch.save(state, path)


def laion(path: Path, complete: bool) -> Tensor:
    front_end = SimpleNamespace(mel_bins=16, window_size=64, hop_size=32, sample_rate=48000, fmin=50, fmax=14000)
    encoder = shaken(import_htsat().HTSAT_Swin_Transformer(
        spec_size=64, num_classes=5, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4, config=front_end,
        enable_fusion=True, fusion_type='aff_2d'))
    state = encoder.state_dict()
    if complete:
        state = {f'module.audio_branch.{key}': value for key, value in state.items()}
        state |= {'module.logit_scale_a': torch.tensor(1.), 'module.text_branch.embeddings.word': torch.zeros(3, 2)}
        # numpy's numbers, which keep plain weights_only loading from reading LAION's own files
        torch.save(dict(epoch=45, name='run', best=np.float64(.7), state_dict=state), path)
    else:
        torch.save(state, path)
    captured = []
    encoder.tscam_conv.register_forward_pre_hook(lambda module, inputs: captured.append(inputs[0]))
    with torch.no_grad():
        encoder.double()(dict(mel_fusion=MEL, longer=torch.zeros(len(MEL), 1, dtype=torch.bool)))
    return captured[0]


# Name of the format in the log, file name, and what makes the file and its features.
PUBLISHED: dict[str, tuple[str, str, Maker]] = {
    'openai_archive': ('open_clip or OpenAI CLIP', 'ViT-B-32.pt', openai_archive),
    'openai_state_dict': ('open_clip or OpenAI CLIP', 'clip.pth', openai_state_dict),
    'open_clip_bin': ('open_clip or OpenAI CLIP', 'open_clip_pytorch_model.bin', open_clip_file),
    'open_clip_safetensors': ('open_clip or OpenAI CLIP', 'open_clip_model.safetensors', open_clip_file),
    'open_clip_pt': ('open_clip, data parallel', 'epoch_3.pt', open_clip_file),
    'hf_clip_bin': ('Hugging Face CLIPModel or CLIPVisionModel', 'pytorch_model.bin',
                    lambda path: hugging_face_clip(path, True)),
    'hf_clip_safetensors': ('Hugging Face CLIPModel or CLIPVisionModel', 'model.safetensors',
                            lambda path: hugging_face_clip(path, True)),
    'hf_vision_bin': ('Hugging Face CLIPModel or CLIPVisionModel', 'pytorch_model.bin',  # transformers 4
                      lambda path: hugging_face_clip(path, False, 'vision_model.')),
    'hf_vision_safetensors': ('Hugging Face CLIPVisionModel without prefix', 'model.safetensors',  # transformers 5
                              lambda path: hugging_face_clip(path, False)),
    'laion_pt': ('LAION CLAP, data parallel', '630k-audioset-fusion-best.pt', lambda path: laion(path, True)),
    'laion_branch': ('LAION CLAP, audio branch alone', 'audio_branch.pt', lambda path: laion(path, False)),
    'hf_clap_bin': ('Hugging Face ClapModel', 'pytorch_model.bin', hugging_face_clap),
    'hf_clap_safetensors': ('Hugging Face ClapModel', 'model.safetensors', hugging_face_clap),
}


@pytest.fixture(params=PUBLISHED)
def published(request: pytest.FixtureRequest, tmp_path: Path) -> SimpleNamespace:
    """A file in one of the formats: ``kind``, ``format``, ``path``, ``features`` and the ``inputs`` that give them."""
    format_name, name, make = PUBLISHED[request.param]
    if request.param.startswith('laion'):
        request.getfixturevalue('laion_clap')
    path = tmp_path / name
    audio = 'clap' in format_name.lower()
    features = make(path)
    sizes = dict(VISION) if not audio else {field: getattr(AUDIO, field) for field in AUDIO.__dataclass_fields__}
    return SimpleNamespace(kind='clap' if audio else 'clip', format=format_name, path=path, features=features,
                           arch=sizes, inputs=MEL if audio else FRAMES, name=request.param)
