"""The tutorial on a corpus of one's own, as it is written there."""
import csv
import re
from pathlib import Path

import pytest
from made_media import write_video, write_wav
from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope
from tool_runs import ROOT, call_tool

from claip_emo_mm.engine.config import load_config

TEXT = (ROOT / 'docs/tutorials/own_corpus.md').read_text(encoding='utf-8')
DESCRIPTION, CONFIG = re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert len([line for line in DESCRIPTION.splitlines() if line.strip()]) <= 30
    Path('msp_improv.py').write_text(DESCRIPTION)
    names = [f'MSP-IMPROV-S01{emotion}-{gender}0{session}-P-FM01' for session in (1, 2, 6) for gender in 'FM'
             for emotion in 'AS']
    for name in names:
        write_video(Path(f'MSP-IMPROV/Video/session/{name}.avi'))
        write_wav(Path(f'MSP-IMPROV/Audio/{name}.wav'), .6)
    write_video(Path('MSP-IMPROV/Video/session/MSP-IMPROV-S02H-F03-T-FM01.avi'))
    command = re.search(r'python tools/(prepare_data.py) (described .*)', TEXT)
    arguments = command[2].replace('DOWNLOAD', 'MSP-IMPROV').split()
    assert call_tool(monkeypatch, command[1], *arguments, '--faces', 'keep', '--workers', '1') == 0
    assert 'MSP-IMPROV (acted emotion, 6 folds of sessions): 12 lists' in capsys.readouterr().out
    assert 'the target sentence alone' in Path('data/msp_improv/notes.csv').read_text()

    config = Path('data/msp_improv/msp_improv.py')
    config.write_text(CONFIG.replace("'../../configs/", f"'{ROOT}/configs/"))
    init_default_scope('mmaction')
    cfg = load_config(config, dict(fold=6))
    tested = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[]))
    with Path('data/msp_improv/lists/fold6_test.csv').open(newline='') as file:
        assert [(row['frames'], row['label']) for row in csv.DictReader(file)] == [
            (f'frames/S01{emotion}-{gender}06-P-FM01', label) for emotion, label in (('A', 'angry'), ('S', 'sad'))
            for gender in 'FM']
    assert [tested[index]['label'] for index in range(4)] == [0, 0, 3, 3] and tested[0]['audio_path'].endswith('.wav')
    assert len(DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=[]))) == 8
    assert cfg.model.cls_head.num_classes == cfg.model.data_preprocessor.blending.num_classes == 4
