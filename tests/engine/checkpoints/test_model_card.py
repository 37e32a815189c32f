"""Cards of published models: what they say, and which data may be published."""
import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from claip_emo_mm.engine.checkpoints.model_card import model_card, read_test_metrics, training_data
from claip_emo_mm.engine.checkpoints.push import check_license, check_repository
from claip_emo_mm.errors import InputError
from claip_emo_mm.utils.io import write_json

METRICS = dict(config='configs/a.py', clips=12, metrics=dict(WAR=75.0, UAR=70.125, ECE=None), recall=dict(calm=50.0),
               bootstrap=dict(intervals=dict(WAR=[60.0, 90.0])))


def make_metadata(names: tuple[str, ...], **changes: Any) -> dict[str, Any]:
    loader = dict(dataset=dict(type='CorpusDataset', corpus='cremad', fold=2))
    clips = {name: base64.b64encode(bytes(range(8 * (3 + place)))).decode() for place, name in enumerate(names)}
    lora = dict(rank=4, alpha=16)
    backbones = dict(visual_backbone=dict(type='CLIPVisualBackbone', arch='ViT-B-16', lora=lora, sha256='ab12',
                                          pretrained='/home/ann/clip.pt'),
                     audio_backbone=dict(type='A', arch={}, lora=None, sha256=None, pretrained=None))
    return dict(dict(version='0.1.0', classes=['calm', 'a|b'], backbones=backbones, front_end={}, trained_clips=clips,
                     config=json.dumps(dict(train_dataloader=loader)), data=[], calibration={}), **changes)


def test_card_of_an_open_data_set() -> None:
    card = model_card('ann/model', make_metadata(('cremad',)), dict(epoch=3, seed=0), 4_900_000, METRICS)
    _, front, text = card.split('---\n', 2)
    front = yaml.safe_load(front)
    assert front['license'] == 'odbl' and front['library_name'] == 'claip_emo_mm'
    [result] = front['model-index'][0]['results']
    assert result['dataset'] == dict(name='CREMA-D', type='cremad')
    assert [metric['value'] for metric in result['metrics']] == [75.0, 70.12]
    for line in ('| CREMA-D | 3 clips, fold 2; license: ODbL 1.0 |', '| epochs | 3 |', r'| classes | calm, a\|b |',
                 '| WAR | 75.00 % (95 % interval 60.00 to 90.00) |', '| recall of calm | 50.0 % |',
                 "infer = EmotionInferencer.from_pretrained('ann/model')", 'Over 12 clips of the test split of `a.py`.',
                 '| visual_backbone | CLIPVisualBackbone, ViT-B-16, LoRA of rank 4; frozen weights: clip.pt, SHA-256 '
                 'ab12 |', '| file | 4.90 MB: trained weights, and the config |'):
        assert line in text.split('\n')
    assert '/home' not in card and 'calibration error' not in card and '| scores | not calibrated |' in card


def test_card_without_a_test() -> None:
    card = model_card('model', make_metadata(()), {}, 1, {})
    assert 'license: other' in card and 'model-index' not in card
    assert 'Not measured by who published this' in card and 'an unknown number of clips; license: not known' in card


def test_selection_on_the_test_split_is_said() -> None:
    splits = {f'{split}_dataloader': dict(dataset=dict(type='CorpusDataset', corpus='cremad', fold=2, split='test'))
              for split in ('val', 'test')}
    config = dict(splits, default_hooks=dict(checkpoint=dict(save_best='WAR')))
    said = 'The validation split of the config is the test split'
    assert said in model_card('m', make_metadata((), config=json.dumps(config)), {}, 1, METRICS)
    config['val_dataloader']['dataset']['split'] = 'train'
    card = model_card('m', make_metadata((), config=json.dumps(config)), {}, 1, METRICS)
    assert said not in card and 'chosen on another split' in card


@pytest.mark.parametrize('names, data, reason', [
    (('dfew',), [], 'DFEW: for non-commercial research, by an agreement with its owners that forbids redistribution'),
    (('cremad', 'mafw'), [], 'MAFW: for non-commercial'), (('savee',), [], 'SAVEE: for research, by registration'),
    (('',), ['mine/train.csv', 'drawn faces'], 'a data set of its author: its license is not known'),
    ((), [], 'its license is not known')])
def test_data_that_forbid_it_are_refused(names: tuple[str, ...], data: list[str], reason: str) -> None:
    metadata = make_metadata(names, data=data)
    with pytest.raises(InputError, match='a.pth: is not published, .* state the license or the permission') as error:
        check_license(metadata, 'a.pth')
    assert reason in str(error.value)
    check_license(metadata, 'a.pth', 'their permission')
    card = model_card('ann/model', metadata, {}, 1, {}, 'their permission')
    assert 'their permission (as stated by who published this)' in card


@pytest.mark.parametrize('names, data', [(('cremad', 'ravdess'), []), (('meld',), []), (('',), ['drawn faces'])])
def test_open_data_may_be_published(names: tuple[str, ...], data: list[str]) -> None:
    metadata = make_metadata(names, data=data)
    check_license(metadata, 'a.pth')
    assert all(terms.is_open for terms in training_data(metadata).values())


def test_calibration_error_is_of_the_scores_before() -> None:
    metrics = dict(METRICS, metrics=dict(ECE=9.191))
    assert '| calibration error | 9.19 % |' in model_card('m', make_metadata(()), {}, 1, metrics)
    card = model_card('m', make_metadata((), calibration=dict(temperature=.481)), {}, 1, metrics)
    assert 'logits divided by 0.481' in card and '| calibration error, before calibration | 9.19 % |' in card


@pytest.mark.parametrize('details', [
    dict(weights_sha256='ab'), dict(weights_sha256='ab', modality='both', adapter_scale=1.0),
    dict(weights_sha256='ab', checkpoint='/moved/b.pth')])
def test_metrics_of_these_weights_are_taken(details: dict[str, Any], tmp_path: Path) -> None:
    write_json(tmp_path / 'test_metrics.json', dict(METRICS, **details))
    found, reason = read_test_metrics(tmp_path / 'a.pth', 'ab')
    assert found['clips'] == 12 and reason == ''


@pytest.mark.parametrize('details, expected', [
    (dict(), 'does not say which weights were tested'),
    (dict(weights_sha256='cd', checkpoint='a.pth'), 'is of other weights (a.pth as it was tested)'),
    (dict(weights_sha256='ab', modality='visual'), 'is of one modality (--modality)'),
    (dict(weights_sha256='ab', adapter_scale=0.0), 'is of scaled adapters (--adapter-scale)'),
    (dict(weights_sha256='ab', weights='raw'), 'is of the weights of the last step (--raw-weights)'),
    (dict(weights_sha256='ab', options={'model.precision': 'bf16'}), 'is with options that change scores'),
    (dict(weights_sha256='ab', allow_trained_clips=True), 'is on clips that it may have been trained on'),
    (dict(weights_sha256='ab', on=dict(config='b.py')), 'is of another data set (--on)')])
def test_metrics_of_something_else_are_not_taken(details: dict[str, Any], expected: str, tmp_path: Path) -> None:
    write_json(tmp_path / 'test_metrics.json', dict(METRICS, **details))
    found, reason = read_test_metrics(tmp_path / 'a.pth', 'ab')
    assert found == {} and f'test_metrics.json {expected}' in reason and '. Test this model as it is: ' in reason


def test_metrics_that_are_not_there(tmp_path: Path) -> None:
    assert 'test_metrics.json is not there. Test' in read_test_metrics(tmp_path / 'a.pth', 'ab').reason
    (tmp_path / 'test_metrics.json').write_text('{"met')
    assert 'test_metrics.json cannot be read. Test' in read_test_metrics(tmp_path / 'a.pth', 'ab').reason


def test_names_of_repositories() -> None:
    check_repository('ann/model')
    for wrong in ('ann/model@v1', 'ann/model/file.safetensors'):
        with pytest.raises(InputError, match='is no name of a repository. Expected user/model'):
            check_repository(wrong)
    with pytest.raises(InputError, match='hf://ann: is no address'):
        check_repository('ann')
