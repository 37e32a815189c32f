"""MMAction2's own functions for inference, on configs and checkpoints of this package."""
import copy
import warnings
from pathlib import Path

import pytest
import torch
from mmaction import apis
from mmaction.apis import inference
from mmengine.config import Config
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope
from safetensors.torch import save_file
from test_mmaction_models import CLIP, save_small

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.compat.requirements import quiet_imports
from claip_emo_mm.datasets import DFEW
from claip_emo_mm.engine.checkpoints import META_KEY
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLIPVisualBackbone

CONFIG = Path(__file__).parents[2] / 'configs' / 'claip_emo_tiny_toy.py'


@pytest.fixture
def video(toy_set: Path) -> str:
    return str(next((toy_set / 'videos').glob('test*.mp4')))


@pytest.fixture
def tsn(tmp_path: Path) -> tuple[str, Config]:
    """A TSN of MMAction2 whose checkpoint omits its frozen weights: path and config."""
    torch.manual_seed(5)
    tower = CLIPVisualBackbone(CLIP, pretrained=None).tower
    save_file({f'visual.{key}': value.contiguous() for key, value in tower.state_dict().items()},
              tmp_path / 'clip.safetensors')
    return save_small('tsn_clip-vitb16_lora_dfew', tmp_path, weights=str(tmp_path / 'clip.safetensors'))


def test_the_functions_give_what_the_inferencer_gives(checkpoint: Path, video: str,
                                                      capsys: pytest.CaptureFixture) -> None:
    expected = EmotionInferencer(checkpoint).infer(video, face='none').scores
    model = apis.init_recognizer(CONFIG, str(checkpoint), device='cpu')
    assert model.dataset_meta == dict(classes=list(DFEW.classes))
    result = apis.inference_recognizer(model, video)
    assert dict(zip(result.classes, result.pred_score.tolist(), strict=True)) == pytest.approx(expected, abs=1e-6)
    assert result.pred_class == max(expected, key=expected.get)

    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter('always')
        quiet_imports()  # pytest has set other filters
        infer = apis.MMAction2Inferencer(rec=str(CONFIG), rec_weights=str(checkpoint), device='cpu')
    assert not [warning for warning in raised if 'VisBackend' in str(warning.message)]
    found, = infer(video)['predictions']
    assert found['rec_labels'] == [[result.pred_class]]
    assert found['rec_scores'] == [pytest.approx(list(expected.values()), abs=1e-6)]
    assert infer.actionrecog_inferencer.visualizer.dataset_meta == model.dataset_meta  # what it draws on videos
    shown = capsys.readouterr()
    assert 'missing keys' not in shown.out + shown.err and 'WARNING' not in shown.out + shown.err


def test_mmactions_models_have_their_frozen_weights(tsn: tuple[str, Config], video: str) -> None:
    checkpoint, cfg = tsn
    options = {'model.backbone.pretrained': cfg.model.backbone.pretrained}
    expected = EmotionInferencer(checkpoint, cfg_options=options).infer(video, face='none').scores
    result = apis.inference_recognizer(apis.init_recognizer(copy.deepcopy(cfg), checkpoint, device='cpu'), video)
    assert result.pred_score.tolist() == pytest.approx(list(expected.values()), abs=1e-6)


def test_the_function_of_an_earlier_import_refuses_random_weights(tsn: tuple[str, Config], checkpoint: Path,
                                                                  video: str) -> None:
    earlier = inference.init_recognizer.__wrapped__
    with pytest.raises(InputError, match='backbone.pretrained: .*clip.safetensors.*None here'):
        earlier(copy.deepcopy(tsn[1]), tsn[0], device='cpu')  # it sets backbone.pretrained to None
    assert earlier(CONFIG, str(checkpoint), device='cpu').dataset_meta['classes'] == list(DFEW.classes)


def test_checkpoints_of_others_are_loaded_as_before(tsn: tuple[str, Config], tmp_path: Path,
                                                    capsys: pytest.CaptureFixture) -> None:
    cfg = Config(dict(model=dict(type='mmaction.Recognizer2D', backbone=dict(type='ResNet', depth=18), cls_head=dict(
        type='TSNHead', num_classes=2, in_channels=512))))
    with DefaultScope.overwrite_default_scope('mmaction'):
        state = ROOT_MODELS.build(copy.deepcopy(cfg.model)).state_dict()
    state.pop('cls_head.fc_cls.bias')
    torch.save(dict(state_dict=state), tmp_path / 'other.pth')
    model = apis.init_recognizer(cfg, str(tmp_path / 'other.pth'), device='cpu')
    assert not hasattr(model, 'dataset_meta')
    shown = capsys.readouterr()
    assert 'cls_head.fc_cls.bias' in shown.out + shown.err
    assert META_KEY not in torch.load(tmp_path / 'other.pth')
