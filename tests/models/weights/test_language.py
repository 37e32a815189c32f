"""Text encoders in the published forms of a CLIP file, beside transformers' own scores."""
from pathlib import Path

import open_clip
import pytest
import torch
import transformers
from torch import Tensor, nn

from claip_emo_mm.models import LanguageHead
from claip_emo_mm.models.weights.language import clip_language

CLASSES, WIDTH = ['glad', 'cross', 'blank'], 6
TEXT = dict(context_length=20, vocab_size=49408, width=8, heads=2, layers=2)


def random_weights(model: nn.Module) -> nn.Module:
    """Give every weight a value of its own: fresh norms and biases would hide a swap."""
    torch.manual_seed(0)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(torch.rand_like(value).mul_(.2))
    return model.eval()


def head_of(path: Path) -> LanguageHead:
    return LanguageHead(3, 16, classes=CLASSES, arch=dict(TEXT, embed_dims=WIDTH, quick_gelu=True),
                        pretrained=str(path), prompts={name: f'a {name} face' for name in CLASSES}).double()


def test_scores_of_a_hugging_face_file_are_those_of_transformers(tmp_path: Path) -> None:
    text = dict(hidden_size=8, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, vocab_size=49408,
                max_position_embeddings=20, eos_token_id=49407, projection_dim=WIDTH)
    vision = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=10,
                  patch_size=5, projection_dim=WIDTH)
    model = random_weights(transformers.CLIPModel(transformers.CLIPConfig(
        text_config=text, vision_config=vision, projection_dim=WIDTH)))
    torch.save(model.state_dict(), tmp_path / 'pytorch_model.bin')
    model = model.double()
    tokens = open_clip.SimpleTokenizer(context_length=20)([f'a {name} face' for name in CLASSES])
    frames = torch.randn(4, 3, 10, 10, dtype=torch.float64)
    with torch.no_grad():
        expected = model(input_ids=tokens, pixel_values=frames).logits_per_image
        feature = model.vision_model(pixel_values=frames).pooler_output
        logits = head_of(tmp_path / 'pytorch_model.bin')(visual=feature)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('form', ['plain', 'data parallel', 'text encoder apart'])
def test_every_form_of_open_clip_gives_the_same_weights(form: str) -> None:
    vision = dict(image_size=10, patch_size=5, width=16, layers=1, head_width=8)
    model = random_weights(open_clip.model.CLIP(WIDTH, vision, TEXT, quick_gelu=True))
    state: dict[str, Tensor] = dict(model.state_dict())
    if form == 'data parallel':
        state = {f'module.{key}': value for key, value in state.items()}
    if form == 'text encoder apart':
        custom = open_clip.model.CustomTextCLIP(WIDTH, vision, TEXT, quick_gelu=True)
        state = {key if key.startswith('visual.') or key == 'logit_scale' else f'text.{key}': value
                 for key, value in state.items()}
        assert set(state) == set(custom.state_dict())
    found = clip_language(state, 'file')
    assert torch.equal(found.projection['weight'], model.visual.proj.T) and torch.equal(found.log_scale,
                                                                                         model.logit_scale)
    assert torch.equal(found.text['text_projection'], model.text_projection)
    assert {'attn_mask', 'logit_scale', 'visual.proj'}.isdisjoint(found.text) and len(found.text) == 5 + 2 * 12
