"""tools/pretrain_toy.py as a user runs it, on a very small set."""
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from claip_emo_mm.errors import InputError
from claip_emo_mm.models import CLAPAudioBackbone, CLIPVisualBackbone
from claip_emo_mm.models.weights.language import clip_language
from claip_emo_mm.models.weights.load import read_weights
from claip_emo_mm.toy.captioned import CaptionedDataset
from claip_emo_mm.toy.captions import VOCABULARY

ROOT = Path(__file__).parents[2]
SMALL = ['train_dataloader.dataset.drawn.identities=4', 'train_dataloader.dataset.drawn.per_identity=3',
         'train_dataloader.batch_size=2', 'param_scheduler.1.begin=1']
DRAWN = dict(kind='faces', identities=1, per_identity=2, size=4)


def pretrain(monkeypatch: pytest.MonkeyPatch, *args: str) -> None:
    monkeypatch.setattr(sys, 'argv', ['pretrain_toy.py', *args, '--out', 'weights', '--workers', '1'])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(ROOT / 'tools' / 'pretrain_toy.py'), run_name='__main__')
    assert not exit_.value.code


@pytest.mark.parametrize(('encoder', 'backbone'), [('clip', CLIPVisualBackbone), ('clap', CLAPAudioBackbone)])
def test_a_encoder_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str, backbone: type) -> None:
    monkeypatch.chdir(tmp_path)
    pretrain(monkeypatch, encoder, '--cfg-options', *SMALL, 'train_cfg.max_iters=2')
    weights = tmp_path / 'weights' / f'toy_{encoder}.safetensors'
    arch = Config.fromfile(ROOT / 'configs' / f'pretrain_toy_{encoder}.py').model.backbone.arch
    encoder_built = backbone(arch.to_dict(), pretrained=str(weights)).tower
    saved = CheckpointLoader.load_checkpoint(str(tmp_path / 'work_dirs' / f'pretrain_toy_{encoder}' / 'iter_2.pth'))
    for key, value in encoder_built.state_dict().items():
        if value.is_floating_point():  # not the counter of batches
            assert torch.equal(value, saved['state_dict'][f'backbone.tower.{key}']), key

    drawn = {path: path.stat().st_mtime_ns for path in (tmp_path / 'data' / 'toy_captioned').iterdir()}
    pretrain(monkeypatch, encoder, '--cfg-options', *SMALL, 'train_cfg.max_iters=4')  # goes on from the second
    assert (tmp_path / 'work_dirs' / f'pretrain_toy_{encoder}' / 'iter_4.pth').is_file()
    assert drawn == {path: path.stat().st_mtime_ns for path in (tmp_path / 'data' / 'toy_captioned').iterdir()}


@pytest.mark.parametrize(('encoder', 'side'), [('clip', 'visual'), ('clap', 'audio')])
def test_a_text_encoder_for_an_encoder_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str,
                                                  side: str) -> None:
    monkeypatch.chdir(tmp_path)
    pretrain(monkeypatch, f'{encoder}_text', '--cfg-options', *SMALL, 'train_cfg.max_iters=2')
    saved = CheckpointLoader.load_checkpoint(
        str(tmp_path / 'work_dirs' / f'pretrain_toy_{encoder}_text' / 'iter_2.pth'))['state_dict']
    cfg = Config.fromfile(ROOT / 'configs' / f'pretrain_toy_{encoder}_text.py').model.backbone
    shipped = (CLIPVisualBackbone if encoder == 'clip' else CLAPAudioBackbone)(cfg.arch.to_dict(), pretrained='toy')
    for name, value in shipped.tower.named_parameters():
        assert torch.equal(value, saved.get(f'backbone.tower.{name}', value)), name
    found = clip_language(read_weights(tmp_path / 'weights' / f'toy_{encoder}_text.safetensors'), '')
    half = {key: value.half().float() for key, value in saved.items() if value.is_floating_point()}
    assert torch.equal(found.projection['weight'], half['projection.weight'])
    assert torch.equal(found.log_scale, half['log_scale'])
    assert torch.equal(found.text['text_projection'], half['text_tower.text_projection'])
    assert bytes(found.text['vocabulary'].tolist()).decode().split() == list(VOCABULARY)


def test_samples_are_identities_with_their_phrases(tmp_path: Path) -> None:
    captions = np.array([[['with glasses', 'mouth closed'], ['with glasses', 'mouth open']]])
    np.savez(tmp_path / 'faces_1x2_4px_seed0_00000.npz', captions=captions, faces=np.full((1, 2, 4, 4, 3), 7, np.uint8))
    sample = CaptionedDataset(DRAWN, str(tmp_path), context_length=5)[0]
    assert sample['inputs']['frames'].shape == (2, 3, 4, 4)
    assert sample['inputs']['frame_index'].tolist() == [[0, 1]]
    words = {word: number for number, word in enumerate(VOCABULARY, start=1)}
    start, end = len(VOCABULARY) + 1, len(VOCABULARY) + 2
    assert sample['data_samples'].tokens[1].tolist() == [
        [start, words['with'], words['glasses'], end, 0], [start, words['mouth'], words['open'], end, 0]]


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'seed0_00000.npz: there is no such file \(1 of 1'):
        CaptionedDataset(DRAWN, str(tmp_path), context_length=5)
