"""tools/export.py as a user runs it."""
from pathlib import Path

import pytest
import torch
from tool_runs import call_tool

CONFIG = """
default_scope = 'mmaction'
custom_imports = dict(imports=['claip_emo_mm'])
model = dict(
    type='AudioVisualRecognizer',
    audio_backbone=dict(type='CLAPAudioBackbone', lora=dict(targets=['proj'], rank=2), arch=dict(
        embed_dims=6, depths=[1, 1], num_heads=[2, 2], mel_bins=16, spec_size=64)),
    audio_neck=dict(type='AudioMeanPool'),
    cls_head=dict(type='ConcatFusionHead', num_classes=7, audio_channels=12))
test_dataloader = dict(dataset=dict(type='AudioVisualDataset', ann_file='test.csv', data_root='nowhere', pipeline=[
    dict(type='OpenAudioVisualClip'),
    dict(type='SampleFrameViews', clip_len=4, num_clips=2, test_mode=True),
    dict(type='LoadAudioWindows', sample_rate_hz=16000, window_s=4.),
    dict(type='LogMel', sample_rate_hz=16000, num_mel_bins=16, window_ms=25, shift_ms=16, num_frames=256),
    dict(type='PackAudioVisualInputs')]))
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / 'small.py'
    path.write_text(CONFIG)
    return path


@pytest.fixture
def checkpoint(config: Path, tmp_path: Path) -> Path:
    from mmaction.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    torch.manual_seed(0)  # of other weights the best two scores may be nearer than 8 bits change them
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(Config.fromfile(config).model)
    torch.save(model.state_dict(), tmp_path / 'epoch_1.pth')
    return tmp_path / 'epoch_1.pth'


def test_says_how_near_the_files_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, config: Path,
                                     checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out' / 'small.onnx'
    assert call_tool(monkeypatch, 'export.py', config, checkpoint, out, '--int8', '--clips', '3') == 0
    first, near, second, change = capsys.readouterr().out.splitlines()
    assert first.startswith(f'{out}: {out.stat().st_size / 1e6:.2f} MB, opset 18, classes ["happy", "sad", ')
    assert near.startswith('  onnxruntime differs from PyTorch by at most ') and near.endswith('on 5 clips')
    assert second.startswith(f'{out.with_suffix(".int8.onnx")}: ') and 'in 5 of 5 clips' in change
    assert sorted(path.name for path in out.parent.iterdir()) == ['small.int8.onnx', 'small.onnx']
    content = out.read_bytes()
    assert call_tool(monkeypatch, 'export.py', config, checkpoint, out) == 1
    assert f'error: {out}: is there already' in capsys.readouterr().err and out.read_bytes() == content


def test_bad_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, config: Path, checkpoint: Path,
                   tmp_path: Path) -> None:
    (tmp_path / 'text.pth').write_text('no checkpoint')
    for args, code, message in (
            (('gone.py', checkpoint, 'a.onnx'), 1, 'gone.py: there is no such config file'),
            ((config, 'gone.pth', 'a.onnx'), 1, 'gone.pth'),
            ((config, tmp_path / 'text.pth', 'a.onnx'), 1, 'text.pth: cannot be read as a checkpoint'),
            ((config, checkpoint, 'a.onnx', '--cfg-options', 'model.cls_head.num_classes=3'), 1,
             'the checkpoint does not fit the model of this config'),
            ((config, checkpoint, 'a.pt'), 1, 'a.pt: expected the name of a file that ends in .onnx'),
            ((config, checkpoint, 'a.onnx', '--check', 'gone.mp4'), 1, 'gone.mp4: there is no such file'),
            ((config, checkpoint, 'a.onnx', '--clips', '1'), 2, '1: expected 2 or more')):
        assert call_tool(monkeypatch, 'export.py', *args) == code
        err = capsys.readouterr().err
        assert message in err and 'Traceback' not in err
    assert not list(Path().glob('a.*'))
