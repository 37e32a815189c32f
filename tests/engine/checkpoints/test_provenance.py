"""What a checkpoint says that it was trained on."""
import json
from pathlib import Path

import pytest
from mmengine.dataset import ConcatDataset

from claip_emo_mm.datasets import AudioVisualDataset
from claip_emo_mm.datasets.labels import MAFW
from claip_emo_mm.datasets.official_splits import OfficialSplit
from claip_emo_mm.engine.checkpoints.provenance import caution, describe_datasets, trained_on
from claip_emo_mm.utils.io import write_csv, write_json


def make_dataset(folder: Path) -> AudioVisualDataset:
    folder.mkdir()
    (folder / 'a.mp4').touch()
    write_csv(folder / 'train.csv', ('video', 'label'), [('a.mp4', 'happy')])
    return AudioVisualDataset('train.csv', [], data_root=str(folder))


def metadata(data: list[str] = (), toy: bool = False, config: str = '{}', clips: dict = {}) -> dict:  # noqa: B006
    backbone = dict(arch='', lora=None, sha256=None, pretrained='toy' if toy else 'openai')
    return dict(data=list(data), backbones=dict(visual_backbone=backbone), trained_clips=clips, config=config)


def test_data_sets_have_names(tmp_path: Path) -> None:
    own, toy = make_dataset(tmp_path / 'interviews'), make_dataset(tmp_path / 'anything')
    write_json(tmp_path / 'anything' / 'toy.json', dict(seed=0))
    both = ConcatDataset([own, toy], lazy_init=True)
    assert describe_datasets(own) == ['interviews/train.csv'] and describe_datasets(toy) == ['drawn faces']
    assert describe_datasets(both) == ['interviews/train.csv and drawn faces']
    assert describe_datasets(ConcatDataset([toy, own, toy], lazy_init=True), ['drawn faces']) == [
        'drawn faces and interviews/train.csv', 'drawn faces']
    own.published = OfficialSplit(MAFW, 2, 'train')
    again = describe_datasets(own, ['drawn faces'])
    assert again == ['MAFW single, fold 2, train', 'drawn faces'] == describe_datasets(own, again)


def test_what_outputs_say() -> None:
    assert trained_on(metadata(['drawn faces'], toy=True)) == 'drawn faces'
    assert trained_on(metadata(['mine/train.csv', 'MAFW, fold 2, train'])) == (
        'mine/train.csv, before that MAFW, fold 2, train')
    assert trained_on(metadata(['a/train.csv and b/train.csv', 'dfew'])) == (
        'a/train.csv and b/train.csv, before that dfew')
    assert trained_on(metadata(['mine/train.csv'], toy=True)) == (
        'mine/train.csv; encoders pretrained on drawn faces')
    assert trained_on(metadata()) == trained_on(None) == ''


def test_a_checkpoint_that_does_not_say_it() -> None:
    config = json.dumps(dict(train_dataloader=dict(dataset=dict(data_root='data/toy'))))
    assert trained_on(metadata(toy=True, config=config)) == 'drawn faces'
    assert trained_on(metadata(config=config)) == 'toy'
    assert trained_on(metadata(config=config, clips={'dfew': ''})) == 'dfew'
    assert trained_on(metadata(clips={'dfew': '', 'mafw': '', '': ''})) == 'dfew and mafw'
    both = json.dumps(dict(train_dataloader=dict(dataset=dict(datasets=[
        dict(data_root='data/toy'), dict(data_root='data/corpusA'), dict(data_root='data/corpusA')]))))
    assert trained_on(metadata(config=both)) == 'toy and corpusA'
    assert trained_on(metadata(toy=True, config=both)) == 'drawn faces and corpusA; encoders pretrained on drawn faces'
    assert caution(metadata(config=both)) == ''
    for broken in ('[]', '{', '3', '{"train_dataloader": 3}', '{"train_dataloader": null}'):
        assert trained_on(metadata(config=broken)) == ''


@pytest.mark.parametrize(('data', 'toy', 'kind'), [
    (['drawn faces'], True, 'drawn faces'), (['drawn faces'], False, 'drawn faces'),
    (['drawn faces', 'dfew'], False, ''), (['drawn faces and a/train.csv'], False, ''),
    (['drawn faces and a/train.csv', 'drawn faces'], True, 'tiny encoders'),
    (['mine/train.csv', 'drawn faces'], True, 'tiny encoders'), (['mine/train.csv'], False, '')])
def test_what_is_warned_of(data: list[str], toy: bool, kind: str) -> None:
    assert caution(metadata(data, toy)).partition(':')[0] == kind and caution(None) == ''
