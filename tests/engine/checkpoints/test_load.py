"""From checkpoints to models, with a config and without."""
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from sampled_components import sampled_config, write_encoders

from claip_emo_mm.datasets import DFEW
from claip_emo_mm.engine.checkpoints import META_KEY, frozen_keys, load_trained, make_metadata, weight_hash
from claip_emo_mm.errors import InputError


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp('encoders')
    return sampled_config(folder, write_encoders(folder))


@pytest.fixture(scope='module')
def model(config: Config) -> torch.nn.Module:
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope('mmaction'):
        return MODELS.build(config.model)


@pytest.fixture(scope='module')
def checkpoint(config: Config, model: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    omitted = frozen_keys(model)
    metadata = make_metadata(config, DFEW.classes, model, {name: weight_hash(model, keys) for name,
                                                        keys in omitted.items()})
    frozen = {key for keys in omitted.values() for key in keys}
    state = {f'module.{key}': value for key, value in model.state_dict().items() if key not in frozen}
    path = tmp_path_factory.mktemp('checkpoint') / 'epoch_1.pth'
    torch.save(dict(state_dict=state, meta={META_KEY: metadata}), path)
    return path


def test_the_config_is_the_checkpoints_own_or_a_given_one(checkpoint: Path, config: Config, model: torch.nn.Module,
                                                          ) -> None:
    given = config.to_dict()
    backbones = ('visual_backbone', 'audio_backbone')
    encoders = {f'model.{name}.pretrained': config.model[name].pretrained for name in backbones}
    for cfg, options in ((None, encoders), (config, None)):
        loaded = load_trained(str(checkpoint), cfg, options)
        assert loaded.classes == list(DFEW.classes) and not loaded.model.training
        assert loaded.cfg.model.visual_backbone.pretrained == config.model.visual_backbone.pretrained
        for key, value in model.state_dict().items():
            torch.testing.assert_close(loaded.model.state_dict()[key], value, rtol=0, atol=0, msg=key)
    assert config.to_dict() == given


def test_whole_weights_need_a_config_and_no_source(config: Config, model: torch.nn.Module, tmp_path: Path) -> None:
    torch.save(model.state_dict(), tmp_path / 'bare.pth')
    with pytest.raises(InputError, match=r'bare\.pth: does not say how its model is built'):
        load_trained(str(tmp_path / 'bare.pth'))
    loaded = load_trained(str(tmp_path / 'bare.pth'), config, {'model.visual_backbone.pretrained': 'gone.pt'})
    assert torch.equal(loaded.model.visual_backbone.tower.ln_post.weight,
                       model.visual_backbone.tower.ln_post.weight)
    assert loaded.classes == []  # the random data set is not one of ours, so nobody is asked


@pytest.mark.parametrize(('options', 'message'), [
    ({'model.visual_backbone.lora.alpha': 8}, r'visual_backbone\.lora\.alpha: 16 in the checkpoint, 8 here'),
    ({'model.cls_head.num_classes': 3}, r'cls_head\.fc\.bias \(7,\), the model \(3,\)'),
    ({'model.data_preprocessor.mean': [0, 0, 0]}, r'front_end\.AudioVisualDataPreprocessor\.mean: None in'),
    ({'model.audio_backbone.pretrained': 'gone.pt'}, r'(?s)epoch_1\.pth: .*gone\.pt.*--cfg-options model\.'),
])
def test_what_does_not_fit_is_refused(checkpoint: Path, config: Config, options: dict[str, object],
                                      message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_trained(str(checkpoint), config, options)
