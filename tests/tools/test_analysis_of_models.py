"""tools/analysis: on a trained model, as a user runs them."""
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tool_runs import TrainedToy, call_tool

from claip_emo_mm.apis import EmotionInferencer
from claip_emo_mm.toy.clips import MediaForm, draw_clip, encode_clip
from claip_emo_mm.toy.identities import FaceIdentity
from claip_emo_mm.toy.voice import VoiceIdentity
from claip_emo_mm.visualization import attention


def test_features(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                  capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'new' / 'features.png'
    assert call_tool(monkeypatch, 'analysis_tools/features.py', trained_toy.config, trained_toy.checkpoint, '--out',
                     out) == 0
    npz = out.with_suffix('.npz')
    assert capsys.readouterr().out.endswith(f'{out} and {npz}: 7 clips, visual 128, audio 128, both 256 dimensions\n')
    assert Image.open(out).size[0] > 1000 and sorted(out.parent.iterdir()) == [npz, out]
    with np.load(npz) as kept:
        assert kept['labels'].tolist() == list(range(7)) and kept['classes'].shape == (7,)
        assert kept['names'][3].endswith('angry.mp4')
        assert np.array_equal(kept['both'], np.concatenate([kept['visual'], kept['audio']], axis=1))
        assert np.ptp(kept['visual'], axis=0).all()


def test_features_of_one_modality(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture) -> None:
    arguments = ['--out', tmp_path / 'a.png', '--cfg-options', 'model.modality=audio']
    assert call_tool(monkeypatch, 'analysis_tools/features.py', trained_toy.config, trained_toy.checkpoint,
                     *arguments) == 0
    assert capsys.readouterr().out.endswith(': 7 clips, audio 128 dimensions\n')


def test_attention(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                   capsys: pytest.CaptureFixture) -> None:
    video = next(trained_toy.data.glob('videos/test_*_happy.mp4'))
    arguments = [video, 'gone.mp4', '--out', tmp_path]
    assert call_tool(monkeypatch, 'analysis_tools/attention.py', trained_toy.checkpoint,
                     *arguments) == 1  # for gone.mp4
    shown = capsys.readouterr()
    out = tmp_path / f'001_{video.stem}.png'
    assert shown.out == f'{out}\n' and list(tmp_path.iterdir()) == [out]
    assert 'error: gone.mp4: ' in shown.err and 'Traceback' not in shown.err
    in_one_pass = np.asarray(Image.open(out))
    assert in_one_pass.std(axis=(0, 1))[:3].min() > 10
    arguments = [video, '--out', tmp_path, '--cfg-options', 'model.frame_chunk_size=3']
    assert call_tool(monkeypatch, 'analysis_tools/attention.py', trained_toy.checkpoint, *arguments) == 0
    assert np.abs(in_one_pass.astype(int) - np.asarray(Image.open(out))).max() <= 3  # rounding of the shares


def test_attention_looks_at_the_face_that_inference_crops(trained_toy: TrainedToy, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch,
                                                          capsys: pytest.CaptureFixture) -> None:
    rng, video = np.random.default_rng(0), tmp_path / 'wall.mp4'
    face, samples = draw_clip(FaceIdentity.sample(rng), VoiceIdentity.sample(rng), 'happy', 0)
    encode_clip(video, face[:30], samples[:16000], 25, MediaForm(frame_size=(480, 320)))
    infer, titles, edges = EmotionInferencer(trained_toy.checkpoint), [], []

    def note(frames: np.ndarray, attention: np.ndarray, weights: np.ndarray, title: str) -> Figure:
        titles.append(title)
        edges.append(np.abs(frames[:, :, :6].astype(int) - 128).max())  # the wall is 128
        return Figure()

    monkeypatch.setattr(attention, 'plot_attention', note)
    for face in ('largest', 'none'):
        assert call_tool(monkeypatch, 'analysis_tools/attention.py', trained_toy.checkpoint, video, '--face', face,
                         '--out', tmp_path / 'out') == 0
        row, = infer.infer(video, face=face).rows
        assert titles[-1].startswith(f'wall.mp4, 0.0-1.2 s: {row.top} {100 * row.scores[row.top]:.0f} %')
    assert edges[0] > 20 > 5 > edges[1]  # the crop begins in the drawing, the frame with the wall
    assert call_tool(monkeypatch, 'analysis_tools/attention.py', trained_toy.checkpoint, video, '--start-s', 9, '--out',
                     tmp_path / 'out') == 1
    assert 'wall.mp4: ends at 1.2 s, before --start-s 9' in capsys.readouterr().err


@pytest.mark.parametrize('name, arguments, code, expected', [
    ('features', ['{config}', 'gone.pth', '--out', 'a.png'], 1, 'gone.pth'),
    ('features', ['{config}', '{checkpoint}', '--out', 'a.npz'], 2, 'a.npz: expected the name of a file that ends in'),
    ('features', ['{config}', '{checkpoint}', '--out', 'a.png', '--cfg-options',
                  'test_dataloader.dataset.data_root=gone'], 1, 'gone/test.csv'),
    ('attention', ['{checkpoint}', '{config}', '--out', '.'], 1, 'toy.py'),
    ('attention', ['{checkpoint}', '{video}', '--out', '.', '--cfg-options', 'model.modality=audio'], 1,
     'the model did not read the frames'),
])
def test_mistakes(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                  capsys: pytest.CaptureFixture, name: str, arguments: list[str], code: int, expected: str) -> None:
    monkeypatch.chdir(tmp_path)
    video = next(trained_toy.data.glob('videos/test_*.mp4'))
    arguments = [text.format(video=video, **trained_toy._asdict()) for text in arguments]
    assert call_tool(monkeypatch, f'analysis_tools/{name}.py', *arguments) == code
    message = capsys.readouterr().err
    assert expected in message and 'Traceback' not in message
    assert not list(tmp_path.iterdir())


def test_adapter_scale(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                       capsys: pytest.CaptureFixture) -> None:
    foreign = tmp_path / 'foreign.py'
    foreign.write_text(f"_base_ = ['{trained_toy.config}']\n"
                       "test_dataloader = dict(dataset=dict(ann_file='train.csv'))\n")
    arguments = [trained_toy.config, trained_toy.checkpoint, '--foreign', foreign, '--out', tmp_path / 'out']
    assert call_tool(monkeypatch, 'analysis_tools/adapter_scale.py', *arguments, '--scales', '0', '1',
                     '--allow-trained-clips') == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[:3]]
    assert rows[0] == 'scale toy WAR % toy UAR % foreign WAR % foreign UAR %'.split()
    assert [row[0] for row in rows[1:]] == ['0', '1'] and len(rows[1]) == 5
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'adapter_scale.json', 'adapter_scale.csv', 'adapter_scale.png'}
    for scale, row in zip('01', rows[1:], strict=True):  # as the test itself
        assert call_tool(monkeypatch, 'test.py', trained_toy.config, trained_toy.checkpoint, '--adapter-scale', scale,
                         '--work-dir', tmp_path / scale) == 0
        metrics = json.loads((tmp_path / scale / 'test_metrics.json').read_text())
        assert float(row[1]) == pytest.approx(metrics['metrics']['WAR'], abs=.01)
        assert metrics['adapter_scale'] == float(scale)
    capsys.readouterr()
    video = next(trained_toy.data.glob('videos/test_*_happy.mp4'))
    printed = []
    for options in ((), ('--adapter-scale', '1'), ('--adapter-scale', '0')):
        assert call_tool(monkeypatch, 'infer.py', video, '--checkpoint', trained_toy.checkpoint, *options) == 0
        printed.append([line for line in capsys.readouterr().out.splitlines() if ' - INFO - ' not in line])
    assert len(printed[0]) > 1 and printed[0] == printed[1] != printed[2]
    arguments_of_infer = (video, '--checkpoint', trained_toy.checkpoint, '--adapter-scale', '2')
    assert call_tool(monkeypatch, 'infer.py', *arguments_of_infer) == 1
    assert 'adapter_scale is 2.0. Expected 0 to 1' in capsys.readouterr().err
    assert call_tool(monkeypatch, 'analysis_tools/adapter_scale.py', *arguments, '--scales', '3') == 2


def test_few_shot(trained_toy: TrainedToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                  capsys: pytest.CaptureFixture) -> None:
    arguments = [trained_toy.config, '--clips', '7', '14', '--seeds', '2', '--steps', '3', '--out', tmp_path / 'out']
    assert call_tool(monkeypatch, 'analysis_tools/few_shot.py', *arguments) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[-7:-1]] == ['7'] * 3 + ['14'] * 3
    with (tmp_path / 'out' / 'few_shot.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and {row['method'] for row in rows} == {'nearest class mean', 'linear probe', 'head'}
    with monkeypatch.context() as patch:  # the clips are encoded once
        patch.setattr('claip_emo_mm.engine.feature_cache.extractor.FrozenEncoder', None)
        assert call_tool(patch, 'analysis_tools/few_shot.py', *arguments) == 0
    table = printed[printed.index('clips  method'):]
    assert table == (again := capsys.readouterr().out)[again.index('clips  method'):]
    assert call_tool(monkeypatch, 'analysis_tools/few_shot.py', *arguments[:2], '15', *arguments[4:]) == 1
    assert '--clips 15: the training split has 14 clips' in capsys.readouterr().err
