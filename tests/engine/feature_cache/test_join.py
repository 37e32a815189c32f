"""Models with and without encoders give the same."""
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from claip_emo_mm.engine.checkpoints.compatibility import frozen_keys, weight_hash
from claip_emo_mm.engine.feature_cache import cached_config, extract_features

CLIPS = 3


def batch(cfg: Config, split: str) -> dict:
    dataset = DATASETS.build(cfg[f'{split}_dataloader'].dataset)
    return pseudo_collate([dataset[index] for index in range(CLIPS)])


def both_models(cfg: Config, cached: Config) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    raw, features = MODELS.build(cfg.model).eval(), MODELS.build(cached.model).eval()
    for name, parameter in raw.named_parameters():
        if '.lora_B.' in name:
            nn.init.normal_(parameter, std=.05)
    own = features.state_dict()
    shared = {key: value for key, value in raw.state_dict().items() if key in own}
    features.load_state_dict(shared)  # strictly: it has no others
    return raw, features


def logits(model: nn.Module, data: dict) -> torch.Tensor:
    return model.cls_head(**model.extract_feat(model.data_preprocessor(data)['inputs']))


@pytest.mark.parametrize('name, dtype, tolerance', [
    ('temporal', 'float32', 1e-5), ('temporal', 'float16', 1e-3), ('fusion_cross_attention', 'float32', 1e-5),
    ('upper_lora', 'float32', 1e-5), ('audio', 'float32', 1e-5), ('visual', 'float32', 1e-5)])
def test_scores_and_gradients(configured: Callable[..., Config], full_cache: Path, tmp_path: Path, name: str,
                              dtype: str, tolerance: float) -> None:
    cache = full_cache if name in ('audio', 'visual') or (name, dtype) == ('temporal', 'float32') else tmp_path
    cfg = configured(cache, name, feature_cache__dtype=dtype)
    cached, _ = cached_config(cfg, ('test',))
    raw, features = both_models(cfg, cached)
    for each in ('visual_backbone', 'audio_backbone'):
        if cached.model.get(each) and name != 'upper_lora':
            assert type(getattr(features, each)).__name__ == 'CachedBackbone'
            assert not list(getattr(features, each).parameters())
    expected, found = logits(raw, batch(cfg, 'test')), logits(features, batch(cached, 'test'))
    assert found.shape == (2 * CLIPS, 7)
    assert (found.softmax(1) - expected.softmax(1)).abs().max() < tolerance and expected.std() > 1e-3
    for values in (expected, found):
        values.logsumexp(1).sum().backward()
    gradients = {key: parameter.grad for key, parameter in raw.named_parameters() if parameter.requires_grad}
    trained = {key: parameter.grad for key, parameter in features.named_parameters() if parameter.requires_grad}
    assert gradients.keys() == trained.keys() and (name == 'upper_lora') == any('lora' in key for key in trained)
    for key, gradient in gradients.items():
        torch.testing.assert_close(trained[key], gradient, rtol=20 * tolerance, atol=20 * tolerance, msg=key)


def test_training_takes_one_view_at_random(configured: Callable[..., Config], full_cache: Path) -> None:
    cached, _ = cached_config(configured(full_cache), ('train', 'test'))
    tested = DATASETS.build(dict(cached.train_dataloader.dataset, pipeline=cached.test_dataloader.dataset.pipeline))[0]
    views = {}
    for view, index in enumerate(tested['inputs']['frame_index']):
        views[view] = tested['inputs']['frames'][index]
    assert len(views) == 2 and not torch.equal(views[0], views[1])
    dataset, seen = DATASETS.build(cached.train_dataloader.dataset), set()
    for _ in range(12):
        sample = dataset[0]
        assert sample['inputs']['frame_index'].shape == (1, 8) and sample['inputs']['audio_index'].shape == (1,)
        frames = sample['inputs']['frames'][sample['inputs']['frame_index'][0]]
        seen |= {view for view, expected in views.items() if torch.equal(frames, expected)}
    assert seen == {0, 1}
    assert sample['data_samples'].gt_label == tested['data_samples'].gt_label


def test_hash_of_the_frozen_weights_is_that_of_checkpoints(configured: Callable[..., Config], full_cache: Path) -> None:
    cfg = configured(full_cache)
    _, hashes = cached_config(cfg, ('test',))
    model = MODELS.build(cfg.model)
    assert hashes == {name: weight_hash(model, keys) for name, keys in frozen_keys(model).items()}


def test_augmented_versions(configured: Callable[..., Config], tmp_path: Path, texts: list[str]) -> None:
    cfg = configured(tmp_path, feature_cache__views=2)
    report = extract_features(cfg, texts.append, ('train',))
    assert report.clips == report.extracted == 7
    cached, _ = cached_config(cfg, ('train',))
    dataset, raw = DATASETS.build(cached.train_dataloader.dataset), DATASETS.build(cfg.train_dataloader.dataset)
    frames, mel = [], []
    for _ in range(12):
        sample = dataset[0]
        assert sample['inputs'].keys() == raw[0]['inputs'].keys()
        frames.append(sample['inputs']['frames'][sample['inputs']['frame_index'][0]].numpy().tobytes())
        mel.append(sample['inputs']['mel'].numpy().tobytes())
    assert len(set(frames)) == len(set(mel)) == 2  # windows and rolled audio of two versions
    assert extract_features(cfg, texts.append, ('train',)).rows == 0
