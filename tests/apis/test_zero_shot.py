"""Scores of any words by CLIP as it was published: in Python, by the tools, on the page; each says what it is."""
import csv
import json
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from open_clip import pretrained as published
from tool_runs import ROOT, call_tool
from torch import nn

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.apis.gradio_app import DemoLimits, build_page
from claip_emo_mm.apis.page_jobs import SessionJobs
from claip_emo_mm.apis.zero_shot import describe_zero_shot, find_labels
from claip_emo_mm.datasets import DFEW, MAFW
from claip_emo_mm.engine.checkpoints import META_KEY, make_metadata
from claip_emo_mm.engine.config import load_config
from claip_emo_mm.errors import InputError
from claip_emo_mm.models.weights import resolve

ARCH = 'tiny-clip'
NOTE = 'zero-shot: no training for these classes.'
PUBLISHED = 'UAR 32.02, WAR 38.12 on DFEW (7 classes)'


@pytest.fixture(scope='module')
def clip(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A small CLIP at random that open_clip knows by name, and its file in OpenAI's form: a TorchScript archive."""
    folder = tmp_path_factory.mktemp('clip')
    (folder / f'{ARCH}.json').write_text(json.dumps(dict(
        embed_dim=8, quick_gelu=True, vision_cfg=dict(image_size=32, patch_size=16, width=32, layers=1, head_width=16),
        text_cfg=dict(context_length=77, vocab_size=49408, width=16, heads=2, layers=1))))
    open_clip.add_model_config(folder / f'{ARCH}.json')
    torch.manual_seed(0)
    model = open_clip.create_model(ARCH, pretrained=None).half()
    nn.init.constant_(model.logit_scale, 2.)
    torch.jit.script(without_code(model)).save(folder / 'tiny.pt')
    return SimpleNamespace(model=model.float().eval(), file=folder / 'tiny.pt')


class Parameters(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def without_code(module: nn.Module) -> nn.Module:
    """The parameters of a network, in its tree of modules."""
    copy = Parameters()
    for name, parameter in module.named_parameters(recurse=False):
        copy.register_parameter(name, nn.Parameter(parameter.detach(), requires_grad=False))
    for name, child in module.named_children():
        copy.add_module(name, without_code(child))
    return copy


def scores_of_open_clip(model: nn.Module, image: np.ndarray, words: list[str]) -> dict[str, float]:
    """Scores of one image (32, 32, 3), with the project's sentences for words that it does not know."""
    mean, std = (np.array(value) for value in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    pixels = torch.from_numpy((image / 255 - mean) / std).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        feature = nn.functional.normalize(model.encode_image(pixels), dim=-1)
        classes = []
        for word in words:
            text = open_clip.get_tokenizer(ARCH)([f'a photo of the face of a person who is {word}',
                                                  f'a person who looks {word}', f'a facial expression: {word}'])
            classes.append(nn.functional.normalize(nn.functional.normalize(model.encode_text(text), dim=-1).mean(0),
                                                   dim=-1))
        scores = (model.logit_scale.exp() * feature @ torch.stack(classes).T).softmax(-1)[0]
    return dict(zip(words, scores.tolist(), strict=True))


def test_an_image_gets_the_scores_of_open_clip(clip: SimpleNamespace) -> None:
    infer = EmotionInferencer.zero_shot('bored, in pain', ARCH, clip.file, device='cpu')
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    result = infer.infer(dict(frames=np.stack([image] * 8), fps=8), face='none')
    assert result.classes == ['bored', 'in pain']
    assert result.scores == pytest.approx(scores_of_open_clip(clip.model, image, ['bored', 'in pain']), abs=1e-5)
    assert result.note.startswith(f'{NOTE} Nothing is known of these words.') and PUBLISHED in result.note
    assert result.note in result.to_json() and result.summary().endswith('[zero-shot]')
    infer.set_labels(['glad', 'tired', 'absent'])
    assert infer.infer(dict(frames=np.stack([image] * 8), fps=8), face='none').scores == pytest.approx(
        scores_of_open_clip(clip.model, image, ['glad', 'tired', 'absent']), abs=1e-5)


def test_labels_and_what_was_published_for_them(tmp_path: Path) -> None:
    path = tmp_path / 'words.txt'
    path.write_text('tense: brows drawn together\nrelaxed: eyelids lowered\n')
    assert find_labels(None, None) == 'dfew' and find_labels(' mafw ', None) == 'mafw'
    assert find_labels(None, path) == ['tense', 'relaxed'] and find_labels('a , in pain', None) == ['a', 'in pain']
    with pytest.raises(InputError, match='labels: a, . Expected at least one name, each once and not empty'):
        find_labels('a,', None)
    for name, classes in (('dfew', DFEW.classes), ('mafw', MAFW.classes)):
        cfg = load_config(f'claip_emo_vitl14_zero_shot_{name}.py')
        assert describe_zero_shot(cfg) == (f'{NOTE} Published in % without training: CLIP ViT-L/14: {PUBLISHED}; UAR '
                                           '20.42, WAR 25.58 on MAFW (11).')
        assert cfg.model.cls_head.num_classes == len(classes)
    cfg.model.cls_head.arch = 'ViT-B-16-quickgelu'
    assert 'CLIP ViT-B/16: UAR 22.92, WAR 28.33 on DFEW (7 classes).' in describe_zero_shot(cfg)
    cfg.model.cls_head.arch = 'ViT-H-14'
    assert f'nothing for ViT-H-14; CLIP ViT-L/14: {PUBLISHED}' in describe_zero_shot(cfg)
    assert 'CLAP: 14.65 % on RAVDESS (8 classes)' in describe_zero_shot(
        load_config('claip_emo_vitl14_zero_shot_dfew_audio.py'))


def test_every_output_of_the_tool_says_it(clip: SimpleNamespace, toy_set: Path, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    video = next((toy_set / 'videos').glob('test*.mp4'))
    arguments = (video, '--zero-shot', '--arch', ARCH, '--pretrained', clip.file, '--labels', 'bored, in pain')
    assert call_tool(monkeypatch, 'infer.py', *arguments) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f'{video}: ') and f'warning: {NOTE}' in printed.err
    assert printed.out.partition('\n')[0].endswith(' [zero-shot]')
    assert {line.rsplit(maxsplit=2)[0].strip() for line in printed.out.splitlines()[1:3]} == {'bored', 'in pain'}
    out = tmp_path / 'out'
    assert call_tool(monkeypatch, 'infer.py', *arguments, '--out', out, '--overlay') == 0
    assert '[zero-shot]; ' in capsys.readouterr().out
    content = json.loads((out / f'{video.stem}.json').read_text())
    assert content['note'].startswith(NOTE) and PUBLISHED in content['note']
    with (out / f'{video.stem}.csv').open(encoding='utf-8') as file:
        assert {row['note'] for row in csv.DictReader(file)} == {content['note']}
    assert (out / f'{video.stem}.overlay.mp4').is_file()
    assert call_tool(monkeypatch, 'infer.py', *arguments, '--out', out, '--overlay') == 0
    assert '1 of 1 inputs are done already' in capsys.readouterr().err
    assert call_tool(monkeypatch, 'infer.py', *arguments[:-1], 'calm, tense', '--out', out, '--overlay') == 0
    assert 'done already' not in capsys.readouterr().err


def test_mistakes_are_one_line(clip: SimpleNamespace, checkpoint: Path, tmp_path: Path,
                               monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def fail(settings: dict) -> str:
        raise OSError('Network is unreachable')
    monkeypatch.setattr(published, 'download_pretrained', fail)
    monkeypatch.setattr(resolve, 'CLIP_CACHE', tmp_path / 'clip')
    (video := tmp_path / 'a.mp4').touch()
    for arguments, message in (
            (('--zero-shot',), "error: pretrained='openai': the weights of ViT-L-14-quickgelu could not be downloaded "
                               '(OSError: Network is unreachable). Without a network, fetch on another machine '
                               f"OpenAI's file ViT-L-14.pt (933 MB), and put it at {tmp_path / 'clip'}/ViT-L-14.pt"),
            (('--zero-shot', '--arch', 'ViT-Z'), 'error: --arch ViT-Z: is not a model of open_clip.'),
            (('--checkpoint', checkpoint, '--labels', 'a, b'),
             f'error: {checkpoint}: its classes are fixed: happy, sad'),
            (('--checkpoint', checkpoint, '--arch', ARCH), 'error: --arch: without effect for a checkpoint')):
        assert call_tool(monkeypatch, 'infer.py', video, *arguments) == 1
        assert capsys.readouterr().err.splitlines()[-1].startswith(message)
    for arguments in ((), ('--zero-shot', '--checkpoint', checkpoint)):
        assert call_tool(monkeypatch, 'infer.py', 'a.mp4', *arguments) == 2


def test_the_test_tool_needs_no_checkpoint(clip: SimpleNamespace, toy_set: Path, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    config = tmp_path / 'tiny_zero_shot.py'
    config.write_text(f"""
_base_ = ['{ROOT / 'configs' / 'claip_emo_vitl14_zero_shot_dfew.py'}']
model = dict(visual_backbone=dict(arch='{ARCH}', pretrained='{clip.file}'),
             cls_head=dict(visual_channels=32, arch='{ARCH}', pretrained='{clip.file}'))
pipeline = [dict(type='OpenAudioVisualClip'), dict(type='SampleFrameViews', clip_len=2, frame_interval=4, num_clips=1,
                                                   test_mode=True),
            dict(type='DecodeFrames'), dict(type='ResizeFrames', size=32), dict(type='PackAudioVisualInputs')]
test_dataloader = dict(num_workers=0, dataset=dict(
    _delete_=True, type='AudioVisualDataset', ann_file='test.csv', data_root='{toy_set}', test_mode=True,
    pipeline=pipeline))
""")
    assert call_tool(monkeypatch, 'test.py', config, '--work-dir', tmp_path / 'out') == 0
    metrics = json.loads((tmp_path / 'out' / 'test_metrics.json').read_text())
    assert metrics['checkpoint'] is None and metrics['note'].startswith(NOTE)
    assert metrics['clips'] == 7 and 0 <= metrics['metrics']['WAR'] <= 100
    assert call_tool(monkeypatch, 'test.py', ROOT / 'configs' / 'claip_emo_tiny_toy.py') == 1
    assert 'no checkpoint to test. Name one behind the config' in capsys.readouterr().err


def test_a_trained_language_head_can_be_asked_for_other_words(clip: SimpleNamespace, tmp_path: Path) -> None:
    infer = EmotionInferencer.zero_shot(['glad', 'cross'], ARCH, clip.file, device='cpu')
    cfg = Config(infer.cfg.to_dict())
    torch.save(dict(state_dict=infer.model.state_dict(),
                    meta={META_KEY: make_metadata(cfg, ['glad', 'cross'], infer.model, {})}), tmp_path / 'epoch_1.pth')
    trained = EmotionInferencer(tmp_path / 'epoch_1.pth', device='cpu')
    assert trained.classes == ['glad', 'cross'] and trained.note == ''
    with pytest.raises(InputError, match='has no class embeddings. Set pretrained'):
        trained.set_labels('bored, in pain')  # this checkpoint holds all of its weights, and names no file
    trained.model.visual_backbone.weights_from = str(clip.file)  # as where the frozen ones are left out
    trained.set_labels('bored, in pain')
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    result = trained.infer(dict(frames=np.stack([image] * 8), fps=8), face='none')
    assert result.scores == pytest.approx(scores_of_open_clip(clip.model, image, ['bored', 'in pain']), abs=1e-5)
    assert result.note == ('open vocabulary: the model was trained for glad, cross; its accuracy on these says nothing '
                           'of bored, in pain, which was never measured.')


def test_the_page_has_a_field_for_the_words(clip: SimpleNamespace, checkpoint: Path, toy_set: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    video = str(next((toy_set / 'videos').glob('test*.mp4')))
    with DefaultScope.overwrite_default_scope('mmaction'):
        monkeypatch.setattr(SessionJobs, 'cancelled', lambda self, session: threading.Event())
        infer = EmotionInferencer.zero_shot('bored, in pain', ARCH, clip.file, device='cpu')
        page = build_page(infer, DemoLimits())
        words = next(block for block in page.blocks.values() if block.elem_id == 'words')
        assert words.value == 'bored, in pain'
        assert any(NOTE in str(block.value) for block in page.blocks.values() if block.elem_id == 'about')
        run = next(each.fn for each in page.fns.values() if getattr(each.fn, '__name__', '') == 'run')
        visitor = SimpleNamespace(session_hash='a')
        message, _, _, _, table, _ = next(iter(run(visitor, video, 'none', 4., 2., 'tired, wide awake')))
        assert '[zero-shot]' in message and PUBLISHED in message and message.count(NOTE) == 1
        assert table['headers'] == ['from (s)', 'to (s)', 'person', 'emotion', 'tired', 'wide awake', 'warnings']
        message = next(iter(run(visitor, video, 'none', 4., 2., 'tired,, tired')))[0]
        assert 'labels: tired, , tired. Expected' in message
        plain = build_page(EmotionInferencer(checkpoint, device='cpu'), DemoLimits())
    assert not [block for block in plain.blocks.values() if block.elem_id == 'words']
