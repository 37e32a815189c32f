"""Zero-shot classification: the scores of open_clip and transformers, and class embeddings that checkpoints hold."""
import json
import math
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
import transformers
from mmaction.registry import MODELS
from mmengine.registry import DefaultScope
from open_clip.transformer import TextTransformer
from safetensors.torch import save_file
from torch import Tensor, nn

from claip_emo_mm.datasets.prompts import class_prompts
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioVisualRecognizer, LanguageHead

VISION = dict(image_size=10, patch_size=5, width=16, layers=2, head_width=8)
TEXT = dict(context_length=40, vocab_size=49408, width=8, heads=2, layers=1)
ARCH = dict(TEXT, embed_dims=6, quick_gelu=True)
PROMPTS = dict(glad=['a smile', 'mouth corners raised'], cross=['brows lowered'], blank=['a level mouth'])
CLASSES = list(PROMPTS)
AUDIO_TEXT = dict(vocab_size=300, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                  max_position_embeddings=80)


@pytest.fixture(scope='module')
def clip() -> nn.Module:
    """A small CLIP at random, in float64, of a temperature at which its scores differ."""
    torch.manual_seed(0)
    model = open_clip.model.CLIP(6, VISION, TEXT, quick_gelu=True)
    nn.init.constant_(model.logit_scale, math.log(5))
    return model.double().eval()


@pytest.fixture(scope='module')
def clip_file(clip: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('clip') / 'clip.pt'
    torch.save({key: value.float() for key, value in clip.state_dict().items()}, path)
    clip.load_state_dict(torch.load(path))  # rounded in the same way
    return path


def build(clip_file: Path, **options: object) -> AudioVisualRecognizer:
    """A recognizer of frames alone, in float64."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        return MODELS.build(dict(
            type='AudioVisualRecognizer',
            visual_backbone=dict(type='CLIPVisualBackbone', arch=dict(VISION, quick_gelu=True),
                                 pretrained=str(clip_file)),
            cls_head=dict(type='LanguageHead', num_classes=3, visual_channels=16, classes=CLASSES, arch=ARCH,
                          pretrained=str(clip_file), prompts=PROMPTS, **options))).double().eval()


def pipeline_of_open_clip(clip: nn.Module, frames: Tensor, prompts: list[tuple[str, ...]],
                          tokenize: Callable) -> Tensor:
    """Scores (U, K) as open_clip's documentation computes them; several prompts as CLIP's paper averages them."""
    with torch.no_grad():
        image = nn.functional.normalize(clip.encode_image(frames), dim=-1)
        classes = []
        for sentences in prompts:
            text = nn.functional.normalize(clip.encode_text(tokenize(list(sentences))), dim=-1).mean(0)
            classes.append(text / text.norm())
        return (clip.logit_scale.exp() * image @ torch.stack(classes).T).softmax(-1)


def test_scores_are_those_of_open_clip(clip: nn.Module, clip_file: Path) -> None:
    frames = torch.randn(4, 3, 10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    model = build(clip_file)
    with torch.no_grad():
        scores = model(dict(frames=frames[:, None])).softmax(-1)
    expected = pipeline_of_open_clip(clip, frames, list(PROMPTS.values()), open_clip.SimpleTokenizer(context_length=40))
    assert expected.std(0).min() > 1e-3  # the frames are told apart
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(('arch', 'width', 'classes'), [
    ('ViT-B-32-quickgelu', 768, 'dfew'), ('ViT-B-16-quickgelu', 768, CLASSES), ('ViT-L-14-quickgelu', 1024, CLASSES)])
def test_scores_of_the_real_sizes_are_those_of_open_clip(arch: str, width: int, classes: str | list[str],
                                                         tmp_path: Path) -> None:
    torch.manual_seed(0)
    prompts = PROMPTS if classes is CLASSES else None
    clip = open_clip.create_model(arch, pretrained=None).eval()
    save_file(clip.state_dict(), tmp_path / 'clip.safetensors')
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(dict(
            type='AudioVisualRecognizer',
            visual_backbone=dict(type='CLIPVisualBackbone', arch=arch, pretrained=str(tmp_path / 'clip.safetensors')),
            cls_head=dict(type='LanguageHead', num_classes=3 if prompts else 7, visual_channels=width, classes=classes,
                          arch=arch, pretrained=str(tmp_path / 'clip.safetensors'), prompts=prompts))).double().eval()
    frames = torch.randn(1, 3, 224, 224, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores = model(dict(frames=frames[:, None])).softmax(-1)
    sentences = list(prompts.values()) if prompts else class_prompts(model.cls_head.classes)
    expected = pipeline_of_open_clip(clip.double(), frames, sentences, open_clip.get_tokenizer(arch))
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-6)


def test_the_frames_of_a_view_are_averaged_before_the_projection(clip: nn.Module, clip_file: Path) -> None:
    frames = torch.randn(2, 3, 3, 10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    model = build(clip_file)
    with torch.no_grad():
        logits = model(dict(frames=frames))
        image = nn.functional.normalize(clip.encode_image(frames.flatten(0, 1)).view(2, 3, 6).mean(1), dim=-1)
    torch.testing.assert_close(logits, clip.logit_scale.exp() * image @ model.cls_head.visual.class_embeddings.T)


def laion_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Name the weights of transformers' ClapModel as LAION's file does."""
    names = (('text_model.', 'module.text_branch.'), ('.linear1.', '.0.'), ('.linear2.', '.2.'))
    renamed = {}
    for key, value in state.items():
        for before, after in names:
            key = key.replace(before, after)
        renamed[key if key.startswith('module.') else f'module.{key}'] = value
    return renamed


@pytest.mark.parametrize('form', ['transformers', 'laion'])
def test_scores_of_audio_are_those_of_transformers(form: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    audio = dict(window_size=4, num_mel_bins=16, spec_size=64, hidden_size=32, depths=[2, 2],
                 num_attention_heads=[2, 4], patch_embeds_hidden_size=16, num_hidden_layers=2)
    clap = transformers.ClapModel(transformers.ClapConfig(text_config=AUDIO_TEXT, audio_config=audio, projection_dim=6))
    nn.init.constant_(clap.logit_scale_a, 3.)
    state = clap.state_dict()
    torch.save(state if form == 'transformers' else dict(state_dict=laion_names(state)), tmp_path / 'clap.pt')
    tokenizer = tiny_roberta(tmp_path / 'roberta')
    head = LanguageHead(3, audio_channels=32, classes=CLASSES, audio_arch=dict(AUDIO_TEXT, embed_dims=6),
                        audio_pretrained=str(tmp_path / 'clap.pt'), audio_tokenizer=str(tmp_path / 'roberta'),
                        audio_prompts=PROMPTS).double()
    feature = torch.randn(4, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    clap = clap.double().eval()
    with torch.no_grad():
        logits = head(audio=feature)
        texts = []
        for sentences in PROMPTS.values():
            tokens = tokenizer(sentences, padding='max_length', max_length=77, return_tensors='pt')
            texts.append(nn.functional.normalize(
                clap.get_text_features(**tokens).pooler_output.mean(0), dim=-1))
        heard = nn.functional.normalize(clap.audio_projection(feature), dim=-1)
        expected = heard @ torch.stack(texts).T * clap.logit_scale_a.exp()
        silent = head(audio=torch.zeros_like(feature))
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-6)
    assert (silent == 0).all()  # a clip without audio, although the projection has a bias


def tiny_roberta(folder: Path) -> transformers.RobertaTokenizer:
    """A byte pair encoding without merges, as RoBERTa's files hold it."""
    folder.mkdir()
    letters = 'abcdefghijklmnopqrstuvwxyzĠ'
    words = ['<s>', '<pad>', '</s>', '<unk>', '<mask>', *letters]
    (folder / 'vocab.json').write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / 'merges.txt').write_text('#version: 0.2\n')
    return transformers.RobertaTokenizer.from_pretrained(folder)


def test_both_modalities_add_their_logits_and_a_missing_one_says_nothing(clip_file: Path) -> None:
    head = LanguageHead(3, 16, 12, classes=CLASSES, arch=ARCH, audio_arch=dict(embed_dims=5))
    generator = torch.Generator().manual_seed(1)
    for side in (head.visual, head.audio):
        side.is_ready = True
        side.class_embeddings = nn.functional.normalize(torch.randn(side.class_embeddings.shape, generator=generator))
    visual, audio = torch.randn(2, 16, generator=generator), torch.randn(2, 12, generator=generator)
    torch.testing.assert_close(head(visual, audio), head.visual(visual) + head.audio(audio))
    torch.testing.assert_close(head(visual, torch.zeros(2, 12)), head.visual(visual))


def test_no_text_encoder_runs_with_a_checkpoint(clip_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = dict(frames=torch.randn(2, 3, 3, 10, 10, dtype=torch.float64))
    model = build(clip_file)
    calls = []
    forward = TextTransformer.forward
    monkeypatch.setattr(TextTransformer, 'forward', lambda self, text: calls.append(text) or forward(self, text))
    model.init_weights()  # as a training begins
    assert len(calls) == 3
    expected = model(frames)
    assert len(calls) == 3  # and no step after that
    monkeypatch.setattr(TextTransformer, 'forward', None)  # it cannot even be called
    for pretrained in (str(clip_file), None):  # by the config, and by the checkpoint's own config
        with DefaultScope.overwrite_default_scope('mmaction'):
            head = MODELS.build(dict(type='LanguageHead', num_classes=3, visual_channels=16, classes=CLASSES, arch=ARCH,
                                     pretrained=pretrained, prompts=PROMPTS)).double()
        head.load_state_dict(model.cls_head.state_dict())
        torch.testing.assert_close(head(**model.extract_feat(model._add_indices(frames))), expected, rtol=0, atol=0)


def test_a_checkpoint_of_other_prompts_or_another_encoder_is_refused(clip_file: Path) -> None:
    model = build(clip_file)
    model.init_weights()
    state = model.cls_head.state_dict()
    other = LanguageHead(3, 16, classes=CLASSES, arch=ARCH, pretrained=str(clip_file),
                         prompts=dict(PROMPTS, glad=['a smile', 'a grin']))
    with pytest.raises(InputError, match='visual.prompt_hash: the class embeddings of the checkpoint were made of '
                                         'other prompts'):
        other.load_state_dict(state)
    state['visual.text_hash'] = state['visual.text_hash'] ^ 1
    with pytest.raises(InputError, match='made of other text encoder'):
        model.cls_head.load_state_dict(state)


def test_only_what_is_not_frozen_is_trained(clip_file: Path) -> None:
    model = build(clip_file)
    assert not any(parameter.requires_grad for parameter in model.cls_head.parameters())
    trained = build(clip_file, frozen=False)
    trained.init_weights()
    before = trained.cls_head.visual.class_embeddings.clone()
    trained(dict(frames=torch.randn(2, 3, 3, 10, 10, dtype=torch.float64))).square().sum().backward()
    assert {name for name, parameter in trained.named_parameters() if parameter.grad is not None} == {
        'cls_head.visual.projection.weight', 'cls_head.visual.log_scale'}
    assert torch.equal(trained.cls_head.visual.class_embeddings, before)


def test_what_does_not_fit_is_refused(clip_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match='num_classes=4, but classes has 3 names: glad, cross, blank'):
        LanguageHead(4, 16, classes=CLASSES, arch=ARCH)
    with pytest.raises(InputError, match="arch='ViT-L-15' is not a model of open_clip"):
        LanguageHead(7, 16, arch='ViT-L-15')
    with pytest.raises(InputError, match='text encoder of roberta-ViT-B-32 is not of open_clip'):
        LanguageHead(7, 16, arch='roberta-ViT-B-32')
    with pytest.raises(InputError, match='arch has no embed_dims'):
        LanguageHead(7, 16, arch=dict(TEXT))
    with pytest.raises(InputError, match='has no class embeddings. Set pretrained'):
        LanguageHead(3, 16, classes=CLASSES, arch=ARCH)(visual=torch.ones(1, 16))
    with pytest.raises(InputError, match=r'clip.pt: its weights do not fit this projection(.|\n)*\(6, 16\).*\(6, 17\)'):
        LanguageHead(3, 17, classes=CLASSES, arch=ARCH, pretrained=str(clip_file), prompts=PROMPTS).init_weights()
    with pytest.raises(InputError, match=r"prompts: 'a a .*has 52 tokens, but this text encoder reads 40"):
        LanguageHead(1, 16, classes=['glad'], arch=ARCH, pretrained=str(clip_file),
                     prompts=dict(glad='a ' * 50)).init_weights()
    torch.save({'visual.class_embedding': torch.zeros(16)}, tmp_path / 'vision.pt')
    with pytest.raises(InputError, match='vision.pt: has no token_embedding.weight, text_projection, visual.proj'):
        LanguageHead(3, 16, classes=CLASSES, arch=ARCH, pretrained=str(tmp_path / 'vision.pt'),
                     prompts=PROMPTS).init_weights()
    with pytest.raises(InputError, match="no vocab.json and no merges.txt of RoBERTa's tokenizer.*roberta-base"):
        clap = transformers.ClapModel(transformers.ClapConfig(text_config=AUDIO_TEXT, projection_dim=6))
        torch.save(clap.state_dict(), tmp_path / 'clap.pt')
        LanguageHead(3, audio_channels=768, classes=CLASSES, audio_arch=dict(AUDIO_TEXT, embed_dims=6),
                     audio_pretrained=str(tmp_path / 'clap.pt'), audio_tokenizer=str(tmp_path),
                     audio_prompts=PROMPTS).init_weights()
