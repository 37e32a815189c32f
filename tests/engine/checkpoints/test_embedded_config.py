"""What the config inside of a checkpoint may name, before anything of it is built."""
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from safetensors.torch import save_file

from claip_emo_mm.engine.checkpoints import FORMAT, META_KEY, config_as_json, load_trained, make_metadata
from claip_emo_mm.engine.checkpoints.embedded_config import read_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.models import AudioMeanPool
from claip_emo_mm.models.weights.resolve import with_random_weights

CONFIGS = Path(__file__).parents[3] / 'configs'
LEAVES = sorted([*CONFIGS.glob('*.py'), *(CONFIGS / 'mix').glob('*.py')])
TOY = json.loads(config_as_json(Config.fromfile(CONFIGS / 'claip_emo_tiny_toy.py')))


def metadata_of(cfg: dict, omitted: bool = True) -> dict:
    """Of a checkpoint that omits the weights of its backbones, so that they have to be fetched."""
    backbone = dict(type=None, arch=None, lora=None, pretrained=None, sha256='1234' if omitted else None)
    return dict(format=FORMAT, version='9', config=json.dumps(cfg), classes=['a'] * 7, front_end={},
                backbones={name: backbone for name in cfg['model'] if name.endswith('backbone')})


def read(cfg: dict, options: dict | None = None) -> Config:
    return read_config(metadata_of(cfg), 'a.pth', options or {})


def changed(**changes: Any) -> dict:
    """The toy model's config with dotted paths (__ for .) changed."""
    cfg = Config(json.loads(json.dumps(TOY)))
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg.to_dict()


@pytest.mark.parametrize('path', LEAVES, ids=[path.stem for path in LEAVES])
def test_the_configs_of_the_project_are_let_through(path: Path) -> None:
    whole = json.loads(config_as_json(Config.fromfile(path)))
    cfg = read(whole).to_dict()
    text = json.dumps(cfg['model'])
    head = whole['model'].get('cls_head', {})
    if head.get('type') in ('LanguageHead', 'TextInitFusionHead'):  # the checkpoint has what these would make
        absent = dict(pretrained=None, prompts=None, audio_pretrained=None, audio_prompts=None, audio_tokenizer='')
        head.update({key: value for key, value in absent.items() if key in head})
    assert text == json.dumps(whole['model']) and len(text) > 100
    pipeline = whole.get('test_dataloader', {}).get('dataset', {}).get('pipeline')
    assert cfg['test_dataloader']['dataset'] == ({} if pipeline is None else dict(pipeline=pipeline))
    assert set(cfg) == {'model', 'test_dataloader', 'default_scope'}  # hooks and all the rest are never built


def nested(part: dict, times: int = 10) -> dict:
    for place in range(times):
        part = dict(inner=[part]) if place % 2 else dict(inner=part)
    return part


def evil(marker: Path) -> dict:
    return dict(type='os.system', command=f'echo run > {marker}')


EVIL: dict[str, Callable[[dict], dict]] = {
    'model': lambda part: dict(TOY, model=part),
    'backbone': lambda part: changed(model__visual_backbone=dict(part, _delete_=True)),
    'neck': lambda part: changed(model__visual_neck=dict(part, _delete_=True)),
    'head': lambda part: changed(model__cls_head=dict(part, _delete_=True)),
    'preprocessor': lambda part: changed(model__data_preprocessor=dict(part, _delete_=True)),
    'loss': lambda part: changed(model__cls_head__loss_cls=dict(part, _delete_=True)),
    'start': lambda part: changed(model__audio_backbone__init_cfg=part),
    'list of starts': lambda part: changed(model__audio_backbone__init_cfg=[part]),
    'ten deep': lambda part: changed(model__visual_neck__deep=nested(part)),
    'transform': lambda part: changed(test_dataloader__dataset__pipeline=[*PIPELINE, part]),
    'transform in a transform': lambda part: changed(test_dataloader__dataset__pipeline=[
        dict(type='RandomApply', transforms=[dict(type='RandomChoice', transforms=[[part]])])]),
    'transform of a data set in a data set': lambda part: changed(test_dataloader__dataset=dict(
        _delete_=True, type='RepeatDataset', dataset=dict(pipeline=[part]))),
    'hook': lambda part: changed(custom_hooks=[part]),
    'default hook': lambda part: changed(default_hooks__timer=part),
    'visualizer': lambda part: changed(visualizer=dict(type='ActionVisualizer', vis_backends=[part])),
    'metric': lambda part: changed(test_evaluator=part),
    'data set': lambda part: changed(train_dataloader__dataset=dict(part, _delete_=True)),
}
PIPELINE = TOY['test_dataloader']['dataset']['pipeline']


@pytest.mark.parametrize('place', EVIL)
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_no_callable_is_named(place: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f'evil{suffix}'
    metadata = metadata_of(EVIL[place](evil(tmp_path / 'marker')))
    if suffix == '.pth':
        torch.save(dict(state_dict={}, meta={META_KEY: metadata}), path)
    else:
        save_file({'a': torch.ones(1)}, path, metadata={META_KEY: json.dumps(metadata)})
    with pytest.raises(InputError, match=rf"evil\{suffix}: its config has .*type='os\.system', expected the name of a "
                                         'registered') as error:
        load_trained(str(path))
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'marker').exists()


def test_this_config_really_runs_a_program(tmp_path: Path) -> None:
    cfg = Config(EVIL['neck'](evil(tmp_path / 'marker')))
    with DefaultScope.overwrite_default_scope('mmaction'), pytest.raises(Exception):  # noqa: B017, PT011
        MODELS.build(cfg.model).eval()(None)
    assert (tmp_path / 'marker').exists()


@pytest.mark.parametrize('name', [
    'subprocess.Popen', 'builtins.eval', 'torch.hub.load', 'mmengine.runner.Runner', 'mmaction.apis.init_recognizer',
    'mmengine.Config.fromfile', 'timm.create_model', 'timm.models', 'timm.resnet18.x.y', 'torchvision.datasets',
    'torchvision.models.resnet18', 'mmpretrain.HuggingFaceClassifier', 'mmpretrain.TIMMBackbone',
    'mmpretrain.models.backbones.timm_backbone.TIMMBackbone', 'mmpretrain.CLIPGenerator', 'mmpretrain.Llava',
    'mmdet.ResNet', 'evil', 'this', 'os', '__main__', '.', 'a..b', '', 'mmaction.', 'mmaction.os.system', 'BMN',
    'DecodeFrames', 'VindLUVQA', 'antigravity', 7, ['os.system'], dict(type='os.system')])
def test_only_harmless_registered_parts_are_named(name: Any) -> None:
    before = set(sys.modules)
    with pytest.raises(InputError, match=r"a\.pth: its config has model\.visual_neck\.(type|type\.type)="):
        read(changed(model__visual_neck=dict(_delete_=True, type=name)))
    imported = {module for module in set(sys.modules) - before if module.split('.')[0] not in ('mmpretrain', 'timm')}
    assert not {'this', 'antigravity', 'evil'} & imported


@pytest.mark.parametrize('name', ['ImgAug', 'TorchVisionWrapper', 'PytorchVideoWrapper', 'TemporalTransformer', 'evil',
                                  'mmpretrain.PackInputs', 'os.system'])
def test_only_harmless_transforms_are_named(name: str) -> None:
    with pytest.raises(InputError, match=r'test_dataloader\.dataset\.pipeline\.0\.type=.* a registered transform'):
        read(changed(test_dataloader__dataset__pipeline=[dict(type=name)]))


@pytest.mark.parametrize('changes', [dict(default_scope='evil'), dict(model__visual_neck___scope_='evil'),
                                     dict(custom_hooks=[dict(type='Hook', _scope_='evil')])])
def test_scopes_are_not_imported(changes: dict) -> None:
    with pytest.raises(InputError, match=r"='evil', expected one of mmaction, mmengine, mmpretrain"):
        read(changed(**changes))


ELSEWHERE = ['/etc/passwd', 'clip.pt', '../clip.pth', 'http://127.0.0.1/a.pth', 's3://a/b.pth', 'file:///a.pth',
             'hf-hub:evil/weights', 'https://evil.org/download.openmmlab.com/a.pth', r'\\server\share\a.pt',
             'https://download.openmmlab.com@evil.org/a.pth', 'http://download.openmmlab.com/a.pth', 'a tag', 'gone',
             'torchvision://../../a', 'local-dir:a']


@pytest.mark.parametrize('value', ELSEWHERE)
def test_no_place_is_opened_that_the_user_did_not_give(value: str) -> None:
    image = dict(type='ImageBackboneWrapper', frozen=True, _delete_=True, backbone=dict(
        type='mmpretrain.ConvNeXt', init_cfg=dict(type='Pretrained', checkpoint=value)))
    listed = dict(image, backbone=dict(type='ResNet', init_cfg=[dict(type='Pretrained', checkpoint=value)]))
    for path, cfg in (
            ('visual_backbone.pretrained', changed(model__visual_backbone__pretrained=value)),
            ('visual_backbone.backbone.init_cfg.checkpoint', changed(model__visual_backbone=image)),
            ('visual_backbone.backbone.init_cfg.0.checkpoint', changed(model__visual_backbone=listed)),
            ('visual_backbone.backbone.pretrained', changed(model__visual_backbone=dict(
                image, backbone=dict(type='TimeSformer', pretrained=value)))),
            ('visual_backbone.backbone.checkpoint_path', changed(model__visual_backbone=dict(
                image, backbone=dict(type='timm.resnet18', checkpoint_path=value))))):
        with pytest.raises(InputError) as error:
            read(cfg)
        assert f'a.pth: its config has model.{path}={value!r}, a place that the file names' in str(error.value)
        assert f'--cfg-options model.{path}=FILE' in str(error.value)
        assert '\n' not in str(error.value)
        given = read(cfg, {f'model.{path}': value})
        assert given.model.to_dict() == cfg['model']


@pytest.mark.parametrize('changes', [
    dict(model__visual_backbone__arch='hf-hub:evil/clip'), dict(model__visual_backbone__arch='local-dir:/tmp'),
    dict(model__visual_backbone__arch__timm_model_name='hf-hub:evil/clip'),
    dict(model__visual_backbone__backbone=dict(type='timm.resnet18', pretrained_cfg=dict(a=1))),
    dict(model__visual_backbone__backbone=dict(type='timm.resnet18', pretrained_cfg_overlay=dict(file='a'))),
    dict(model__cls_head__channel_map='a'), dict(model__visual_neck__table='list.yaml'),
    dict(model__visual_neck__table='../list'), dict(model__visual_neck__tables=[['a', ['b/c']]]),
    dict(test_dataloader__dataset__pipeline=[dict(type='DecordInit', io_backend='memcached', sys_path='evil')]),
    dict(test_dataloader__dataset__pipeline=[dict(type='LoadImageFromFile', backend_args=dict(backend='petrel'))]),
    dict(test_dataloader__dataset__pipeline=[dict(type='LoadRGBFromFile', file_client_args=dict(a=1))])])
def test_other_options_name_no_place(changes: dict) -> None:
    with pytest.raises(InputError, match='a place that the file names and you did not'):
        read(changed(**changes))


@pytest.mark.parametrize(('value', 'expected'), [
    ('toy', 'toy'), (None, None), ('/home/me/630k-audioset-fusion-best.pt', 'weights/630k-audioset-fusion-best.pt'),
    (r'C:\me\630k-best.pt', 'weights/630k-best.pt')])
def test_published_weights_are_known_by_name(value: str | None, expected: str | None) -> None:
    assert read(changed(model__audio_backbone__pretrained=value)).model.audio_backbone.pretrained == expected


def test_published_weights_of_others() -> None:
    visual = dict(_delete_=True, type='CLIPVisualBackbone', arch='ViT-B-16-quickgelu', pretrained='openai')
    assert read(changed(model__visual_backbone=visual)).model.visual_backbone.pretrained == 'openai'
    for network in (dict(type='timm.resnet18.a1_in1k', pretrained=True),
                    dict(type='torchvision.resnet18', weights='IMAGENET1K_V1'),
                    dict(type='ResNet', pretrained='torchvision://resnet50'),
                    dict(type='UniFormerV2', pretrained='ViT-B/16', clip_pretrained=True),
                    dict(type='mmpretrain.ResNet', init_cfg=dict(
                        type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet18-5c106cde.pth'))):
        wrapped = dict(_delete_=True, type='ImageBackboneWrapper', backbone=network)
        assert read(changed(model__visual_backbone=wrapped)).model.visual_backbone.backbone.to_dict() == network


def test_all_places_are_named_at_once() -> None:
    cfg = changed(model__visual_backbone__pretrained='/a.pt', model__audio_backbone__pretrained='/b.pt')
    with pytest.raises(InputError, match=r"model\.visual_backbone\.pretrained='/a\.pt', model\.audio_backbone\.pretrai"
                                         r"ned='/b\.pt', .* model\.visual_backbone\.pretrained=FILE model\.audio_back"):
        read(cfg)


def test_parts_that_the_checkpoint_holds_whole_need_no_place() -> None:
    cfg = changed(model__visual_backbone__pretrained='/gone.pt', model__visual_neck__init_cfg=[
        dict(type='Pretrained', checkpoint='http://127.0.0.1/a.pth'), dict(type='Normal', layer='Linear')])
    found = read_config(metadata_of(cfg, omitted=False), 'a.pth', {}).model
    assert found.visual_backbone.pretrained is None and found.audio_backbone.pretrained is None
    assert found.visual_neck.init_cfg == [dict(type='Normal', layer='Linear')]


def test_what_the_user_gives_is_the_users() -> None:
    cfg = changed(model__visual_neck=dict(_delete_=True, type='os.system', command='b/c'))
    with pytest.raises(InputError, match='visual_neck.command'):
        read(cfg, {'model.visual_neck.type': 'AudioMeanPool'})
    for options in ({'model.visual_neck.type': 'AudioMeanPool', 'model.visual_neck.command': None},
                    {'model.visual_neck': dict(type='AudioMeanPool', command=None)}):
        assert read(cfg, options).model.visual_neck.to_dict() == dict(type='AudioMeanPool', command=None)
    assert read(cfg, {'model.visual_neck': dict(type='a.b', _delete_=True)}).model.visual_neck.to_dict() == dict(
        type='a.b')


def test_classes_of_a_config_in_pure_python_are_known_by_their_dotted_names() -> None:
    name = f'{AudioMeanPool.__module__}.AudioMeanPool'
    hook = 'mmengine.hooks.checkpoint_hook.CheckpointHook'
    cfg = read(changed(model__audio_neck=dict(_delete_=True, type=name), custom_hooks=[dict(type=hook)]))
    assert cfg.model.audio_neck.type == 'AudioMeanPool'


@pytest.mark.parametrize(('text', 'message'), [
    ('{', 'is not json'), ('[' * 100_000, 'is not json'), ('[]', 'has no model'), ('{"model": 3}', 'has no model'),
    (json.dumps(dict(model=nested(dict(a=1), 100))), 'is nested deeper than 60')])
def test_text_that_is_no_config(text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf'a\.pth: the config in it {message}'):
        read_config(dict(metadata_of(TOY), config=text), 'a.pth', {})


OWN = '''
from mmaction.registry import MODELS, TRANSFORMS
from mmcv.transforms import BaseTransform
from claip_emo_mm.models import AudioMeanPool
@MODELS.register_module()
class {name}Neck(AudioMeanPool):
    pass
@TRANSFORMS.register_module()
class {name}Step(BaseTransform):
    def transform(self, results):
        return results
'''


@pytest.mark.parametrize('how', ['import', 'option', 'options'])
def test_parts_of_the_users_own_are_imported_first(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, neck = f'own_parts_{how}', f'{how.title()}Neck'
    (tmp_path / f'{module}.py').write_text(OWN.format(name=how.title()))
    monkeypatch.syspath_prepend(tmp_path)
    cfg = changed(custom_imports=dict(imports=[module]), model__visual_backbone__pretrained=None,
                  model__audio_backbone__pretrained=None, model__audio_neck=dict(_delete_=True, type=neck),
                  test_dataloader__dataset__pipeline=[*PIPELINE, dict(type=f'{how.title()}Step')])
    path = tmp_path / 'own.pth'
    metadata = dict(metadata_of(cfg, omitted=False))
    torch.save(dict(state_dict={}, meta={META_KEY: metadata}), path)
    with pytest.raises(InputError, match=rf'own\.pth: .*{neck}.*--cfg-options custom_imports\.imports=MODULE'):
        load_trained(str(path))
    assert module not in sys.modules

    if how == 'import':
        __import__(module)
    options = dict(option={'custom_imports.imports': module}, options=dict(custom_imports=dict(imports=[module])))
    with DefaultScope.overwrite_default_scope('mmaction'):
        if how != 'import':
            read(cfg, options[how])
        model = MODELS.build(with_random_weights(cfg['model']))
    metadata = make_metadata(Config(cfg), ['a'] * 7, model, {})
    torch.save(dict(state_dict=model.state_dict(), meta={META_KEY: metadata}), path)
    trained = load_trained(str(path), cfg_options=options.get(how))
    assert type(trained.model.audio_neck).__name__ == neck
    for name, value in model.state_dict().items():
        assert torch.equal(trained.model.state_dict()[name], value), name


def test_modules_that_are_not_there() -> None:
    with pytest.raises(InputError, match=r'custom_imports\.imports=not_there: cannot be imported.*PYTHONPATH'):
        read(TOY, {'custom_imports.imports': 'not_there'})
