"""A checkpoint of a language head needs neither the file of weights nor that of prompts that it was made of."""
from pathlib import Path

import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from open_clip.transformer import TextTransformer

from claip_emo_mm.engine.checkpoints import META_KEY, load_trained, make_metadata
from claip_emo_mm.errors import InputError

VISION = dict(image_size=10, patch_size=5, width=16, layers=1, head_width=8)
TEXT = dict(context_length=20, vocab_size=49408, width=8, heads=2, layers=1)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    torch.manual_seed(0)
    clip = open_clip.model.CLIP(6, VISION, TEXT, quick_gelu=True)
    torch.save(clip.state_dict(), tmp_path / 'clip.pt')
    (tmp_path / 'prompts.txt').write_text('glad: a smile\ncross: a frown\n')
    return Config(dict(model=dict(
        type='AudioVisualRecognizer', visual_backbone=dict(type='CLIPVisualBackbone', arch=dict(VISION)),
        cls_head=dict(type='LanguageHead', num_classes=2, visual_channels=16, classes=['glad', 'cross'],
                      arch=dict(TEXT, embed_dims=6), pretrained=str(tmp_path / 'clip.pt'),
                      prompts=str(tmp_path / 'prompts.txt')))))


def test_a_checkpoint_brings_its_class_embeddings(config: Config, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(config.model).eval()
    model.init_weights()
    frames = dict(frames=torch.randn(2, 3, 3, 10, 10))
    expected = model(frames)
    metadata = make_metadata(config, ['glad', 'cross'], model, {})
    torch.save(dict(state_dict=model.state_dict(), meta={META_KEY: metadata}), tmp_path / 'epoch_1.pth')
    by_config = load_trained(str(tmp_path / 'epoch_1.pth'), config).model(frames)
    monkeypatch.setattr(TextTransformer, 'forward', None)
    for name in ('clip.pt', 'prompts.txt'):
        (tmp_path / name).unlink()
    trained = load_trained(str(tmp_path / 'epoch_1.pth'))
    assert trained.classes == ['glad', 'cross']
    assert torch.equal(trained.model(frames), expected) and torch.equal(by_config, expected)


def test_other_prompts_in_the_file_are_noticed(config: Config, tmp_path: Path) -> None:
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(config.model)
    model.init_weights()
    (tmp_path / 'prompts.txt').write_text('glad: a smile\ncross: a scowl\n')
    with DefaultScope.overwrite_default_scope('mmaction'):
        head = MODELS.build(config.model.cls_head)
    state = {key.removeprefix('cls_head.'): value for key, value in model.state_dict().items() if 'cls_head' in key}
    with pytest.raises(InputError, match='were made of other prompts'):
        head.load_state_dict(state)
