"""What tools/reproduce.sh is made of; all of it runs in the checks of every change, with --smoke."""
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from hub_server import Hub
from tool_runs import ROOT, call_tool


@pytest.mark.parametrize(('arguments', 'message'), [
    ([], 'bash tools/reproduce.sh cremad|ravdess DOWNLOAD'), (['meld', 'x'], 'bash tools/reproduce.sh'),
    (['cremad'], 'bash tools/reproduce.sh'), (['cremad', '--smoke'], 'bash tools/reproduce.sh'),
    (['cremad', 'x', '--fold', '1'], '--folds    folds to train'), (['cremad', 'x', '--gpus'], '--gpus'),
    (['ravdess', 'x', '--model', 'vitb8'], '--model vitb8: there is no configs/claip_emo_vitb8_ravdess.py')])
def test_how_it_is_called(arguments: list[str], message: str) -> None:
    done = subprocess.run(['bash', str(ROOT / 'tools/reproduce.sh'), *arguments], capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr


def test_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    fold = dict(clips_tested=12)
    (tmp_path / 'results.json').write_text(json.dumps(dict(config='c.py', version='1', protocols=dict(
        paper=dict(chosen='best', mean=dict(WAR=50, UAR=40.5), folds={'1': fold})))))
    (tmp_path / 'corpus.json').write_text(json.dumps(dict(
        name='ravdess', title='RAVDESS', protocol='speech', clips=60)))
    command = ('analysis_tools/published.py', tmp_path / 'results.json', tmp_path / 'corpus.json')
    assert call_tool(monkeypatch, *command, '--drawn') == 0
    said = capsys.readouterr().out
    assert 'HiCMAE-B' in said and '87.99' in said and '12 of 60 drawn' in said and 'nothing about real clips' in said
    assert '| here, c | audio, video | 50.00 | 40.50 |' in (tmp_path / 'reproduction.md').read_text()
    header = (tmp_path / 'reproduction.csv').read_text().splitlines()[0]
    assert header == 'method,modalities,WAR,UAR,protocol,clips,date,source'
    (tmp_path / 'corpus.json').write_text('{}')
    assert call_tool(monkeypatch, *command) == 1
    assert f"error: {tmp_path / 'corpus.json'}: cannot be read (KeyError: 'protocol')" in capsys.readouterr().err


MODEL = ("model = dict(audio_backbone=dict(arch='HTSAT-tiny-fusion', pretrained='{}'), "
         'visual_backbone=dict(pretrained={}))')


def test_weights_are_fetched_once_and_compared(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture) -> None:
    name = '630k-audioset-fusion-best.pt'
    hub.repositories['lukewys/laion_clap'] = {name: b'weights'}
    config = tmp_path / 'config.py'
    config.write_text(MODEL.format(tmp_path / 'weights' / name, "'toy'"))
    for _ in range(2):
        assert call_tool(monkeypatch, 'fetch_weights.py', config) == 0
    assert [line.partition(' ')[0] for line in hub.asked if name in line] == ['HEAD', 'GET']
    audio, visual = capsys.readouterr().out.splitlines()[-2:]
    assert audio.endswith(f'{name}, 0 MB, SHA-256 {hashlib.sha256(b"weights").hexdigest()}')
    assert visual == 'visual_backbone: in the package'


def test_damaged_weights_are_refused(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture) -> None:
    name = '630k-audioset-fusion-best.pt'
    hub.repositories['lukewys/laion_clap'], hub.stated[name] = {name: b'other'}, 64 * '0'
    config = tmp_path / 'config.py'
    config.write_text(MODEL.format(tmp_path / name, "'toy'"))
    assert call_tool(monkeypatch, 'fetch_weights.py', config) == 1
    digest = hashlib.sha256(b'other').hexdigest()[:16]
    assert f'gave a file with the SHA-256 {digest}..., the hub states 0000000000000000' in capsys.readouterr().err


def test_no_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError('no route to host')

    monkeypatch.setattr('huggingface_hub.hf_hub_download', fail)
    config = tmp_path / 'config.py'
    config.write_text(MODEL.format(tmp_path / '630k-audioset-fusion-best.pt', None))
    assert call_tool(monkeypatch, 'fetch_weights.py', config) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('error: ') and 'no route to host' in error
    assert 'fetch 630k-audioset-fusion-best.pt from the repository lukewys/laion_clap' in error
    config.write_text(MODEL.format(tmp_path / 'mine.pt', None))
    assert call_tool(monkeypatch, 'fetch_weights.py', config) == 1
    assert 'mine.pt: there is no such file of weights' in capsys.readouterr().err
